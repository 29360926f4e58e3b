package dev.warren.protocol;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * One life of a gateway's process: 128 random bits, made at its start and never stored. Unlike its
 * id, no two processes ever share it.
 */
public record Incarnation(long high, long low) implements Comparable<Incarnation> {
  /** The length of {@link #toBytes}. */
  public static final int BYTES = 16;

  private static final SecureRandom RANDOM = new SecureRandom();

  public static Incarnation random() {
    return new Incarnation(RANDOM.nextLong(), RANDOM.nextLong());
  }

  /**
   * @throws IllegalArgumentException where there are not {@value #BYTES} bytes
   */
  public static Incarnation of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "incarnation: " + bytes.length + " bytes (expected: " + BYTES + ")");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new Incarnation(buffer.getLong(), buffer.getLong());
  }

  /**
   * @throws IllegalArgumentException where it is not 32 hexadecimal digits
   */
  public static Incarnation parse(String hex) {
    return of(HexFormat.of().parseHex(hex));
  }

  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  /** By the bytes, as unsigned numbers. */
  @Override
  public int compareTo(Incarnation other) {
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }

  /** The first 8 of its 32 digits: enough for a reader of logs. */
  public String shortText() {
    return toString().substring(0, 8);
  }

  /** All 32 hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(toBytes());
  }
}

package dev.warren.peer.control;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Names one cluster: 128 random bits made by the gateway that formed it. Where two clusters meet,
 * the smaller id wins.
 */
public record ClusterId(long high, long low) implements Comparable<ClusterId> {
  /** The length of {@link #toBytes}. */
  public static final int BYTES = 16;

  private static final SecureRandom RANDOM = new SecureRandom();

  public static ClusterId random() {
    return new ClusterId(RANDOM.nextLong(), RANDOM.nextLong());
  }

  /**
   * @throws IllegalArgumentException where there are not {@value #BYTES} bytes
   */
  public static ClusterId of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "cluster id: " + bytes.length + " bytes (expected: " + BYTES + ")");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new ClusterId(buffer.getLong(), buffer.getLong());
  }

  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  /** By the bytes, as unsigned numbers. */
  @Override
  public int compareTo(ClusterId other) {
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

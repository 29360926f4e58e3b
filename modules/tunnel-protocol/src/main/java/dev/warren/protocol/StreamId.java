package dev.warren.protocol;

import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * The 128-bit id of a stream: unguessable, in OPEN only, the same over every attempt of one dial
 * (PROTOCOL.md, section 4). It is a secret between the gateways and the agent; logs and answers
 * show {@link #publicId()}.
 */
public record StreamId(long high, long low) {
  private static final SecureRandom RANDOM = new SecureRandom();

  public static StreamId random() {
    byte[] bytes = new byte[16];
    RANDOM.nextBytes(bytes);
    return of(bytes, 0);
  }

  /** Reads 16 bytes, big-endian, from {@code start} on. */
  public static StreamId of(byte[] bytes, int start) {
    return new StreamId(readLong(bytes, start), readLong(bytes, start + 8));
  }

  private static long readLong(byte[] bytes, int start) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | bytes[start + i] & 0xff;
    }
    return value;
  }

  public byte[] toBytes() {
    byte[] bytes = new byte[16];
    for (int i = 0; i < 8; i++) {
      bytes[i] = (byte) (high >>> 56 - 8 * i);
      bytes[8 + i] = (byte) (low >>> 56 - 8 * i);
    }
    return bytes;
  }

  /**
   * What may be shown: 16 hexadecimal digits from which the id cannot be found (a 64-bit mix keeps
   * only half of what is needed).
   */
  public String publicId() {
    long mixed = high * 0x9E3779B97F4A7C15L ^ Long.rotateLeft(low, 29);
    mixed = (mixed ^ mixed >>> 32) * 0xD6E8FEB86659FD93L;
    return HexFormat.of().toHexDigits(mixed ^ mixed >>> 32);
  }

  /** Never the id itself: it would end up in a log. */
  @Override
  public String toString() {
    return publicId();
  }
}

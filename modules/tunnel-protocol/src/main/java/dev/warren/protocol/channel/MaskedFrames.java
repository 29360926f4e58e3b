package dev.warren.protocol.channel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;

/**
 * Writes binary WebSocket frames as a client must: masked with a key that nobody can foresee (RFC
 * 6455, section 5.3). The payload is masked where it lies, eight bytes at a time, so nothing is
 * copied. Netty's encoder, which copies and goes through checked access for each step, took four
 * fifths of an agent's time under bulk traffic.
 */
final class MaskedFrames {
  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int FIN_BINARY = 0x82;
  private static final int MASKED = 0x80;
  private static final int MAX_HEADER_BYTES = 14;

  /** Keys are drawn in batches: the random source is strong and not cheap. */
  private static final int KEYS = 256;

  private static final SecureRandom RANDOM = new SecureRandom();

  private final byte[] drawn = new byte[4 * KEYS];
  private int next = drawn.length;

  /** A key for one frame. */
  int nextKey() {
    if (next == drawn.length) {
      RANDOM.nextBytes(drawn);
      next = 0;
    }
    int key =
        drawn[next] << 24
            | (drawn[next + 1] & 0xff) << 16
            | (drawn[next + 2] & 0xff) << 8
            | drawn[next + 3] & 0xff;
    next += 4;
    return key;
  }

  /** The header of a frame of so many bytes that are masked with this key. */
  static ByteBuf header(ByteBufAllocator allocator, int length, int key) {
    ByteBuf header = allocator.directBuffer(MAX_HEADER_BYTES);
    header.writeByte(FIN_BINARY);
    if (length < 126) {
      header.writeByte(MASKED | length);
    } else if (length <= 0xffff) {
      header.writeByte(MASKED | 126).writeShort(length);
    } else {
      header.writeByte(MASKED | 127).writeLong(length);
    }
    return header.writeInt(key);
  }

  /**
   * The payload masked: the same buffer, or a copy of one that cannot be written in one piece,
   * which is released.
   */
  static ByteBuf masked(ByteBufAllocator allocator, ByteBuf payload, int key) {
    ByteBuf writable = payload;
    if (payload.isReadOnly() || payload.nioBufferCount() != 1) {
      writable = allocator.directBuffer(payload.readableBytes()).writeBytes(payload);
      payload.release();
    }
    mask(writable, writable.readerIndex(), writable.readableBytes(), key);
    return writable;
  }

  /**
   * Masks so many bytes where they lie, or takes their mask off, which is the same; the buffer must
   * be writable and in one piece.
   */
  static void mask(ByteBuf bytes, int start, int length, int key) {
    // A view of its own: slices of the same buffer may be with other event loops already.
    ByteBuffer nio = bytes.nioBuffer(start, length);
    int at = nio.position();
    int end = at + length;
    long wide = (key & 0xffffffffL) << 32 | key & 0xffffffffL;
    for (; at <= end - 8; at += 8) {
      LONGS.set(nio, at, (long) LONGS.get(nio, at) ^ wide);
    }
    for (int shift = 24; at < end; at++, shift -= 8) {
      if (shift < 0) {
        shift = 24;
      }
      nio.put(at, (byte) (nio.get(at) ^ key >>> shift));
    }
  }
}

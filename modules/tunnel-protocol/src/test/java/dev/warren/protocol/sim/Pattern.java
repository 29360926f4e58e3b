package dev.warren.protocol.sim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.SplittableRandom;

/** What streams carry: each byte follows from its stream and its offset, so nobody stores any. */
final class Pattern {
  private static final int PERIOD = 65_521; // a prime: no buffer size divides it
  private static final int LONGEST = 64 * 1024;
  private static final byte[] TABLE = new byte[PERIOD + LONGEST];
  private static final ByteBuf EXPECTED = Unpooled.wrappedBuffer(TABLE);

  static {
    SplittableRandom random = new SplittableRandom(42);
    for (int i = 0; i < TABLE.length; i++) {
      TABLE[i] = i < PERIOD ? (byte) random.nextInt() : TABLE[i - PERIOD];
    }
  }

  private Pattern() {}

  private static int start(int stream, long offset) {
    return (int) ((offset + stream * 7_919L) % PERIOD);
  }

  static ByteBuf bytes(ByteBufAllocator allocator, int stream, long offset, int length) {
    return allocator.buffer(length).writeBytes(TABLE, start(stream, offset), length);
  }

  static boolean matches(ByteBuf bytes, int stream, long offset) {
    int checked = 0;
    while (checked < bytes.readableBytes()) {
      int part = Math.min(LONGEST, bytes.readableBytes() - checked);
      if (!ByteBufUtil.equals(
          bytes, bytes.readerIndex() + checked, EXPECTED, start(stream, offset + checked), part)) {
        return false;
      }
      checked += part;
    }
    return true;
  }
}

package dev.warren.protocol.channel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;

/**
 * Bytes that wait for somebody who is slower. Small pieces behind others are copied together, so
 * that what waits costs about what it weighs: a far end that sends single bytes would otherwise pin
 * an object and the buffer of a whole read for each of them.
 */
final class ByteQueue {
  /** Pieces below this are copied (bytes). */
  static final int SMALL_BYTES = 2 * 1024;

  /** How much of them goes into one buffer (bytes). */
  static final int GATHER_BYTES = 16 * 1024;

  private final ArrayDeque<ByteBuf> pieces = new ArrayDeque<>();
  private ByteBuf gathering; // the last piece, where it is ours and has room
  private int bytes;

  /** Takes bytes in, which are the queue's from now on. */
  void add(ByteBufAllocator allocator, ByteBuf piece) {
    int length = piece.readableBytes();
    bytes += length;
    if (length >= SMALL_BYTES || pieces.isEmpty()) {
      gathering = null;
      pieces.addLast(piece);
      return;
    }
    if (gathering == null || gathering.writableBytes() < length) {
      gathering = allocator.directBuffer(GATHER_BYTES, GATHER_BYTES);
      pieces.addLast(gathering);
    }
    gathering.writeBytes(piece);
    piece.release();
  }

  /** The first piece, which is the caller's from now on; null where there is none. */
  ByteBuf poll() {
    ByteBuf piece = pieces.pollFirst();
    if (piece != null) {
      bytes -= piece.readableBytes();
      if (piece == gathering) {
        gathering = null;
      }
    }
    return piece;
  }

  boolean isEmpty() {
    return pieces.isEmpty();
  }

  /** What waits in all. */
  int bytes() {
    return bytes;
  }

  /** How many buffers hold it. */
  int pieces() {
    return pieces.size();
  }

  void release() {
    for (ByteBuf piece = poll(); piece != null; piece = poll()) {
      piece.release();
    }
  }
}

package dev.warren.protocol.flow;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayDeque;

/**
 * Bytes that wait for somebody who is slower. Small pieces behind others are copied together, so
 * that what waits costs about what it weighs: a far end that sends single bytes would otherwise pin
 * an object and the buffer of a whole read for each of them.
 */
public final class ByteQueue {
  /** Pieces below this are copied (bytes). */
  public static final int SMALL_BYTES = 2 * 1024;

  /** How much of them goes into one buffer (bytes). */
  public static final int GATHER_BYTES = 16 * 1024;

  private final ArrayDeque<ByteBuf> pieces = new ArrayDeque<>();
  private ByteBuf gathering; // the last piece, where it is ours and has room
  private int bytes;

  /** Takes bytes in, which are the queue's from now on. */
  public void add(ByteBufAllocator allocator, ByteBuf piece) {
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
  public ByteBuf poll() {
    ByteBuf piece = pieces.pollFirst();
    if (piece != null) {
      bytes -= piece.readableBytes();
      if (piece == gathering) {
        gathering = null;
      }
    }
    return piece;
  }

  public boolean isEmpty() {
    return pieces.isEmpty();
  }

  /** What waits in all. */
  public int bytes() {
    return bytes;
  }

  /** How many buffers hold it. */
  public int pieces() {
    return pieces.size();
  }

  public void release() {
    for (ByteBuf piece = poll(); piece != null; piece = poll()) {
      piece.release();
    }
  }
}

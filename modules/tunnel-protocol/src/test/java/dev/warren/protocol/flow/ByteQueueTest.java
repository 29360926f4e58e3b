package dev.warren.protocol.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ByteQueueTest {
  private final ByteQueue queue = new ByteQueue();

  private static ByteBuf bytes(int length, int first) {
    ByteBuf bytes = ByteBufAllocator.DEFAULT.directBuffer(Math.max(1, length));
    for (int i = 0; i < length; i++) {
      bytes.writeByte(first + i);
    }
    return bytes;
  }

  @Test
  void aLonePieceAndLargeOnesAreNotCopied() {
    ByteBuf lone = bytes(1, 0);
    ByteBuf large = bytes(ByteQueue.SMALL_BYTES, 1);
    queue.add(ByteBufAllocator.DEFAULT, lone);
    queue.add(ByteBufAllocator.DEFAULT, large);
    assertSame(lone, queue.poll());
    assertSame(large, queue.poll());
    lone.release();
    large.release();
    assertTrue(queue.isEmpty());
  }

  @Test
  void aMillionSingleBytesWeighLittleMoreThanTheyAre() {
    for (int i = 0; i < 1_000_000; i++) {
      queue.add(ByteBufAllocator.DEFAULT, bytes(1, i));
    }
    assertEquals(1_000_000, queue.bytes());
    assertTrue(
        queue.pieces() <= 2 + 1_000_000 / ByteQueue.GATHER_BYTES, queue.pieces() + " buffers");
    queue.release();
    assertEquals(0, queue.bytes());
  }

  @Test
  void whateverIsAddedComesOutInOrder() {
    Random random = new Random(3);
    int in = 0;
    int out = 0;
    for (int step = 0; step < 20_000; step++) {
      if (random.nextInt(3) > 0) {
        int length = random.nextInt(10) == 0 ? random.nextInt(5_000) : random.nextInt(50);
        queue.add(ByteBufAllocator.DEFAULT, bytes(length, in));
        in += length;
      } else {
        ByteBuf piece = queue.poll();
        if (piece != null) {
          for (; piece.isReadable(); out++) {
            assertEquals((byte) out, piece.readByte());
          }
          piece.release();
        }
      }
      assertEquals(in - out, queue.bytes());
    }
    queue.release();
  }
}

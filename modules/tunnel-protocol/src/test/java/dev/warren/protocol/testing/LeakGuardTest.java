package dev.warren.protocol.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LeakGuardTest {
  static List<ByteBufAllocator> allocators() {
    return List.of(
        ByteBufAllocator.DEFAULT, PooledByteBufAllocator.DEFAULT, UnpooledByteBufAllocator.DEFAULT);
  }

  @ParameterizedTest
  @MethodSource("allocators")
  void aLostBufferIsReportedWithItsRecord(ByteBufAllocator allocator) throws InterruptedException {
    loseOne(allocator);
    List<String> leaks = LeakGuard.leaks(); // taken here, so the guard finds none after the class
    assertEquals(1, leaks.size(), leaks.toString());
    assertTrue(leaks.get(0).contains("LeakGuardTest.loseOne"), leaks.get(0));
  }

  @Test
  void aReleasedBufferIsNot() throws InterruptedException {
    ByteBuf whole = Unpooled.directBuffer(100).writeZero(100);
    ByteBuf slice = whole.readRetainedSlice(10);
    whole.release();
    slice.release();
    assertEquals(List.of(), LeakGuard.leaks());
  }

  /** A method of its own: no local variable keeps the buffer reachable. */
  private static void loseOne(ByteBufAllocator allocator) {
    allocator.directBuffer(64).writeLong(1);
  }
}

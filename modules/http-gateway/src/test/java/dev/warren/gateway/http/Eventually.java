package dev.warren.gateway.http;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** Waits for what happens on another thread and tells nobody. */
final class Eventually {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private Eventually() {}

  static void holds(BooleanSupplier condition) {
    long until = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - until > 0) {
        throw new AssertionError("did not become true");
      }
      LockSupport.parkNanos(STEP_NANOS);
    }
  }

  /**
   * The value at which a counter stays. That nothing happens has no event to wait for; a machine
   * that is too slow makes the value smaller, never a test fail.
   */
  static long standsStill(LongSupplier counter) {
    long value = -1;
    for (int same = 0; same < 30; ) {
      LockSupport.parkNanos(10 * STEP_NANOS);
      long now = counter.getAsLong();
      same = now == value && now > 0 ? same + 1 : 0;
      value = now;
    }
    return value;
  }
}

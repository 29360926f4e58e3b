package dev.warren.cli.e2e;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what happens on another thread and tells nobody. */
final class Eventually {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private Eventually() {}

  /**
   * @param state what to say of a condition that never came true
   */
  static void holds(Supplier<String> state, BooleanSupplier condition) {
    long until = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - until > 0) {
        throw new AssertionError("did not become true: " + state.get());
      }
      LockSupport.parkNanos(STEP_NANOS);
    }
  }
}

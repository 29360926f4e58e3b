package dev.warren.agent;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** For what nobody tells a test: asks again until it is so. */
public final class Eventually {
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private Eventually() {}

  public static void holds(BooleanSupplier condition, Supplier<String> otherwise) {
    long deadline = System.nanoTime() + LONGEST.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError(otherwise.get());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}

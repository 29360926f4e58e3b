package dev.warren.gateway.tunnel;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * How fast agents come in: after a restart thousands come at once, and callers must not starve
 * meanwhile. Those that are sent away are told to come back spread over the time that it takes to
 * let all of them in. Safe for use by all event loops.
 */
public final class Admission {
  /** A herd is not told to stay away longer than this. */
  public static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  private final int perSecond;
  private final int maxHandshakes;
  private final LongSupplier nanoClock;
  private final RandomGenerator random;
  private final AtomicInteger handshakes = new AtomicInteger();
  private double tokens;
  private long refilledAt;
  private double expected; // agents that were sent away and have not come back

  /**
   * @param perSecond agents that are let in within a second; a fifth of it at once
   * @param maxHandshakes agents between their request and their WELCOME
   * @param nanoClock {@code System::nanoTime}, or a test's
   */
  public Admission(
      int perSecond, int maxHandshakes, LongSupplier nanoClock, RandomGenerator random) {
    this.perSecond = perSecond;
    this.maxHandshakes = maxHandshakes;
    this.nanoClock = nanoClock;
    this.random = random;
    this.tokens = burst();
    this.refilledAt = nanoClock.getAsLong();
  }

  private double burst() {
    return Math.max(1, perSecond / 5.0);
  }

  /**
   * An agent wants to come in.
   *
   * @return zero: it may, and {@link #settled} must follow; else how long it should stay away
   */
  public synchronized Duration ask() {
    long now = nanoClock.getAsLong();
    tokens = Math.min(burst(), tokens + (now - refilledAt) / 1e9 * perSecond);
    refilledAt = now;
    if (tokens >= burst()) {
      expected = 0; // nobody has come for a while
    }
    if (tokens >= 1 && handshakes.get() < maxHandshakes) {
      tokens -= 1;
      expected = Math.max(0, expected - 1);
      handshakes.incrementAndGet();
      return Duration.ZERO;
    }
    expected += 1;
    double seconds = 1 + random.nextDouble() * expected / perSecond * 1.25;
    return Duration.ofMillis(Math.min((long) (seconds * 1_000), LONGEST_WAIT.toMillis()));
  }

  /** An agent that was let in has its WELCOME, or is gone. */
  public void settled() {
    handshakes.decrementAndGet();
  }

  /** Agents between their request and their WELCOME now. */
  public int handshakes() {
    return handshakes.get();
  }
}

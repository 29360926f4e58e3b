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

  private static final Duration SHORTEST_WAIT = Duration.ofSeconds(1);
  private static final long PLACES_NANOS = 1_100_000_000;

  private final int perSecond;
  private final int maxHandshakes;
  private final LongSupplier nanoClock;
  private final RandomGenerator random;
  private final AtomicInteger handshakes = new AtomicInteger();
  private double tokens;
  private long refilledAt;
  private long nextPlace; // in time: when the next one that is sent away should come

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
    if (tokens >= 1 && handshakes.get() < maxHandshakes) {
      tokens -= 1;
      handshakes.incrementAndGet();
      return Duration.ZERO;
    }
    // Each has its own place, a little further apart than they could come, so that those who come
    // in their time find room.
    nextPlace = Math.max(nextPlace, now + SHORTEST_WAIT.toNanos()) + PLACES_NANOS / perSecond;
    if (nextPlace - now > LONGEST_WAIT.toNanos()) {
      nextPlace = now + LONGEST_WAIT.toNanos();
      long half = LONGEST_WAIT.toMillis() / 2;
      return Duration.ofMillis(half + random.nextLong(half));
    }
    return Duration.ofNanos(nextPlace - now);
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

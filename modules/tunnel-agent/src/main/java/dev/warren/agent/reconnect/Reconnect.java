package dev.warren.agent.reconnect;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Decides when the next try to reach a gateway starts, and at which of the agent's addresses.
 *
 * <p>The first try after a tunnel was lost starts at once, at another address where there is one.
 * Each later one waits a random part of a delay that doubles (full jitter: agents that lost one
 * gateway together do not come back together). A gateway's Retry-After comes before all that, and
 * the jitter on top of it.
 *
 * <p>Not thread-safe: one for each tunnel, on its event loop. Times are those of {@link
 * System#nanoTime}: they may have any value, and only differences mean something.
 */
public final class Reconnect {
  /** A longer Retry-After counts as this: by then the gateway may be another one. */
  public static final Duration MAX_RETRY_AFTER = Duration.ofMinutes(10);

  /**
   * A tunnel that lived shorter than this does not end an outage: a gateway that accepts and drops
   * at once must not be dialled in a circle.
   */
  public static final Duration SETTLED = Duration.ofSeconds(1);

  /** Beyond this many doublings every delay is at its cap, whatever the settings. */
  private static final int MAX_DOUBLINGS = 30;

  private final ReconnectSettings settings;
  private final int addresses;
  private final RandomGenerator random;

  private int address;
  private int doublings;
  private boolean inOutage;
  private long outageSince;
  private long upSince;

  /**
   * When and where.
   *
   * @param delay from now
   * @param address the index of the address to dial
   */
  public record Try(Duration delay, int address) {}

  public Reconnect(ReconnectSettings settings, int addresses, RandomGenerator random) {
    if (addresses < 1) {
      throw new IllegalArgumentException(addresses + " addresses (expected: at least 1)");
    }
    this.settings = settings;
    this.addresses = addresses;
    this.random = random;
  }

  /** The very first try: at once, at the first address. */
  public Try first() {
    return new Try(Duration.ZERO, address);
  }

  /** A gateway has accepted the tunnel. */
  public void up(long now) {
    upSince = now;
  }

  /**
   * The tunnel that was up is gone.
   *
   * @param retryAfter what the gateway asked for; zero where it said nothing
   */
  public Try afterLoss(long now, Duration retryAfter) {
    return afterLoss(now, Duration.ofNanos(now - upSince), retryAfter);
  }

  /**
   * One of several tunnels that were up is gone.
   *
   * @param lived how long it was up
   */
  public Try afterLoss(long now, Duration lived, Duration retryAfter) {
    if (lived.compareTo(settings.stable()) >= 0) {
      doublings = 0;
    }
    if (!inOutage || lived.compareTo(SETTLED) >= 0) {
      inOutage = true;
      outageSince = now;
      return next(retryAfter, Duration.ZERO);
    }
    return next(retryAfter, jitter(ceiling(now)));
  }

  /**
   * A try has failed.
   *
   * @param retryAfter what the gateway asked for; zero where it said nothing
   * @param waitingHeals false where the gateway knows the agent and does not want it (a wrong
   *     token, a foreign id): the slow cap holds from the start
   */
  public Try afterFailure(long now, Duration retryAfter, boolean waitingHeals) {
    if (!inOutage) {
      inOutage = true;
      outageSince = now;
    }
    Duration ceiling = ceiling(now);
    return next(retryAfter, jitter(waitingHeals ? ceiling : settings.slowCap()));
  }

  private Duration ceiling(long now) {
    boolean fast = Duration.ofNanos(now - outageSince).compareTo(settings.fastPhase()) < 0;
    Duration cap = fast ? settings.cap() : settings.slowCap();
    Duration doubled = settings.firstDelay().multipliedBy(1L << doublings);
    doublings = Math.min(doublings + 1, MAX_DOUBLINGS);
    return doubled.compareTo(cap) < 0 ? doubled : cap;
  }

  private Duration jitter(Duration ceiling) {
    return Duration.ofNanos(random.nextLong(ceiling.toNanos() + 1));
  }

  private Try next(Duration retryAfter, Duration delay) {
    address = (address + 1) % addresses;
    if (retryAfter.isZero() || retryAfter.isNegative()) {
      return new Try(delay, address);
    }
    Duration asked = retryAfter.compareTo(MAX_RETRY_AFTER) < 0 ? retryAfter : MAX_RETRY_AFTER;
    // Whoever was told the same number of seconds must not come back in the same instant.
    Duration spread = delay.isZero() ? jitter(settings.firstDelay()) : delay;
    return new Try(asked.plus(spread), address);
  }
}

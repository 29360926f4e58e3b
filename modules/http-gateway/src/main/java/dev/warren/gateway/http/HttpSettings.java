package dev.warren.gateway.http;

import java.time.Duration;
import java.util.Objects;

/**
 * The limits and times of the HTTP way in. {@link #DEFAULT} has the defaults; {@code with...}
 * changes one of them.
 *
 * @param head what bounds a request's head, and a response's
 * @param keepAlive how long a caller's connection lives between requests
 * @param dialTimeout how long a target may take to accept, the TLS handshake of an https target
 *     included
 * @param responseHeadTimeout how long a target may take from the end of the request to the head of
 *     its response; zero lets it think for as long as it likes, which long polls need
 * @param reuse which streams to targets wait to be used again
 * @param callers what one caller may have under way
 */
public record HttpSettings(
    Head head,
    KeepAlive keepAlive,
    Duration dialTimeout,
    Duration responseHeadTimeout,
    Reuse reuse,
    Callers callers) {
  public static final HttpSettings DEFAULT =
      new HttpSettings(
          Head.DEFAULT,
          KeepAlive.DEFAULT,
          Duration.ofSeconds(30),
          Duration.ZERO,
          Reuse.DEFAULT,
          Callers.DEFAULT);

  /**
   * What bounds a head.
   *
   * @param maxUriBytes a longer request target is 414
   * @param maxHeaderBytes more in all header lines together (line ends not counted; trailers count
   *     with them) is 431
   * @param maxHeaders more header lines, trailers included, are 431
   * @param timeout how long a request's head may take from its first byte to its last; longer is
   *     408
   */
  public record Head(int maxUriBytes, int maxHeaderBytes, int maxHeaders, Duration timeout) {
    public static final Head DEFAULT = new Head(16_384, 65_536, 256, Duration.ofSeconds(15));

    public Head {
      Checks.inRange("http.head.max-uri-bytes", maxUriBytes, 64, 1 << 20);
      Checks.inRange("http.head.max-header-bytes", maxHeaderBytes, 1_024, 1 << 24);
      Checks.inRange("http.head.max-headers", maxHeaders, 8, 10_000);
      Checks.positive("http.head.timeout", timeout);
    }
  }

  /**
   * How long a caller's connection lives when nothing moves on it.
   *
   * @param idle between two requests, and before the first byte of the first one. 75 s is what
   *     balancers (60 s is common) outwait, so that they close first and lose no request
   * @param halfClosed after the caller closed its sending side, how long nothing may be sent to it
   *     before its request is given up: a caller that has gone altogether looks the same
   * @param linger after an answer that ends the connection while the caller is still sending, how
   *     long its bytes are read and dropped, so that the answer is not lost to a reset
   */
  public record KeepAlive(Duration idle, Duration halfClosed, Duration linger) {
    public static final KeepAlive DEFAULT =
        new KeepAlive(Duration.ofSeconds(75), Duration.ofSeconds(5), Duration.ofSeconds(2));

    public KeepAlive {
      Checks.positive("http.keep-alive.idle", idle);
      Checks.positive("http.keep-alive.half-closed", halfClosed);
      Checks.positive("http.keep-alive.linger", linger);
    }
  }

  /**
   * Which streams wait to be used again, for each event loop.
   *
   * @param maxIdlePerTarget for one caller, session, scheme and target; 0 opens a stream for every
   *     request
   * @param maxIdle in all
   * @param idle how long one waits. Short, because a request that meets a target's own close is
   *     lost: it is never sent twice
   */
  public record Reuse(int maxIdlePerTarget, int maxIdle, Duration idle) {
    public static final Reuse DEFAULT = new Reuse(512, 1_024, Duration.ofMillis(1_500));

    public Reuse {
      Checks.inRange("http.reuse.max-idle-per-target", maxIdlePerTarget, 0, 65_536);
      Checks.inRange("http.reuse.max-idle", maxIdle, 0, 1 << 20);
      Checks.positive("http.reuse.idle", idle);
    }
  }

  /**
   * What one caller may have under way. A caller is a principal, or an address where nobody has to
   * say who they are; one connection has one request under way at most.
   *
   * @param maxRequests requests; more are 429
   * @param maxPendingDials requests whose target has not accepted yet; more are 429
   * @param maxPendingDialsInAll those of all callers of this gateway; more are 503
   */
  public record Callers(int maxRequests, int maxPendingDials, int maxPendingDialsInAll) {
    public static final Callers DEFAULT = new Callers(2_048, 1_024, 4_096);

    public Callers {
      Checks.inRange("http.callers.max-requests", maxRequests, 1, 1 << 20);
      Checks.inRange("http.callers.max-pending-dials", maxPendingDials, 1, 1 << 20);
      Checks.inRange("http.callers.max-pending-dials-in-all", maxPendingDialsInAll, 1, 1 << 20);
    }
  }

  public HttpSettings {
    Objects.requireNonNull(head, "head");
    Objects.requireNonNull(keepAlive, "keepAlive");
    Objects.requireNonNull(reuse, "reuse");
    Objects.requireNonNull(callers, "callers");
    Checks.positive("http.dial-timeout", dialTimeout);
    if (!responseHeadTimeout.isZero()) {
      Checks.positive("http.response-head-timeout", responseHeadTimeout);
    }
  }

  public HttpSettings withHead(Head value) {
    return new HttpSettings(value, keepAlive, dialTimeout, responseHeadTimeout, reuse, callers);
  }

  public HttpSettings withKeepAlive(KeepAlive value) {
    return new HttpSettings(head, value, dialTimeout, responseHeadTimeout, reuse, callers);
  }

  public HttpSettings withDialTimeout(Duration value) {
    return new HttpSettings(head, keepAlive, value, responseHeadTimeout, reuse, callers);
  }

  public HttpSettings withResponseHeadTimeout(Duration value) {
    return new HttpSettings(head, keepAlive, dialTimeout, value, reuse, callers);
  }

  public HttpSettings withReuse(Reuse value) {
    return new HttpSettings(head, keepAlive, dialTimeout, responseHeadTimeout, value, callers);
  }

  public HttpSettings withCallers(Callers value) {
    return new HttpSettings(head, keepAlive, dialTimeout, responseHeadTimeout, reuse, value);
  }

  /**
   * A class of its own: the parts are made before the whole, and must not have to wait for its
   * defaults.
   */
  private static final class Checks {
    private Checks() {}

    static void inRange(String key, int value, int least, int most) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            key + ": " + value + " (expected: " + least + " to " + most + ")");
      }
    }

    static void positive(String key, Duration value) {
      if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException(
            key + ": " + value + " (expected: 1 millisecond to 1 day)");
      }
    }
  }
}

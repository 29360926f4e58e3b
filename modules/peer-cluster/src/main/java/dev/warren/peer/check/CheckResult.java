package dev.warren.peer.check;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import java.time.Duration;

/**
 * What the last check of one target through one session found. Clocks in it are the checking
 * gateway's, and are for people only: which of two results is the later one, {@link #isAfter}
 * decides without.
 *
 * @param session through which the target was dialled
 * @param target as the setting has it: {@code HOST:PORT} or {@code http://HOST:PORT/path}
 * @param round one more than that of the result that the checking gateway knew before
 * @param checker the gateway that checked
 * @param good whether the target answered as it should
 * @param sinceMillis since when that is so
 * @param atMillis when it was checked
 * @param latencyNanos how long the answer took; 0 where there was none
 * @param reason why it is not good; empty where it is
 * @param interval between two checks: a result that is not renewed for several of them is worth
 *     nothing
 */
public record CheckResult(
    SessionKey session,
    String target,
    long round,
    Incarnation checker,
    boolean good,
    long sinceMillis,
    long atMillis,
    long latencyNanos,
    String reason,
    Duration interval) {
  /** The longest target (characters). */
  public static final int MAX_TARGET_LENGTH = 512;

  /** A longer reason is cut (characters). */
  public static final int MAX_REASON_LENGTH = 200;

  /** Which check of which session. */
  public record Key(SessionKey session, String target) {}

  public CheckResult {
    if (target.isEmpty() || target.length() > MAX_TARGET_LENGTH) {
      throw new IllegalArgumentException(
          "target of a check, "
              + target.length()
              + " characters (expected: 1 to "
              + MAX_TARGET_LENGTH
              + ")");
    }
    if (interval.isNegative() || interval.isZero()) {
      throw new IllegalArgumentException(
          "interval of a check: " + interval + " (expected: more than 0)");
    }
    if (reason.length() > MAX_REASON_LENGTH) {
      reason = reason.substring(0, MAX_REASON_LENGTH);
    }
  }

  public Key key() {
    return new Key(session, target);
  }

  /**
   * Whether this one counts, of two results of one check: the higher round; where two gateways
   * checked at the same time, because they did not know yet who it should be, the higher
   * incarnation.
   */
  boolean isAfter(CheckResult other) {
    return round != other.round ? round > other.round : checker.compareTo(other.checker) > 0;
  }
}

package dev.warren.peer.dial;

import dev.warren.protocol.FaultCode;
import java.time.Duration;

/**
 * A dial that no target accepted. The text names session, target and reason, and may be shown to
 * the caller.
 */
public final class DialFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What a caller is told, whichever way it came in. */
  public enum Outcome {
    /** No such session. HTTP 404. */
    UNKNOWN_SESSION,
    /**
     * The session exists and has no tunnel now, its tunnel broke under the dial, or too much is
     * waiting. HTTP 503 with Retry-After.
     */
    UNAVAILABLE,
    /** This caller has too many streams. HTTP 429 with Retry-After. */
    TOO_MANY,
    /** The agent's or the gateway's rules forbid the target. HTTP 403. */
    FORBIDDEN,
    /** The target did not accept, or could not be reached. HTTP 502. */
    REFUSED,
    /** Nobody answered in time. HTTP 504. */
    TIMED_OUT,
    /** The agent does not offer this kind of target. HTTP 501. */
    UNSUPPORTED
  }

  private final Outcome outcome;
  private final FaultCode code;
  private final Duration retryAfter;
  private final String via;

  /**
   * @param retryAfter when a new try makes sense; zero where nothing is known
   * @param via {@code origin, holder}, as far as the dial came
   */
  public DialFailedException(Outcome outcome, String message, Duration retryAfter, String via) {
    this(outcome, codeOf(outcome), message, retryAfter, via);
  }

  /**
   * @param code what the agent or the target said, by which a caller of the protocol is told
   * @param retryAfter when a new try makes sense; zero where nothing is known
   * @param via {@code origin, holder}, as far as the dial came
   */
  public DialFailedException(
      Outcome outcome, FaultCode code, String message, Duration retryAfter, String via) {
    super(message, null, false, false);
    this.outcome = outcome;
    this.code = code;
    this.retryAfter = retryAfter;
    this.via = via;
  }

  public Outcome outcome() {
    return outcome;
  }

  /** What a caller of the protocol is told (PROTOCOL.md, section 7). */
  public FaultCode code() {
    return code;
  }

  private static FaultCode codeOf(Outcome outcome) {
    return switch (outcome) {
      case UNKNOWN_SESSION -> FaultCode.NOT_HERE;
      case UNAVAILABLE -> FaultCode.AWAY;
      case TOO_MANY -> FaultCode.OVERLOADED;
      case FORBIDDEN -> FaultCode.FORBIDDEN;
      case REFUSED -> FaultCode.TARGET_REFUSED;
      case TIMED_OUT -> FaultCode.TARGET_TIMEOUT;
      case UNSUPPORTED -> FaultCode.UNSUPPORTED;
    };
  }

  public Duration retryAfter() {
    return retryAfter;
  }

  public String via() {
    return via;
  }
}

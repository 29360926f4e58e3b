package dev.warren.client;

import dev.warren.protocol.FaultCode;
import java.net.ConnectException;
import java.time.Duration;

/**
 * A stream that was not opened. A {@link ConnectException}, because programs that take sockets know
 * what to do with one. The text names session, target and reason, and holds no secret.
 */
public final class DialException extends ConnectException {
  private static final long serialVersionUID = 1L;

  /** Why there is no stream. */
  public enum Reason {
    /** No gateway could be reached, or none that speaks with callers. */
    GATEWAY_UNREACHABLE,
    /** The gateway knows no such token. */
    UNAUTHORIZED,
    /** The token is for other sessions, or the agent's rules forbid the target. */
    FORBIDDEN,
    /** No agent with this id is or was lately connected. */
    UNKNOWN_SESSION,
    /** The agent is away. */
    OFFLINE,
    /** A limit of the gateway, of the agent or of this program is reached: try later. */
    OVERLOADED,
    /** The target refused, is unknown to the agent or cannot be reached by it. */
    REFUSED,
    /** Nobody answered in time. */
    TIMED_OUT,
    /** The agent or the gateway does not offer this. */
    UNSUPPORTED,
    /** The program has closed this {@link Warren}, or the way broke under the dial. */
    BROKEN
  }

  private final Reason reason;
  private final Duration retryAfter;

  DialException(Reason reason, String message, Duration retryAfter) {
    super(message);
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  DialException(Reason reason, String message) {
    this(reason, message, Duration.ZERO);
  }

  /** The same, thrown where somebody waited for it. */
  DialException again() {
    DialException copy = new DialException(reason, getMessage(), retryAfter);
    copy.initCause(this);
    return copy;
  }

  /** Why there is no stream. */
  public Reason reason() {
    return reason;
  }

  /** When a new try makes sense; zero where nothing is known. */
  public Duration retryAfter() {
    return retryAfter;
  }

  static Reason reason(FaultCode code) {
    return switch (code) {
      case NOT_HERE -> Reason.UNKNOWN_SESSION;
      case AWAY -> Reason.OFFLINE;
      case DRAINING, OVERLOADED, TOO_MANY -> Reason.OVERLOADED;
      case FORBIDDEN -> Reason.FORBIDDEN;
      case UNAUTHORIZED -> Reason.UNAUTHORIZED;
      case TARGET_REFUSED, TARGET_UNREACHABLE, TARGET_UNKNOWN -> Reason.REFUSED;
      case TARGET_TIMEOUT, DEADLINE -> Reason.TIMED_OUT;
      case UNSUPPORTED -> Reason.UNSUPPORTED;
      default -> Reason.BROKEN;
    };
  }
}

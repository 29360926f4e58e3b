package dev.warren.protocol;

import java.util.HashMap;
import java.util.Map;

/**
 * Why a dial was refused, a stream was reset or a tunnel was ended (PROTOCOL.md, section 7). The
 * numbers stand on the wire; an unknown one reads as {@link #INTERNAL}.
 */
public enum FaultCode {
  // Whatever may succeed over another holder: nothing has reached a target.
  NOT_HERE(1, true),
  DRAINING(2, true),
  OVERLOADED(3, true),
  LINK_LOST(4, true),
  AWAY(5, true),

  // What the target or the agent's rules said: final.
  FORBIDDEN(10, false),
  TARGET_REFUSED(11, false),
  TARGET_UNREACHABLE(12, false),
  TARGET_UNKNOWN(13, false),
  TARGET_TIMEOUT(14, false),
  UNSUPPORTED(15, false),

  // What ends a stream that was open, or being opened.
  CANCELLED(20, false),
  TARGET_RESET(21, false),
  DEADLINE(22, false),
  TUNNEL_LOST(23, false),
  FLOW_CONTROL(24, false),
  STREAM_PROTOCOL(25, false),
  OTHER_ATTEMPT_WON(26, false),
  STALLED(27, false),

  // What ends a tunnel.
  PROTOCOL(40, false),
  VERSION(41, false),
  SUPERSEDED(42, false),
  CLOSED_BY_ORDER(43, false),
  HEARTBEAT(44, false),
  SHUTDOWN(45, false),
  UNAUTHORIZED(46, false),
  TOO_MANY(47, false),

  INTERNAL(60, false);

  private static final Map<Integer, FaultCode> BY_NUMBER = new HashMap<>();

  static {
    for (FaultCode code : values()) {
      BY_NUMBER.put(code.number, code);
    }
  }

  private final int number;
  private final boolean retryable;

  FaultCode(int number, boolean retryable) {
    this.number = number;
    this.retryable = retryable;
  }

  /** The code of this number on the wire; {@link #INTERNAL} for a number that a newer peer uses. */
  public static FaultCode of(int number) {
    return BY_NUMBER.getOrDefault(number, INTERNAL);
  }

  public int number() {
    return number;
  }

  /**
   * Whether a dial that failed so may be offered to another holder: nothing has reached a target.
   */
  public boolean retryable() {
    return retryable;
  }
}

package dev.warren.cli;

import java.util.LinkedHashMap;
import java.util.Map;

/** What the process's exit status means; shown in the help of every command. */
final class ExitStatus {
  /** Done; or stopped in good order by SIGTERM or SIGINT. */
  static final int OK = 0;

  /** Started, or tried to, and failed. */
  static final int FAILED = 1;

  /** Nothing was started: the command line or a setting is wrong. */
  static final int USAGE = 2;

  /** A caller's: no gateway could be reached. */
  static final int GATEWAY_UNREACHABLE = 3;

  /**
   * A caller's: the token is wrong or for other sessions, or the agent's rules forbid the target.
   */
  static final int FORBIDDEN = 4;

  /** A caller's: the agent is unknown or away. */
  static final int OFFLINE = 5;

  /** A caller's: the target refused, cannot be reached or did not answer. */
  static final int REFUSED = 6;

  private ExitStatus() {}

  static Map<String, String> shown() {
    Map<String, String> shown = new LinkedHashMap<>();
    shown.put(" " + OK, "done, or stopped in good order by SIGTERM or SIGINT");
    shown.put(" " + FAILED, "it was tried and failed; the last line says why");
    shown.put(" " + USAGE, "nothing was tried: the command line or a setting is wrong");
    shown.put(" " + GATEWAY_UNREACHABLE, "dial: no gateway could be reached");
    shown.put(" " + FORBIDDEN, "dial: the token is wrong, or the session or target forbidden");
    shown.put(" " + OFFLINE, "dial: the agent is unknown or away");
    shown.put(" " + REFUSED, "dial: the target refused, or cannot be reached");
    return shown;
  }
}

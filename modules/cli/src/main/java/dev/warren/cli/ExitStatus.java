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

  private ExitStatus() {}

  static Map<String, String> shown() {
    Map<String, String> shown = new LinkedHashMap<>();
    shown.put(" " + OK, "done, or stopped in good order by SIGTERM or SIGINT");
    shown.put(" " + FAILED, "it was tried and failed; the last line says why");
    shown.put(" " + USAGE, "nothing was tried: the command line or a setting is wrong");
    return shown;
  }
}

package dev.warren.gateway.http;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Reads what a target says about how long it keeps an idle connection. */
final class KeepAliveHeader {
  private KeepAliveHeader() {}

  /**
   * How long a stream to the target may wait for its next request: three quarters of {@code
   * timeout}, because the target's clock started earlier than ours; unlimited where it names none,
   * nothing where it names no number.
   */
  static long idleNanos(String value) {
    for (String parameter : value.split(",", -1)) {
      String text = parameter.strip().toLowerCase(Locale.ROOT);
      if (text.startsWith("timeout")) {
        int equals = text.indexOf('=');
        try {
          long seconds = Long.parseLong(text.substring(equals + 1).strip());
          return TimeUnit.MILLISECONDS.toNanos(Math.min(Math.max(0, seconds), 86_400) * 750);
        } catch (NumberFormatException e) {
          return 0;
        }
      }
    }
    return Long.MAX_VALUE;
  }
}

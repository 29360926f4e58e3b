package dev.warren.gateway.check;

import dev.warren.peer.check.CheckResults;
import java.time.Duration;
import java.util.List;

/**
 * Which targets are checked, and how.
 *
 * @param checks none: nothing is checked by this gateway
 * @param interval between two checks of one target through one session; jittered by a tenth
 * @param timeout how long a target may take to accept, and to answer
 * @param atOnce checks of this gateway that are under way at one time; the others wait
 */
public record CheckSettings(List<Check> checks, Duration interval, Duration timeout, int atOnce) {
  /** What the settings of one gateway may hold. */
  public static final int MAX_CHECKS = CheckResults.MAX_OF_SESSION;

  public static final CheckSettings NONE =
      new CheckSettings(List.of(), Duration.ofSeconds(30), Duration.ofSeconds(5), 64);

  public CheckSettings {
    checks = List.copyOf(checks);
    if (checks.size() > MAX_CHECKS) {
      throw new IllegalArgumentException(
          "--check: " + checks.size() + " checks (expected: at most " + MAX_CHECKS + ")");
    }
    bounded("--check-interval", interval, Duration.ofSeconds(1), Duration.ofHours(24));
    bounded("--check-timeout", timeout, Duration.ofMillis(1), Duration.ofMinutes(5));
    if (atOnce < 1) {
      throw new IllegalArgumentException(
          "--max-checks-at-once: " + atOnce + " (expected: at least 1)");
    }
  }

  private static void bounded(String flag, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          flag + ": " + value + " (expected: " + least + " to " + most + ")");
    }
  }
}

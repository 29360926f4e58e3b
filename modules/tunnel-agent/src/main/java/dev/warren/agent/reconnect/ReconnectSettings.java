package dev.warren.agent.reconnect;

import java.time.Duration;

/**
 * How an agent comes back.
 *
 * @param firstDelay the longest delay before the second try of an outage; it doubles with each try
 * @param cap what the delay does not exceed in the first part of an outage, when most gateways that
 *     died are back or replaced
 * @param slowCap what it does not exceed later, and after a refusal that waiting does not heal
 * @param fastPhase how long that first part is
 * @param stable how long a tunnel must have been up for the delays to start again from the first
 */
public record ReconnectSettings(
    Duration firstDelay, Duration cap, Duration slowCap, Duration fastPhase, Duration stable) {
  /** No setting may be longer: an agent that stays away for longer looks dead. */
  public static final Duration LONGEST = Duration.ofHours(1);

  public static final ReconnectSettings DEFAULT =
      new ReconnectSettings(
          Duration.ofMillis(100),
          Duration.ofSeconds(2),
          Duration.ofSeconds(30),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1));

  public ReconnectSettings {
    check("reconnect first-delay", firstDelay, Duration.ofMillis(1));
    check("reconnect cap", cap, firstDelay);
    check("reconnect slow-cap", slowCap, cap);
    check("reconnect fast-phase", fastPhase, Duration.ZERO);
    check("reconnect stable", stable, Duration.ZERO);
  }

  private static void check(String key, Duration value, Duration least) {
    if (value.compareTo(least) < 0 || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          key + ": " + value + " (expected: " + least + " to " + LONGEST + ")");
    }
  }
}

package dev.warren.peer.dial;

import java.time.Duration;

/**
 * How dials find their way.
 *
 * @param reattachGrace how long a dial waits for a session that is on its way back
 * @param maxWaitingPerSession dials of one session that wait so
 * @param maxWaiting of all sessions
 * @param hedgeAfter no answer within this, or four round trips where that is longer: the dial is
 *     offered to the next holder too
 * @param askWithin how long the control plane may take to say what it knows
 * @param maxAsks questions to the control plane at one time; one more dial is told 503
 */
public record RouterSettings(
    Duration reattachGrace,
    int maxWaitingPerSession,
    int maxWaiting,
    Duration hedgeAfter,
    Duration askWithin,
    int maxAsks) {
  public static final RouterSettings DEFAULT =
      new RouterSettings(
          Duration.ofSeconds(5), 64, 4_096, Duration.ofMillis(500), Duration.ofSeconds(1), 256);

  public RouterSettings withReattachGrace(Duration grace) {
    return new RouterSettings(
        grace, maxWaitingPerSession, maxWaiting, hedgeAfter, askWithin, maxAsks);
  }
}

package dev.warren.protocol.flow;

/**
 * Whether the other side lives (PROTOCOL.md, section 8). Dead is: our ping is unanswered for
 * {@value #SILENT_INTERVALS} intervals and nothing else arrived in the last {@value
 * #SILENT_INTERVALS}; or it is unanswered for {@value #DEAF_INTERVALS}, whatever arrives, which
 * finds a network that loses one direction. A tick that comes more than one interval late means
 * that we ourselves stood still: the count starts again.
 */
public final class Heartbeat {
  public static final int SILENT_INTERVALS = 3;
  public static final int DEAF_INTERVALS = 12;

  /** What a tick asks for. */
  public enum Verdict {
    NOTHING,
    SEND_PING,
    DEAD
  }

  private final long intervalNanos;
  private long sequence; // of the last ping
  private boolean waiting; // for the answer to a ping
  private long waitingSince;
  private long sentAt; // when the last ping went out
  private long lastArrival;
  private long lastTick;
  private long roundTripNanos = -1;

  /**
   * @param intervalNanos between two pings
   * @param now nanoseconds
   */
  public Heartbeat(long intervalNanos, long now) {
    this.intervalNanos = intervalNanos;
    this.lastArrival = now;
    this.lastTick = now;
    this.sentAt = now;
  }

  /** Something arrived, whatever it was. */
  public void arrived(long now) {
    lastArrival = now;
  }

  /** A pong arrived; one that answers no ping of ours does no harm. */
  public void pong(long answered, long now) {
    if (waiting && answered == sequence) {
      waiting = false;
      long sample = now - sentAt;
      roundTripNanos = roundTripNanos < 0 ? sample : (roundTripNanos * 7 + sample) / 8;
    }
  }

  /**
   * The other side's ping has come, and its answer is about to be written: whether a ping of ours
   * goes with it. One that would be due within half an interval does, because then the two sides
   * keep one rhythm, and a tunnel with nothing else to do wakes each of them twice an interval in
   * place of four times.
   */
  public boolean joins(long now) {
    if (waiting || now - sentAt < intervalNanos / 2) {
      return false;
    }
    sent(now);
    return true;
  }

  private void sent(long now) {
    waiting = true;
    waitingSince = now;
    sentAt = now;
    sequence++;
  }

  /** When a tick will say something, should nothing arrive until then. */
  public long dueAt() {
    if (!waiting) {
      return sentAt + intervalNanos;
    }
    long silent = Math.max(waitingSince - lastArrival, 0) + lastArrival;
    return Math.min(
        silent + SILENT_INTERVALS * intervalNanos, waitingSince + DEAF_INTERVALS * intervalNanos);
  }

  /**
   * To be called twice an interval or more often, and when it {@linkplain #dueAt is due}, after all
   * readable input was processed.
   */
  public Verdict tick(long now) {
    if (now - lastTick > intervalNanos + intervalNanos / 2) {
      lastArrival = now;
      waitingSince = now;
    }
    lastTick = now;
    if (!waiting) {
      if (now - sentAt < intervalNanos) {
        return Verdict.NOTHING;
      }
      sent(now);
      return Verdict.SEND_PING;
    }
    long unanswered = now - waitingSince;
    boolean silent = now - lastArrival >= SILENT_INTERVALS * intervalNanos;
    boolean dead =
        unanswered >= DEAF_INTERVALS * intervalNanos
            || unanswered >= SILENT_INTERVALS * intervalNanos && silent;
    return dead ? Verdict.DEAD : Verdict.NOTHING;
  }

  /** The sequence number of the last ping. */
  public long sequence() {
    return sequence;
  }

  /** Smoothed over the last few pings (nanoseconds); -1 before the first answer. */
  public long roundTripNanos() {
    return roundTripNanos;
  }
}

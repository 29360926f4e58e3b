package dev.warren.protocol.flow;

/**
 * Tells whether credit is what holds a stream back, and neither its sender nor its reader. A round
 * is over when a whole window was consumed. Where credit holds back, that takes one round trip;
 * where the reader does, longer than the round trip; where the sender does, twice what looks like a
 * round trip, because credit is extended when half a window is left and the sender comes to use it
 * half a window later.
 */
public final class CreditRounds {
  private static final long NO_SAMPLE = -1;

  private long least = Long.MAX_VALUE; // the road alone
  private long last = Long.MAX_VALUE;
  private long lastButOne = Long.MAX_VALUE;
  private long sampleFrom =
      NO_SAMPLE; // the limit before the last extension: a byte at it proves that the extension has
  // arrived
  private long sampleSince;
  private long end; // where the round under way is over
  private long since;
  private long took = Long.MAX_VALUE;

  /**
   * @param window of the first round (bytes)
   * @param now nanoseconds
   */
  public CreditRounds(int window, long now) {
    this.end = window;
    this.since = now;
  }

  /** Tells a round trip that was measured otherwise (nanoseconds). */
  public void sawRoundTrip(long nanos) {
    long sample = Math.max(1, nanos);
    lastButOne = last;
    last = sample;
    least = Math.min(least, sample);
  }

  /** The first bytes can come from now on. */
  public void restart(long now) {
    since = now;
  }

  /** The peer is told a new limit; {@code limit} is the one that it had. */
  public void extended(long limit, long now) {
    if (sampleFrom == NO_SAMPLE) {
      sampleFrom = limit;
      sampleSince = now;
    }
  }

  /** Everything below {@code received} has arrived. */
  public void arrived(long received, long now) {
    if (sampleFrom != NO_SAMPLE && received > sampleFrom) {
      sawRoundTrip(now - sampleSince);
      sampleFrom = NO_SAMPLE;
    }
  }

  /** Says whether the round is over with all below {@code consumed} consumed. */
  public boolean isOver(long consumed, long now) {
    if (consumed < end) {
      return false;
    }
    took = now - since;
    return true;
  }

  /** Begins the next one. */
  public void next(long consumed, int window, long now) {
    end = consumed + window;
    since = now;
  }

  /** The shortest round trip so far (nanoseconds); the largest number before the first. */
  public long leastNanos() {
    return least;
  }

  /** Whether in the round that is over the window was too small for the road: more brings more. */
  public boolean windowWasSmall() {
    return within(least);
  }

  /**
   * Whether credit held the stream back in the round that is over, however long round trips have
   * become behind what others send: more brings more of what all share.
   */
  public boolean creditHeldBack() {
    return within(Math.min(last, lastButOne)); // one pause of the sender is no round trip
  }

  private boolean within(long roundTrip) {
    return roundTrip != Long.MAX_VALUE && took <= roundTrip + roundTrip / 2;
  }
}

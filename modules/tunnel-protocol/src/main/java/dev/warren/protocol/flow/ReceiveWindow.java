package dev.warren.protocol.flow;

/**
 * How far we let the peer send on one stream, and the memory reserved for it (PROTOCOL.md, section
 * 5). The window starts small and doubles when the stream consumed a whole one within one and a
 * half round trips, that is, when the window and not the consumer is what holds it back. It shrinks
 * by not being extended.
 */
public final class ReceiveWindow {
  private static final long NO_SAMPLE = -1;

  private final CreditBudget budget;
  private long received; // everything below has arrived
  private long consumed; // everything below has left our memory
  private long limit; // what the peer was told
  private long reserved; // what the budget holds for this stream
  private int window;
  private boolean ended;
  private boolean abandoned;

  private long roundTripNanos = Long.MAX_VALUE;
  private long sampleFrom =
      NO_SAMPLE; // the limit before the last extension: a byte at it proves that the extension has
  // arrived
  private long sampleSince;
  private long roundEnd; // where the round under way is complete: one whole window consumed
  private long roundSince;

  /**
   * @param first as reserved by {@link CreditBudget#reserveFirst}; this window gives it back
   * @param now nanoseconds
   */
  public ReceiveWindow(CreditBudget budget, int first, long now) {
    this.budget = budget;
    this.limit = first;
    this.reserved = first;
    this.window = first;
    this.roundEnd = first;
    this.roundSince = now;
  }

  /** Tells a round trip that was measured otherwise, such as from OPEN to OPENED (nanoseconds). */
  public void sawRoundTrip(long nanos) {
    roundTripNanos = Math.min(roundTripNanos, Math.max(1, nanos));
  }

  /** Restarts the measurement: the first bytes can come from now on. */
  public void startRound(long now) {
    roundSince = now;
  }

  /**
   * Counts bytes that arrived.
   *
   * @return null where all is well, or what the peer did wrong
   */
  public String arrived(long offset, int bytes, long now) {
    if (offset != received) {
      return "DATA at offset " + offset + " (expected: " + received + ")";
    }
    if (bytes > limit - received) {
      return bytes + " bytes at offset " + offset + " (limit: " + limit + ")";
    }
    received += bytes;
    if (sampleFrom != NO_SAMPLE && received > sampleFrom) {
      sawRoundTrip(now - sampleSince);
      sampleFrom = NO_SAMPLE;
    }
    return null;
  }

  /**
   * Counts bytes that left our memory.
   *
   * @return the limit to tell the peer now, or -1 where no CREDIT is due
   */
  public long consumed(int bytes, long now) {
    if (bytes > received - consumed) {
      if (abandoned) {
        return -1; // given back already
      }
      throw new IllegalStateException(
          bytes + " bytes consumed at " + consumed + " (received: " + received + ")");
    }
    consumed += bytes;
    if (ended) {
      shrinkReservation(received - consumed);
      return -1;
    }
    if (consumed >= roundEnd) {
      growAfterRound(now);
    }
    long newLimit = consumed + Math.min(window, budget.allowedWindow());
    if (newLimit - limit < Math.max(1, window / 2) && newLimit - limit < limit - consumed) {
      shrinkReservation(Math.max(limit - consumed, CreditBudget.SMALLEST_WINDOW));
      return -1;
    }
    return extendTo(newLimit, now);
  }

  private long extendTo(long wanted, long now) {
    long needed = Math.max(wanted - consumed, CreditBudget.SMALLEST_WINDOW);
    long newLimit = wanted;
    if (needed > reserved && !budget.tryReserve(needed - reserved)) {
      newLimit = consumed + Math.max(reserved, CreditBudget.SMALLEST_WINDOW); // what it has must do
    } else if (needed > reserved) {
      reserved = needed;
    } else {
      shrinkReservation(needed);
    }
    if (newLimit <= limit) {
      return -1;
    }
    if (sampleFrom == NO_SAMPLE) {
      sampleFrom = limit;
      sampleSince = now;
    }
    limit = newLimit;
    return limit;
  }

  private void growAfterRound(long now) {
    long took = now - roundSince;
    boolean windowBound =
        roundTripNanos != Long.MAX_VALUE && took <= roundTripNanos + roundTripNanos / 2;
    if (windowBound && window < CreditBudget.LARGEST_WINDOW && budget.allowedWindow() > window) {
      window = (int) Math.min(window * 2L, CreditBudget.LARGEST_WINDOW);
    }
    roundEnd = consumed + window;
    roundSince = now;
  }

  private void shrinkReservation(long to) {
    if (to < reserved) {
      budget.release(reserved - to);
      reserved = to;
    }
  }

  /** No more will arrive: only what waits to be consumed stays reserved. */
  public void end() {
    ended = true;
    limit = received;
    shrinkReservation(received - consumed);
  }

  /** The stream is gone, and so is what waited. */
  public void abandon() {
    ended = true;
    abandoned = true;
    consumed = received;
    limit = received;
    shrinkReservation(0);
  }

  public long received() {
    return received;
  }

  public long consumed() {
    return consumed;
  }

  public long limit() {
    return limit;
  }

  /** The size it aims at now (bytes). */
  public int window() {
    return window;
  }

  /** What the budget holds for it now (bytes). */
  public long reserved() {
    return reserved;
  }
}

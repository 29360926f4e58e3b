package dev.warren.protocol.flow;

/**
 * How far we let the peer send on one stream, and the memory reserved for it (PROTOCOL.md, section
 * 5). The window starts small and doubles when it, and neither the reader nor the sender, held the
 * stream back for a round. It shrinks by not being extended: to the level that the budget has for
 * all of them.
 */
public final class ReceiveWindow {
  private final CreditBudget budget;
  private final WindowSizes tunnel;
  private final CreditRounds rounds;
  private long received; // everything below has arrived
  private long consumed; // everything below has left our memory
  private long limit; // what the peer was told
  private long reserved; // what the budget holds for this stream
  private int window;
  private boolean ended;
  private boolean abandoned;

  /**
   * @param tunnel the windows of all streams that share the road with this one
   * @param first as reserved by {@link CreditBudget#reserveFirst}; this window gives it back
   * @param now nanoseconds
   */
  public ReceiveWindow(CreditBudget budget, WindowSizes tunnel, int first, long now) {
    this.budget = budget;
    this.tunnel = tunnel;
    this.rounds = new CreditRounds(first, now);
    this.limit = first;
    this.reserved = first;
    this.window = first;
    budget.sizes().add(first);
    tunnel.add(first);
  }

  /** Tells a round trip that was measured otherwise, such as from OPEN to OPENED (nanoseconds). */
  public void sawRoundTrip(long nanos) {
    rounds.sawRoundTrip(nanos);
  }

  /** Restarts the measurement: the first bytes can come from now on. */
  public void startRound(long now) {
    rounds.restart(now);
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
    rounds.arrived(received, now);
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
    if (rounds.isOver(consumed, now)) {
      growAfterRound(now);
    }
    shrinkReservation(Math.max(limit - consumed, CreditBudget.SMALLEST_WINDOW));
    int aim = Math.min(window, budget.allowedWindow(reserved));
    long newLimit = consumed + aim;
    if (newLimit - limit < Math.max(1, aim / 2) && newLimit - limit < limit - consumed) {
      return -1;
    }
    return extendTo(newLimit, now);
  }

  private long extendTo(long wanted, long now) {
    long needed = Math.max(wanted - consumed, CreditBudget.SMALLEST_WINDOW);
    long newLimit = wanted;
    if (needed > reserved && !budget.tryReserve(needed - reserved)) {
      newLimit = consumed + Math.max(reserved, CreditBudget.SMALLEST_WINDOW); // what it has must do
    } else {
      reserved = Math.max(reserved, needed);
    }
    if (newLimit <= limit) {
      return -1;
    }
    rounds.extended(limit, now);
    limit = newLimit;
    return limit;
  }

  /**
   * Beyond all others of its tunnel a window grows only where the road itself is longer than it.
   * Below them it grows while credit holds it back: the road may be full of what the others send,
   * and then round trips are long, and windows are shares.
   */
  private void growAfterRound(long now) {
    boolean behindOthers = window < Math.max(CreditBudget.FIRST_WINDOW, tunnel.largest());
    boolean grows = behindOthers ? rounds.creditHeldBack() : rounds.windowWasSmall();
    if (grows && window < CreditBudget.LARGEST_WINDOW && budget.allowedWindow(reserved) > window) {
      budget.sizes().grew(window, window * 2);
      tunnel.grew(window, window * 2);
      window *= 2;
    }
    rounds.next(consumed, window, now);
  }

  private void shrinkReservation(long to) {
    if (to < reserved) {
      budget.release(reserved - to);
      reserved = to;
    }
  }

  /** No more will arrive: only what waits to be consumed stays reserved. */
  public void end() {
    leave();
    limit = received;
    shrinkReservation(received - consumed);
  }

  /** The stream is gone, and so is what waited. */
  public void abandon() {
    leave();
    abandoned = true;
    consumed = received;
    limit = received;
    shrinkReservation(0);
  }

  /** It asks for no more. */
  private void leave() {
    if (!ended) {
      ended = true;
      budget.sizes().remove(window);
      tunnel.remove(window);
    }
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

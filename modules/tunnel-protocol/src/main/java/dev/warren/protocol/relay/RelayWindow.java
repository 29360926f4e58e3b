package dev.warren.protocol.relay;

import dev.warren.protocol.flow.CreditRounds;

/**
 * The clamp on one direction of a relayed stream: the sender is told the smaller of what the
 * receiving end allows and what went on to the next transport plus a window. So at most {@code told
 * - sent} bytes are held here, and that much is reserved; frames that are passed whole are reserved
 * beside it.
 *
 * <p>The window begins small and doubles when the sender has used up what the clamp let it have:
 * credit that was told cannot be taken back, so a stream that is idle keeps what it was given.
 * Beyond what a near sender needs it grows as receive windows do, by round trips.
 */
final class RelayWindow {
  private final RelayBudget budget;
  private final CreditRounds rounds;
  private long arrived;
  private long sent;
  private long told;
  private long endLimit; // what the receiving end allows
  private long endReceived; // what the receiving end says that it has
  private long reserved;
  private int whole; // what frames that pass whole take up
  private int wholeReserved;
  private int window; // what it aims at where the budget allows it
  private boolean heldBack; // the sender had used up what it was told, and not what its end allows
  private boolean closed;

  /** {@link RelayBudget#PER_DIRECTION} must have been reserved by the caller. */
  RelayWindow(RelayBudget budget, long now) {
    this.budget = budget;
    this.reserved = RelayBudget.SMALLEST_WINDOW;
    this.window = budget.firstWindow();
    this.rounds = new CreditRounds(window, now);
    budget.began(window);
  }

  /** Counts bytes that arrived. Returns null, or what the sender did wrong. */
  String arrived(long offset, int bytes, long now) {
    if (offset != arrived) {
      return "DATA at offset " + offset + " (expected: " + arrived + ")";
    }
    if (bytes > told - arrived) {
      return bytes + " bytes at offset " + offset + " (limit: " + told + ")";
    }
    arrived += bytes;
    rounds.arrived(arrived, now);
    heldBack |= arrived == told && told < endLimit;
    return null;
  }

  /**
   * Bytes up to {@code offset} were handed to the next transport. Returns the limit to tell the
   * sender, or -1.
   */
  long sent(long offset, long now) {
    sent = offset;
    return extend(now);
  }

  /**
   * The receiving end has received and allows more. Returns the limit to tell the sender, or -1.
   */
  long allowed(long received, long limit, long now) {
    endReceived = Math.max(endReceived, received);
    endLimit = Math.max(endLimit, limit);
    return extend(now);
  }

  /** It doubles at most once in a call. */
  private void grow(long now) {
    boolean usedUp = heldBack && window < RelayBudget.NEAR_WINDOW;
    heldBack = false;
    boolean roundOver = rounds.isOver(sent, now);
    boolean grows = usedUp || (roundOver && clampWasSmall());
    if (grows && window < RelayBudget.LARGEST_WINDOW && budget.allowedWindow(reserved) > window) {
      budget.grew(window, 2 * window);
      window *= 2;
    }
    if (roundOver) {
      rounds.next(sent, window, now);
    }
  }

  /** As {@link dev.warren.protocol.flow.ReceiveWindow} judges, where the clamp is the limit. */
  private boolean clampWasSmall() {
    boolean clamps = endLimit - sent > Math.min(window, told - sent);
    boolean far = rounds.leastNanos() >= RelayBudget.FAR_NANOS;
    boolean behindOthers = window < Math.max(RelayBudget.NEAR_WINDOW, budget.largestWindow());
    return clamps
        && (far || window < RelayBudget.NEAR_WINDOW)
        && (behindOthers ? rounds.creditHeldBack() : rounds.windowWasSmall());
  }

  private long extend(long now) {
    grow(now);
    shrink(Math.max(told - sent, RelayBudget.SMALLEST_WINDOW));
    int aim = Math.min(window, budget.allowedWindow(reserved));
    long wanted = Math.min(endLimit, sent + aim);
    boolean worthIt = wanted - told >= aim / 2 || wanted == endLimit || told - sent < aim / 4;
    long newTold = told;
    if (wanted > told && worthIt) {
      long needed = wanted - sent;
      newTold =
          needed <= reserved || budget.tryReserve(needed - reserved)
              ? wanted
              : Math.min(wanted, sent + reserved);
      reservedIs(Math.max(reserved, newTold - sent));
    }
    if (newTold <= told) {
      return -1;
    }
    rounds.extended(told, now);
    told = newTold;
    return told;
  }

  /**
   * Reserves room for a frame that passes whole. Says whether there is some: for a FINISH without
   * additions there always is.
   */
  boolean holdWhole(int bytes, boolean finish) {
    int prepaid = finish ? RelayBudget.FINISH_ROOM : 0;
    int missing = Math.max(0, whole + bytes - wholeReserved - prepaid);
    if (missing > RelayBudget.WHOLE_ROOM - wholeReserved || !budget.tryReserve(missing)) {
      return false;
    }
    wholeReserved += missing;
    whole += bytes;
    return true;
  }

  void sentWhole(int bytes) {
    whole -= bytes;
    if (wholeReserved > whole) {
      budget.release(wholeReserved - whole);
      wholeReserved = whole;
    }
  }

  private void shrink(long to) {
    if (to < reserved) {
      budget.release(reserved - to);
      reservedIs(to);
    }
  }

  private void reservedIs(long bytes) {
    budget.reservedOfOne(reserved, bytes);
    reserved = bytes;
  }

  void close() {
    budget.ended(window);
    shrink(0);
    budget.release(wholeReserved + RelayBudget.FINISH_ROOM);
    wholeReserved = 0;
    closed = true;
  }

  long told() {
    return told;
  }

  /** What the sender may forget: only the receiving end can say so. */
  long endReceived() {
    return endReceived;
  }

  /** Bytes that have arrived and not gone on. */
  long held() {
    return arrived - sent + whole;
  }

  long reserved() {
    return closed ? 0 : reserved + wholeReserved + RelayBudget.FINISH_ROOM;
  }
}

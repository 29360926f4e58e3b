package dev.warren.protocol.relay;

/**
 * The clamp on one direction of a relayed stream: the sender is told the smaller of what the
 * receiving end allows and what went on to the next transport plus a window. So at most {@code told
 * - sent} bytes are held here, and that much is reserved.
 */
final class RelayWindow {
  private final RelayBudget budget;
  private long arrived;
  private long sent;
  private long told;
  private long endLimit; // what the receiving end allows
  private long reserved;

  /** The smallest window must have been reserved by the caller. */
  RelayWindow(RelayBudget budget) {
    this.budget = budget;
    this.reserved = RelayBudget.SMALLEST_WINDOW;
  }

  /** Counts bytes that arrived. Returns null, or what the sender did wrong. */
  String arrived(long offset, int bytes) {
    if (offset != arrived) {
      return "DATA at offset " + offset + " (expected: " + arrived + ")";
    }
    if (bytes > told - arrived) {
      return bytes + " bytes at offset " + offset + " (limit: " + told + ")";
    }
    arrived += bytes;
    return null;
  }

  /**
   * Bytes up to {@code offset} were handed to the next transport. Returns the limit to tell the
   * sender, or -1.
   */
  long sent(long offset) {
    sent = offset;
    return extend();
  }

  /** The receiving end allows more. Returns the limit to tell the sender, or -1. */
  long allowed(long limit) {
    endLimit = Math.max(endLimit, limit);
    return extend();
  }

  private long extend() {
    int window = budget.window();
    long wanted = Math.min(endLimit, sent + window);
    boolean worthIt = wanted - told >= window / 2 || wanted == endLimit || told - sent < window / 4;
    long newTold = told;
    if (wanted > told && worthIt) {
      long needed = wanted - sent;
      newTold =
          needed <= reserved || budget.tryReserve(needed - reserved)
              ? wanted
              : Math.min(wanted, sent + reserved);
      reserved = Math.max(reserved, newTold - sent);
    }
    boolean grew = newTold > told;
    told = Math.max(told, newTold);
    shrink(Math.max(told - sent, RelayBudget.SMALLEST_WINDOW));
    return grew ? told : -1;
  }

  private void shrink(long to) {
    if (to < reserved) {
      budget.release(reserved - to);
      reserved = to;
    }
  }

  void close() {
    shrink(0);
  }

  long told() {
    return told;
  }

  long arrived() {
    return arrived;
  }

  /** Bytes that have arrived and not gone on. */
  long held() {
    return arrived - sent;
  }

  long reserved() {
    return reserved;
  }
}

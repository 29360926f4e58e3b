package dev.warren.protocol.relay;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What the relays of a node do now, for status and metrics. Readable from any thread. */
public final class RelayGauge {
  private final AtomicInteger open = new AtomicInteger();
  private final LongAdder begun = new LongAdder();
  private final LongAdder held = new LongAdder();

  RelayGauge() {}

  void began() {
    begun.increment();
    open.incrementAndGet();
  }

  void ended() {
    open.decrementAndGet();
  }

  /**
   * Counts bytes in that wait to go on (below 0: out), beside those that relays count themselves.
   */
  public void holds(long bytes) {
    held.add(bytes);
  }

  /** Streams that are being relayed. */
  public int open() {
    return open.get();
  }

  /** Streams that were relayed so far, those that are open included. */
  public long begun() {
    return begun.sum();
  }

  /** Bytes that have arrived and not gone on, in both directions; within the budget. */
  public long heldBytes() {
    return held.sum();
  }
}

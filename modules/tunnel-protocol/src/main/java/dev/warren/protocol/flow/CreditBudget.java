package dev.warren.protocol.flow;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that all receive windows of a node share. Outstanding credit is reserved memory: what
 * was promised to senders and not yet consumed never exceeds the capacity, first credits included
 * (PROTOCOL.md, section 5). Safe for use by several threads.
 */
public final class CreditBudget {
  /** A stream keeps this much until it ends, so that none can starve (bytes). */
  public static final int SMALLEST_WINDOW = 16 * 1024;

  /** The window of a new stream while less than half of the budget is used (bytes). */
  public static final int FIRST_WINDOW = 256 * 1024;

  /** The window of a new stream above that (bytes). */
  public static final int CAREFUL_WINDOW = 64 * 1024;

  /** The largest window that a stream grows to (bytes). */
  public static final int LARGEST_WINDOW = 16 * 1024 * 1024;

  private final long capacity;
  private final AtomicLong used = new AtomicLong();
  private final WindowSizes sizes = new WindowSizes(SMALLEST_WINDOW, LARGEST_WINDOW);

  /**
   * @param capacity bytes; at least one smallest window
   */
  public CreditBudget(long capacity) {
    if (capacity < SMALLEST_WINDOW) {
      throw new IllegalArgumentException(
          "credit budget: " + capacity + " bytes (expected: at least " + SMALLEST_WINDOW + ")");
    }
    this.capacity = capacity;
  }

  /** A quarter of the heap, the default of a node. */
  public static CreditBudget ofHeap() {
    return new CreditBudget(Math.max(SMALLEST_WINDOW, Runtime.getRuntime().maxMemory() / 4));
  }

  /**
   * The largest window that a stream may have now, whatever it would like: the level at which all
   * windows together take three quarters, so that new streams find room; and never more than most
   * of what is really left below the last tenth, since a stalled stream keeps what it was promised.
   *
   * @param held what is reserved for it already (bytes)
   */
  int allowedWindow(long held) {
    long level = sizes.level(capacity - capacity / 4);
    long left = Math.max(0, capacity - capacity / 10 - used.get());
    long allowed = Math.min(level, held + left - left / 4);
    return (int) Math.max(SMALLEST_WINDOW, Math.min(LARGEST_WINDOW, allowed));
  }

  /** The windows of all streams that this budget covers, as they would like to be. */
  WindowSizes sizes() {
    return sizes;
  }

  private int firstWindow() {
    long now = used.get();
    if (now < capacity / 2) {
      return FIRST_WINDOW;
    }
    return now < capacity - capacity / 10 ? CAREFUL_WINDOW : SMALLEST_WINDOW;
  }

  /**
   * Reserves the first window of a stream and returns its size; 0 where the stream must be refused
   * as overloaded.
   */
  public int reserveFirst() {
    int window = firstWindow();
    while (window >= SMALLEST_WINDOW) {
      if (tryReserve(window)) {
        return window;
      }
      window /= 4;
    }
    return 0;
  }

  /** Reserves all of {@code bytes} or nothing. */
  public boolean tryReserve(long bytes) {
    long before;
    do {
      before = used.get();
      if (bytes > capacity - before) {
        return false;
      }
    } while (!used.compareAndSet(before, before + bytes));
    return true;
  }

  /**
   * Gives bytes back.
   *
   * @throws IllegalStateException where more comes back than was taken: a bug of ours
   */
  public void release(long bytes) {
    if (used.addAndGet(-bytes) < 0) {
      throw new IllegalStateException("credit budget below zero after giving back " + bytes);
    }
  }

  public long used() {
    return used.get();
  }

  public long capacity() {
    return capacity;
  }
}

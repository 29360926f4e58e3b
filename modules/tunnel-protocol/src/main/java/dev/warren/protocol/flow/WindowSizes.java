package dev.warren.protocol.flow;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many windows of each size share something: a budget, or a tunnel. From that follows how large
 * each may be so that all fit, without a list of them. Safe for use by several threads.
 */
public final class WindowSizes {
  private final int smallest;
  private final AtomicIntegerArray counts; // of smallest, twice that, ... up to the largest
  private final AtomicInteger all = new AtomicInteger();
  private final AtomicLong sum = new AtomicLong();

  /**
   * @param smallest bytes; all sizes are this times a power of two
   * @param largest bytes
   */
  public WindowSizes(int smallest, int largest) {
    this.smallest = smallest;
    this.counts = new AtomicIntegerArray(log2(largest / smallest) + 1);
  }

  /** There is one more of this size (bytes). */
  public void add(int window) {
    counts.incrementAndGet(log2(window / smallest));
    all.incrementAndGet();
    sum.addAndGet(window);
  }

  /** There is one less of this size (bytes). */
  public void remove(int window) {
    counts.decrementAndGet(log2(window / smallest));
    all.decrementAndGet();
    sum.addAndGet(-window);
  }

  /** One grew. */
  public void grew(int from, int to) {
    counts.decrementAndGet(log2(from / smallest));
    counts.incrementAndGet(log2(to / smallest));
    sum.addAndGet(to - from);
  }

  /**
   * The size to which all must keep so that together they stay within {@code part}: who wants less
   * has what it wants, and the others share the rest equally. While others come and go the answer
   * may be one of a moment ago.
   *
   * @param part bytes
   * @return bytes; the smallest size where not even that fits, and no bound where all fit
   */
  public int level(long part) {
    if (sum.get() <= part) {
      return Integer.MAX_VALUE;
    }
    long left = part;
    int larger = all.get();
    for (int i = 0; i < counts.length(); i++) {
      int count = counts.get(i);
      long size = (long) smallest << i;
      if (larger <= 0) {
        break;
      }
      if (size * larger >= left) {
        return (int) Math.max(smallest, left / larger);
      }
      left -= size * count;
      larger -= count;
    }
    return Integer.MAX_VALUE;
  }

  /** The largest size that one of them has (bytes); 0 where there is none. */
  public int largest() {
    for (int i = counts.length() - 1; i >= 0; i--) {
      if (counts.get(i) > 0) {
        return smallest << i;
      }
    }
    return 0;
  }

  private static int log2(int number) {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(number);
  }
}

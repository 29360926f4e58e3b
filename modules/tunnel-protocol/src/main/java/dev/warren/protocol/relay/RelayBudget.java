package dev.warren.protocol.relay;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What relays may hold: the sum of their windows, per tunnel and below that of the node
 * (PROTOCOL.md, section 10). Safe for use by several threads.
 */
public final class RelayBudget {
  /** The most that one direction of one stream may hold (bytes). */
  public static final int LARGEST_WINDOW = 256 * 1024;

  /** The most that a direction begins with, before it has shown that it needs more (bytes). */
  public static final int FIRST_WINDOW = 64 * 1024;

  /**
   * A new stream begins with such a part of what is left of the first half. So the second half
   * stays for streams of the smallest window, and hundreds fit that are mostly idle.
   */
  private static final int FIRST_PART = 16;

  /** What each direction keeps until its stream ends (bytes). */
  public static final int SMALLEST_WINDOW = 1024;

  /** What each direction keeps beside that for its FINISH (bytes). */
  static final int FINISH_ROOM = 512;

  /** What a stream takes of the budget at least, in each direction (bytes). */
  static final int PER_DIRECTION = SMALLEST_WINDOW + FINISH_ROOM;

  /** The default for all relayed streams of one tunnel (bytes). */
  public static final long DEFAULT_PER_TUNNEL = 8L * 1024 * 1024;

  private final long capacity;
  private final RelayBudget node;
  private final RelayGauge gauge;
  private final AtomicLong used = new AtomicLong();

  /** The budget of a whole node. */
  public static RelayBudget ofNode(long capacity) {
    return new RelayBudget(capacity, null);
  }

  /** The budget of one tunnel, within that of the node. */
  public RelayBudget ofTunnel(long tunnelCapacity) {
    return new RelayBudget(tunnelCapacity, this);
  }

  private RelayBudget(long capacity, RelayBudget node) {
    if (capacity < 2 * PER_DIRECTION) {
      throw new IllegalArgumentException(
          "relay budget: " + capacity + " bytes (expected: at least " + 2 * PER_DIRECTION + ")");
    }
    this.capacity = capacity;
    this.node = node;
    this.gauge = node == null ? new RelayGauge() : node.gauge;
  }

  /** The window that a busy direction may aim at now (bytes). */
  int window() {
    long now = used.get();
    int own =
        now < capacity / 2
            ? LARGEST_WINDOW
            : now < capacity - capacity / 4 ? LARGEST_WINDOW / 4 : SMALLEST_WINDOW;
    return node == null ? own : Math.min(own, node.window());
  }

  /** The window that a direction begins with now (bytes). */
  int firstWindow() {
    long part = (capacity / 2 - used.get()) / FIRST_PART;
    int own = (int) Math.min(FIRST_WINDOW, Math.max(SMALLEST_WINDOW, part));
    return node == null ? own : Math.min(own, node.firstWindow());
  }

  /** Reserves so many bytes, or says that they do not fit. */
  public boolean tryReserve(long bytes) {
    long before;
    do {
      before = used.get();
      if (bytes > capacity - before) {
        return false;
      }
    } while (!used.compareAndSet(before, before + bytes));
    if (node != null && !node.tryReserve(bytes)) {
      used.addAndGet(-bytes);
      return false;
    }
    return true;
  }

  /** Gives back what was reserved. */
  public void release(long bytes) {
    if (used.addAndGet(-bytes) < 0) {
      throw new IllegalStateException("relay budget below zero after giving back " + bytes);
    }
    if (node != null) {
      node.release(bytes);
    }
  }

  /** What is reserved now (bytes). */
  public long used() {
    return used.get();
  }

  public long capacity() {
    return capacity;
  }

  /** What all relays of the node do now. */
  public RelayGauge gauge() {
    return gauge;
  }
}

package dev.warren.protocol.relay;

import dev.warren.protocol.flow.WindowSizes;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What relays may hold: the sum of their windows, per tunnel and below that of the node
 * (PROTOCOL.md, section 10). Safe for use by several threads.
 */
public final class RelayBudget {
  /** The largest window that one direction of one stream asks for, over a long road (bytes). */
  public static final int LARGEST_WINDOW = 8 * 1024 * 1024;

  /** What is enough for a direction whose sender is near (bytes). */
  public static final int NEAR_WINDOW = 256 * 1024;

  /** A sender at such a distance, there and back, is far (nanoseconds). */
  static final long FAR_NANOS = 1_000_000;

  /** The most that frames which pass whole may take up in one direction (bytes). */
  public static final int WHOLE_ROOM = 256 * 1024;

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
  private final AtomicLong grown = new AtomicLong(); // what is used beyond a near window each
  private final WindowSizes sizes = new WindowSizes(SMALLEST_WINDOW, LARGEST_WINDOW);

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

  /**
   * The largest window that a direction may have now, whatever it would like: the level at which
   * all windows together take three quarters, and never more than most of what is really left below
   * the last eighth.
   *
   * @param held what is reserved for it already (bytes)
   */
  int allowedWindow(long held) {
    long level = sizes.level(capacity - capacity / 4);
    long left = left();
    int own = (int) Math.max(SMALLEST_WINDOW, Math.min(level, held + left - left / 4));
    return node == null ? own : Math.min(own, node.allowedWindow(held));
  }

  /** Below the last eighth (bytes). */
  private long left() {
    return Math.max(0, capacity - capacity / 8 - used.get());
  }

  /**
   * The window that a direction begins with now (bytes). What large windows have taken does not
   * count as taken: it comes back as soon as others want it.
   */
  int firstWindow() {
    long part = Math.min(capacity / 2 - (used.get() - grown.get()), left()) / FIRST_PART;
    int bounded = (int) Math.min(FIRST_WINDOW, Math.max(SMALLEST_WINDOW, part));
    int own = Integer.highestOneBit(bounded);
    return node == null ? own : Math.min(own, node.firstWindow());
  }

  /** A direction that aims at so much has begun. */
  void began(int window) {
    sizes.add(window);
    if (node != null) {
      node.began(window);
    }
  }

  /** A direction aims at more. */
  void grew(int from, int to) {
    sizes.grew(from, to);
    if (node != null) {
      node.grew(from, to);
    }
  }

  /** A direction that aimed at so much is over. */
  void ended(int window) {
    sizes.remove(window);
    if (node != null) {
      node.ended(window);
    }
  }

  /** What one direction has reserved went from so much to so much (bytes). */
  void reservedOfOne(long before, long after) {
    long more = Math.max(0, after - NEAR_WINDOW) - Math.max(0, before - NEAR_WINDOW);
    if (more != 0) {
      grown.addAndGet(more);
      if (node != null) {
        node.grown.addAndGet(more);
      }
    }
  }

  /** The largest window among all that share it (bytes). */
  int largestWindow() {
    return sizes.largest();
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

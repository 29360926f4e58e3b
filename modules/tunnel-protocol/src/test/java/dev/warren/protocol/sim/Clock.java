package dev.warren.protocol.sim;

import java.util.PriorityQueue;

/** Virtual time: things happen in the order of their time, then of their making. */
final class Clock {
  private record Due(long at, long order, Runnable what) implements Comparable<Due> {
    @Override
    public int compareTo(Due other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  private final PriorityQueue<Due> due = new PriorityQueue<>();
  private long now = 1;
  private long made;

  long now() {
    return now;
  }

  void after(long nanos, Runnable what) {
    due.add(new Due(now + Math.max(0, nanos), made++, what));
  }

  /** Lets the next thing happen. Says whether there was one. */
  boolean step() {
    Due next = due.poll();
    if (next == null) {
      return false;
    }
    now = next.at();
    next.what().run();
    return true;
  }
}

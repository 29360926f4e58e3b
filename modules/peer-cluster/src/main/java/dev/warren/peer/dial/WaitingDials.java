package dev.warren.peer.dial;

import dev.warren.protocol.SessionKey;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Dials that wait for a way to their session. They are bounded, and when the way is there they are
 * released a few at a time: an agent that has just come back must not drown. Safe for use by all
 * event loops.
 */
final class WaitingDials {
  /** Dials that are released at once ... */
  static final int RELEASED_AT_ONCE = 16;

  /** ... and how long the next ones wait after them. */
  static final int RELEASE_STEP_MILLIS = 2;

  /** A dial that waits; told on its own event loop. */
  interface Waiter {
    EventLoop loop();

    /** There may be a way now. It does not wait any more. */
    void released();
  }

  private final int maxPerSession;
  private final int maxInAll;
  private final ConcurrentHashMap<SessionKey, LinkedHashSet<Waiter>> waiting =
      new ConcurrentHashMap<>(); // the sets: under the map's lock on their key
  private final AtomicInteger count = new AtomicInteger();

  WaitingDials(int maxPerSession, int maxInAll) {
    this.maxPerSession = maxPerSession;
    this.maxInAll = maxInAll;
  }

  /** Says whether there was room; who waits already has it. */
  boolean add(SessionKey session, Waiter waiter) {
    if (count.incrementAndGet() > maxInAll) {
      count.decrementAndGet();
      return false;
    }
    boolean[] added = new boolean[1];
    boolean[] waits = new boolean[1];
    waiting.compute(
        session,
        (key, known) -> {
          LinkedHashSet<Waiter> all = known == null ? new LinkedHashSet<>() : known;
          waits[0] = all.contains(waiter);
          added[0] = !waits[0] && all.size() < maxPerSession && all.add(waiter);
          return all.isEmpty() ? null : all;
        });
    if (!added[0]) {
      count.decrementAndGet();
    }
    return added[0] || waits[0];
  }

  void remove(SessionKey session, Waiter waiter) {
    waiting.computeIfPresent(
        session,
        (key, all) -> {
          if (all.remove(waiter)) {
            count.decrementAndGet();
          }
          return all.isEmpty() ? null : all;
        });
  }

  /** There may be a way to the session now: all that wait for it hear so. */
  void release(SessionKey session) {
    release(session, Integer.MAX_VALUE);
  }

  /**
   * @param most so many: those that find no way and wait again, behind the others, are not told
   *     twice
   */
  private void release(SessionKey session, int most) {
    List<Waiter> some = new ArrayList<>(RELEASED_AT_ONCE);
    int[] left = new int[1];
    waiting.computeIfPresent(
        session,
        (key, all) -> {
          int those = Math.min(most, all.size());
          var iterator = all.iterator();
          while (some.size() < Math.min(those, RELEASED_AT_ONCE)) {
            some.add(iterator.next());
            iterator.remove();
            count.decrementAndGet();
          }
          left[0] = those - some.size();
          return all.isEmpty() ? null : all;
        });
    if (left[0] > 0) {
      some.get(0)
          .loop()
          .schedule(() -> release(session, left[0]), RELEASE_STEP_MILLIS, TimeUnit.MILLISECONDS);
    }
    for (Waiter waiter : some) {
      if (waiter.loop().inEventLoop()) {
        waiter.released();
      } else {
        waiter.loop().execute(waiter::released);
      }
    }
  }

  /** The sessions for which somebody waits. */
  List<SessionKey> sessions() {
    return List.copyOf(waiting.keySet());
  }

  int count() {
    return count.get();
  }
}

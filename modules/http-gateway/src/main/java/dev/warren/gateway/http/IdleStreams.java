package dev.warren.gateway.http;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The opened streams that wait to be used again, kept apart for each event loop, so that a stream
 * never changes its loop and nothing here is locked. The one that was used last is used first: it
 * is the least likely to be closed by its target just then.
 */
public final class IdleStreams {
  /** How soon a stream is ended whose holder wants to go. */
  private static final long LOOK_EVERY_MILLIS = 1_000;

  private final HttpSettings.Reuse settings;
  private final AtomicInteger size = new AtomicInteger();
  private final FastThreadLocal<Loop> loops =
      new FastThreadLocal<>() {
        @Override
        protected Loop initialValue() {
          return new Loop();
        }
      };

  IdleStreams(HttpSettings settings) {
    this.settings = settings.reuse();
  }

  /**
   * Whose streams may be used for a request.
   *
   * @param caller part of it, because the agent was told in whose name it dialled
   */
  record Key(String caller, SessionKey session, boolean secure, Target.Tcp target) {}

  /** How many wait on all loops. */
  int size() {
    return size.get();
  }

  /** A stream that is alive as far as can be known, or null. Called on the stream's loop. */
  TargetStream take(Key key) {
    Loop loop = loops.get();
    ArrayDeque<TargetStream> waiting = loop.streams.get(key);
    if (waiting == null) {
      return null;
    }
    long now = System.nanoTime();
    while (!waiting.isEmpty()) {
      TargetStream stream = waiting.removeLast();
      loop.count(-1);
      if (stream.isFresh(now)) {
        return stream;
      }
      stream.finish();
    }
    return null;
  }

  /** Takes a stream whose exchange ended cleanly; one too many is ended instead. */
  void put(TargetStream stream, long idleNanos) {
    Loop loop = loops.get();
    ArrayDeque<TargetStream> waiting = loop.streams.get(stream.key());
    long wait = Math.min(idleNanos, settings.idle().toNanos());
    if (wait <= 0
        || (waiting == null ? 0 : waiting.size()) >= settings.maxIdlePerTarget()
        || loop.size >= settings.maxIdle()) {
      stream.finish();
      return;
    }
    if (waiting == null) {
      waiting = new ArrayDeque<>();
      loop.streams.put(stream.key(), waiting); // the timer removes it when it is empty
    }
    waiting.addLast(stream);
    loop.count(1);
    stream.waitUntil(System.nanoTime() + wait);
    loop.watch(stream.eventLoop());
  }

  /** Forgets a stream that ended while it waited. */
  void remove(TargetStream stream) {
    Loop loop = loops.get();
    ArrayDeque<TargetStream> waiting = loop.streams.get(stream.key());
    if (waiting != null && waiting.removeLastOccurrence(stream)) {
      loop.count(-1);
    }
  }

  /** What waits on one event loop. */
  private final class Loop implements Runnable {
    private final Map<Key, ArrayDeque<TargetStream>> streams = new HashMap<>();
    private int size;
    private boolean watched;
    private EventLoop eventLoop;

    void count(int change) {
      size += change;
      IdleStreams.this.size.addAndGet(change);
    }

    /** One timer for all, which runs only while there is something to end. */
    void watch(EventLoop loop) {
      if (!watched) {
        watched = true;
        eventLoop = loop;
        long every = Math.min(LOOK_EVERY_MILLIS, settings.idle().toMillis() / 4);
        loop.schedule(this, Math.max(1, every), TimeUnit.MILLISECONDS);
      }
    }

    @Override
    public void run() {
      watched = false;
      long now = System.nanoTime();
      List<TargetStream> over = new ArrayList<>();
      for (Iterator<ArrayDeque<TargetStream>> keys = streams.values().iterator();
          keys.hasNext(); ) {
        ArrayDeque<TargetStream> waiting = keys.next();
        for (Iterator<TargetStream> each = waiting.iterator(); each.hasNext(); ) {
          TargetStream stream = each.next();
          if (!stream.isFresh(now)) {
            each.remove();
            count(-1);
            over.add(stream);
          }
        }
        if (waiting.isEmpty()) {
          keys.remove();
        }
      }
      over.forEach(TargetStream::finish);
      if (size > 0) {
        watch(eventLoop);
      }
    }
  }
}

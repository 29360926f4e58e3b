package dev.warren.gateway.http;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts what each caller has under way, on all event loops together. A connection holds its
 * caller's counters for as long as it asks in that name, so that a request costs two additions and
 * no look-up, and a caller without connections costs nothing.
 */
public final class CallerLimits {
  private final HttpSettings.Callers limits;
  private final ConcurrentHashMap<String, Caller> callers = new ConcurrentHashMap<>();
  private final AtomicInteger dialsInAll = new AtomicInteger();

  public CallerLimits(HttpSettings settings) {
    limits = settings.callers();
  }

  /** What one caller may have under way. */
  public HttpSettings.Callers limits() {
    return limits;
  }

  /** One caller's counters. */
  public static final class Caller {
    private final String name;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger dials = new AtomicInteger();
    private int connections; // under the map's lock for this key

    private Caller(String name) {
      this.name = name;
    }

    public String name() {
      return name;
    }
  }

  /** For one connection, until {@link #leave}. */
  public Caller enter(String name) {
    return callers.compute(
        name,
        (key, known) -> {
          Caller caller = known == null ? new Caller(key) : known;
          caller.connections++;
          return caller;
        });
  }

  public void leave(Caller caller) {
    callers.compute(caller.name, (key, known) -> --caller.connections == 0 ? null : caller);
  }

  /** False, and nothing is counted, where the caller has too many requests under way. */
  public boolean beginRequest(Caller caller) {
    return begin(caller.requests, limits.maxRequests());
  }

  public void endRequest(Caller caller) {
    caller.requests.decrementAndGet();
  }

  /** What became of the wish to dial. */
  public enum Dialling {
    BEGUN,
    TOO_MANY_OF_CALLER,
    TOO_MANY_IN_ALL
  }

  public Dialling beginDial(Caller caller) {
    if (!begin(caller.dials, limits.maxPendingDials())) {
      return Dialling.TOO_MANY_OF_CALLER;
    }
    if (!begin(dialsInAll, limits.maxPendingDialsInAll())) {
      caller.dials.decrementAndGet();
      return Dialling.TOO_MANY_IN_ALL;
    }
    return Dialling.BEGUN;
  }

  public void endDial(Caller caller) {
    caller.dials.decrementAndGet();
    dialsInAll.decrementAndGet();
  }

  /** How many callers have connections. */
  int size() {
    return callers.size();
  }

  private static boolean begin(AtomicInteger count, int limit) {
    if (count.incrementAndGet() > limit) {
      count.decrementAndGet();
      return false;
    }
    return true;
  }
}

package dev.warren.peer.check;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * The last result of each check in the cluster: those made here, and those that peers tell. They
 * outlive the gateway that made them, so that whoever checks next knows what was before. Safe for
 * use by several threads; listeners are called by whoever brought the news, and must not block.
 */
public final class CheckResults {
  /** Results that are known at one time; further ones are not taken in. */
  public static final int MAX_RESULTS = 100_000;

  /** Checks of one session; further ones are not taken in. */
  public static final int MAX_OF_SESSION = 64;

  /** A session's result that was not renewed within so many intervals is forgotten ... */
  static final int KEPT_INTERVALS = 4;

  /** ... but not before this. */
  static final Duration KEPT_AT_LEAST = Duration.ofMinutes(1);

  /** Told what is new. */
  public interface Listener {
    /** A result is there, or has been replaced. */
    void changed(CheckResult result);
  }

  private record Known(CheckResult result, long heardAt) {}

  private final LongSupplier nanoClock;
  private final int maxResults;

  /** Sorted by target; the lists are immutable, and replaced under the map's lock on their key. */
  private final ConcurrentHashMap<SessionKey, List<Known>> sessions = new ConcurrentHashMap<>();

  private final AtomicInteger size = new AtomicInteger();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();

  /**
   * @param nanoClock {@code System::nanoTime}, or a test's
   */
  public CheckResults(LongSupplier nanoClock) {
    this(nanoClock, MAX_RESULTS);
  }

  CheckResults(LongSupplier nanoClock, int maxResults) {
    this.nanoClock = nanoClock;
    this.maxResults = maxResults;
  }

  /** From now on {@code listener} is told. */
  public void listen(Listener listener) {
    listeners.add(listener);
  }

  /** What is known of a session's checks, sorted by target. */
  public List<CheckResult> of(SessionKey session) {
    return sessions.getOrDefault(session, List.of()).stream().map(Known::result).toList();
  }

  /** The sessions of all results. */
  public Set<SessionKey> sessions() {
    return Set.copyOf(sessions.keySet());
  }

  /** The last result of a check; null where there is none. */
  public CheckResult find(CheckResult.Key check) {
    for (Known known : sessions.getOrDefault(check.session(), List.of())) {
      if (known.result().target().equals(check.target())) {
        return known.result();
      }
    }
    return null;
  }

  /** Every check that has a result: those that this gateway made come first. */
  public Collection<CheckResult.Key> all(Incarnation checker) {
    List<CheckResult.Key> made = new ArrayList<>();
    List<CheckResult.Key> others = new ArrayList<>();
    for (List<Known> all : sessions.values()) {
      for (Known known : all) {
        (known.result().checker().equals(checker) ? made : others).add(known.result().key());
      }
    }
    made.addAll(others);
    return made;
  }

  /** How many are known. */
  public int size() {
    return size.get();
  }

  /**
   * A result, made here or by a peer.
   *
   * @return whether it is news; not where a later one is known, or there are too many
   */
  public boolean take(CheckResult result) {
    boolean[] taken = new boolean[1];
    sessions.compute(
        result.session(),
        (session, before) -> {
          List<Known> all = new ArrayList<>(before == null ? List.of() : before);
          Known known = null;
          for (Known each : all) {
            if (each.result().target().equals(result.target())) {
              known = each;
            }
          }
          if (known == null && (all.size() >= MAX_OF_SESSION || size.get() >= maxResults)) {
            return before;
          }
          if (known != null && !result.isAfter(known.result())) {
            return before;
          }
          if (known == null) {
            size.incrementAndGet();
          }
          all.remove(known);
          all.add(new Known(result, nanoClock.getAsLong()));
          all.sort(Comparator.comparing(each -> each.result().target()));
          taken[0] = true;
          return List.copyOf(all);
        });
    if (taken[0]) {
      for (Listener listener : listeners) {
        listener.changed(result);
      }
    }
    return taken[0];
  }

  /**
   * Forgets the results of sessions that are not known any more, and those of online sessions that
   * nobody renews: their check was taken out of the settings. To be called now and then.
   *
   * @param online whether a session has a tunnel
   * @param known whether it has one, or had one lately
   */
  public void forgetOld(Predicate<SessionKey> online, Predicate<SessionKey> known) {
    long now = nanoClock.getAsLong();
    for (SessionKey session : sessions.keySet()) {
      boolean keepsAll = !online.test(session) && known.test(session);
      boolean keepsNone = !known.test(session);
      sessions.computeIfPresent(
          session,
          (key, before) -> {
            List<Known> left =
                before.stream()
                    .filter(each -> keepsAll || !(keepsNone || isOld(each, now)))
                    .toList();
            size.addAndGet(left.size() - before.size());
            return left.isEmpty() ? null : left;
          });
    }
  }

  private static boolean isOld(Known known, long now) {
    long kept =
        Math.max(
            KEPT_AT_LEAST.toNanos(),
            known.result().interval().multipliedBy(KEPT_INTERVALS).toNanos());
    return now - known.heardAt() >= kept;
  }
}

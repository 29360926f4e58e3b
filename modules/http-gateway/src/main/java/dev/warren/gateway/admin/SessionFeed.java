package dev.warren.gateway.admin;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of the sessions of the whole cluster, as this gateway's route table has it, for
 * those who listen. The table's threads only note which sessions have changed; a thread of the feed
 * looks at them several times a second and tells the difference, so what came and went in between
 * is not told. While nobody listens it does nothing.
 */
public final class SessionFeed implements RouteTable.Listener, AutoCloseable {
  /** Who may listen at one time. */
  static final int MAX_LISTENERS = 16;

  /** How often changes are looked at. */
  static final Duration INTERVAL = Duration.ofMillis(100);

  private static final Logger log = LoggerFactory.getLogger(SessionFeed.class);

  private final GatewayIdentity self;
  private final RouteTable table;
  private final CheckResults checks;
  private final InstantSource clock;
  private final ScheduledExecutorService thread;
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean awake; // from before the first listener is told to after the last
  private final Set<SessionKey> changed = ConcurrentHashMap.newKeySet();

  // Of the thread alone.
  private final Map<SessionKey, List<String>> known = new HashMap<>();
  private final Map<SessionKey, Set<String>> failed = new HashMap<>(); // targets
  private ScheduledFuture<?> looks;
  private long number;

  /** Takes events, without blocking. */
  public interface Listener {
    /** What became of a session. */
    void told(SessionEvent event);

    /** The gateway goes; nothing comes any more. */
    void closed();
  }

  /** A feed of this table, from now on. */
  public static SessionFeed of(
      GatewayIdentity self, RouteTable table, CheckResults checks, InstantSource clock) {
    SessionFeed feed =
        new SessionFeed(
            self,
            table,
            checks,
            clock,
            Executors.newSingleThreadScheduledExecutor(
                task -> {
                  Thread made = new Thread(task, "warren-events");
                  made.setDaemon(true);
                  return made;
                }));
    table.listen(feed);
    checks.listen(result -> feed.changed(result.session()));
    return feed;
  }

  SessionFeed(
      GatewayIdentity self,
      RouteTable table,
      CheckResults checks,
      InstantSource clock,
      ScheduledExecutorService thread) {
    this.self = self;
    this.table = table;
    this.checks = checks;
    this.clock = clock;
    this.thread = thread;
  }

  // ---- who listens ----

  /** Whether one more may listen. */
  boolean hasRoom() {
    return listeners.size() < MAX_LISTENERS && !thread.isShutdown();
  }

  /** What happens from now on is told; where there is no room, or the feed is closed, nothing. */
  void add(Listener listener) {
    if (thread.isShutdown()) {
      listener.closed();
      return;
    }
    thread.execute(
        () -> {
          if (listeners.size() >= MAX_LISTENERS) {
            listener.closed();
            return;
          }
          if (looks == null) {
            awake = true;
            changed.clear();
            table.all().forEach((session, now) -> remember(session, holders(now)));
            checks.sessions().forEach(session -> rememberFailed(session, checks.of(session)));
            looks =
                thread.scheduleWithFixedDelay(
                    this::look, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
          }
          listeners.add(listener);
        });
  }

  void remove(Listener listener) {
    if (thread.isShutdown()) {
      return;
    }
    thread.execute(
        () -> {
          listeners.remove(listener);
          if (listeners.isEmpty() && looks != null) {
            looks.cancel(false);
            looks = null;
            awake = false;
            known.clear();
            failed.clear();
            changed.clear();
          }
        });
  }

  /** How many listen now. */
  int listeners() {
    return listeners.size();
  }

  @Override
  public void close() {
    thread.shutdownNow();
    listeners.forEach(Listener::closed);
    listeners.clear();
  }

  // ---- what the table says, on any thread ----

  @Override
  public void own(OwnTunnel tunnel) {
    changed(tunnel.session());
  }

  @Override
  public void released(OwnTunnel tunnel, RouteTable.Removal reason) {
    changed(tunnel.session());
  }

  @Override
  public void reachable(SessionKey session) {
    changed(session);
  }

  @Override
  public void withdrawn(SessionKey session) {
    changed(session);
  }

  private void changed(SessionKey session) {
    if (awake) {
      changed.add(session);
    }
  }

  // ---- what has changed, on the feed's thread ----

  void look() {
    try {
      for (Iterator<SessionKey> each = changed.iterator(); each.hasNext(); ) {
        SessionKey session = each.next();
        each.remove(); // before it is looked at: what changes meanwhile is noted again
        List<String> before = known.getOrDefault(session, List.of());
        List<String> now = holders(table.find(session));
        if (!now.equals(before)) {
          remember(session, now);
          tell(session, before, now);
        }
        lookAtChecks(session, now);
      }
    } catch (RuntimeException e) { // the next look must come
      log.atError().setCause(e).log("events.failed");
    }
  }

  private void remember(SessionKey session, List<String> holders) {
    if (holders.isEmpty()) {
      known.remove(session);
    } else {
      known.put(session, holders);
    }
  }

  private void lookAtChecks(SessionKey session, List<String> holders) {
    Set<String> before = failed.getOrDefault(session, Set.of());
    List<CheckResult> results = checks.of(session);
    for (CheckResult result : results) {
      if (result.good() == before.contains(result.target())) {
        tell(
            session,
            result.good() ? SessionEvent.CHECK_RECOVERED : SessionEvent.CHECK_FAILED,
            holders,
            holders,
            SessionAnswer.Check.of(result));
      }
    }
    rememberFailed(session, results);
  }

  private void rememberFailed(SessionKey session, List<CheckResult> results) {
    Set<String> targets =
        results.stream()
            .filter(result -> !result.good())
            .map(CheckResult::target)
            .collect(Collectors.toSet());
    if (targets.isEmpty()) {
      failed.remove(session);
    } else {
      failed.put(session, targets);
    }
  }

  private void tell(SessionKey session, List<String> before, List<String> now) {
    tell(
        session,
        before.isEmpty()
            ? SessionEvent.ONLINE
            : now.isEmpty() ? SessionEvent.OFFLINE : SessionEvent.MOVED,
        before,
        now,
        null);
  }

  private void tell(
      SessionKey session,
      String kind,
      List<String> before,
      List<String> now,
      SessionAnswer.Check check) {
    SessionEvent event =
        new SessionEvent(
            ++number,
            kind,
            session.toString(),
            session.realm(),
            session.id(),
            clock.instant(),
            now,
            before,
            check);
    for (Listener listener : listeners) {
      listener.told(event);
    }
  }

  private List<String> holders(RouteTable.Known now) {
    Set<String> holders = new TreeSet<>();
    if (!now.own().isEmpty()) {
      holders.add(self.id());
    }
    for (Route route : now.routes()) {
      holders.add(route.holder().id());
    }
    return List.copyOf(holders);
  }
}

package dev.warren.peer.route;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.session.DuplicatePolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which tunnels every session has: those that end here, and those that peers announce. Of rivals
 * the {@link DuplicatePolicy} says who stays, by a comparison that comes out the same at every
 * gateway: within an instance and a gateway the higher connection number, between instances the
 * rank. A loser that comes again is told to wait, twice as long each time, while the winner lives.
 *
 * <p>Safe for use by all event loops. Listeners are called by whoever made the change, outside all
 * locks, and must not block.
 */
public final class RouteTable {
  /**
   * Sessions that are gone are remembered this long, so that their callers hear 503 and not 404.
   */
  public static final Duration REMEMBERED = Duration.ofMinutes(10);

  /** ... and at most this many of them; beyond that the older half is forgotten. */
  public static final int MAX_REMEMBERED = 100_000;

  /** Tunnels of one session at this gateway; under the policy {@code pool} there may be several. */
  public static final int MAX_HELD_OF_SESSION = 64;

  /** Tunnels of one session at peers; more announcements of it are not taken in. */
  public static final int MAX_ROUTES_OF_SESSION = 256;

  static final Duration FIRST_RETRY = Duration.ofSeconds(5);
  static final Duration LAST_RETRY = Duration.ofMinutes(5);

  /** So many changes of hands within a minute are reported. */
  static final int FLAPPING = 4;

  private static final long MINUTE_NANOS = Duration.ofMinutes(1).toNanos();
  private static final Logger log = LoggerFactory.getLogger(RouteTable.class);
  private static final Known UNKNOWN = new Known(List.of(), List.of(), null);

  /** Why a tunnel is no longer where it was. The numbers stand on the wire. */
  public enum Removal {
    GONE(1),
    LOST(2),
    MOVED(3);

    private final int number;

    Removal(int number) {
      this.number = number;
    }

    public int number() {
      return number;
    }

    /** The reason of this number; {@link #LOST} for one that a newer peer uses. */
    public static Removal of(int number) {
      for (Removal removal : values()) {
        if (removal.number == number) {
          return removal;
        }
      }
      return LOST;
    }
  }

  /**
   * What is known of a session.
   *
   * @param own the tunnels that end here
   * @param routes those of peers
   * @param offlineFor how long it has had none, where it had one not long ago; null where it has
   *     one, or where it is unknown
   */
  public record Known(List<OwnTunnel> own, List<Route> routes, Duration offlineFor) {
    public boolean isOnline() {
      return !own.isEmpty() || !routes.isEmpty();
    }
  }

  /** What becomes of a tunnel that wants to be a session's. */
  public sealed interface Admission {
    /** It is now; those that were before and are not any more have been told. */
    record Admitted(Frame.Rank rank) implements Admission {}

    record Refused(String detail, Duration retryAfter) implements Admission {}
  }

  /** Told what has changed. */
  public interface Listener {
    /** A tunnel that ends here is new, or has changed. */
    default void own(OwnTunnel tunnel) {}

    /** A tunnel that ended here is gone. */
    default void released(OwnTunnel tunnel, Removal reason) {}

    /** The same, where it had to yield to another instance. */
    default void yielded(OwnTunnel tunnel, Removal reason) {
      released(tunnel, reason);
    }

    /** The session can be reached in a way that it could not before. */
    default void reachable(SessionKey session) {}

    /** A peer has a tunnel of the session no more. */
    default void withdrawn(SessionKey session) {}
  }

  private final GatewayIdentity self;
  private final DuplicatePolicy policy;
  private final Ranks ranks;
  private final LongSupplier nanoClock;
  private final int maxRemembered;
  private final ConcurrentHashMap<SessionKey, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicInteger online = new AtomicInteger();
  private final AtomicInteger heldCount = new AtomicInteger();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();

  /** Changed under the map's own lock on its key; the lists are immutable and read without. */
  private static final class Entry {
    private volatile List<OwnTunnel> held = List.of();
    private volatile List<Route> routes = List.of();
    private volatile long lostAt;
    private long highestEpoch;
    private StreamId winner; // whom the last refusals were for
    private int refusals;
    private int changes; // of hands, since:
    private long changesSince;

    boolean isOnline() {
      return !held.isEmpty() || !routes.isEmpty();
    }

    /**
     * To be called before the lists change: whoever reads them between two changes and finds
     * neither tunnel then sees a session that was lost just now, and not an unknown one.
     */
    boolean changing(long now) {
      boolean was = isOnline();
      if (was) {
        lostAt = now;
      }
      return was;
    }
  }

  /** Whoever has to go, and why: told outside the locks. */
  private record Going(OwnTunnel tunnel, String detail, int retryAfterMillis) {
    void tell() {
      tunnel.end(FaultCode.SUPERSEDED, detail, retryAfterMillis);
    }
  }

  /**
   * @param nanoClock {@code System::nanoTime}, or a test's
   */
  public RouteTable(
      GatewayIdentity self, DuplicatePolicy policy, Ranks ranks, LongSupplier nanoClock) {
    this(self, policy, ranks, nanoClock, MAX_REMEMBERED);
  }

  RouteTable(
      GatewayIdentity self,
      DuplicatePolicy policy,
      Ranks ranks,
      LongSupplier nanoClock,
      int maxRemembered) {
    this.self = self;
    this.policy = policy;
    this.ranks = ranks;
    this.nanoClock = nanoClock;
    this.maxRemembered = maxRemembered;
  }

  /** From now on {@code listener} is told; what was before it finds with {@link #ownTunnels}. */
  public void listen(Listener listener) {
    listeners.add(listener);
  }

  public DuplicatePolicy policy() {
    return policy;
  }

  // ---- what can be asked ----

  /** What is known of {@code session} now. */
  public Known find(SessionKey session) {
    Entry entry = entries.get(session);
    if (entry == null) {
      return UNKNOWN;
    }
    List<OwnTunnel> held = entry.held;
    List<Route> routes = entry.routes;
    if (!held.isEmpty() || !routes.isEmpty()) {
      return new Known(held, routes, null);
    }
    long since = nanoClock.getAsLong() - entry.lostAt;
    return since < REMEMBERED.toNanos()
        ? new Known(held, routes, Duration.ofNanos(Math.max(0, since)))
        : UNKNOWN;
  }

  /** How many sessions have a tunnel, here or elsewhere. */
  public int online() {
    return online.get();
  }

  /** How many tunnels end here. */
  public int held() {
    return heldCount.get();
  }

  /** All tunnels that end here now. */
  public List<OwnTunnel> ownTunnels() {
    List<OwnTunnel> all = new ArrayList<>();
    for (Entry entry : entries.values()) {
      all.addAll(entry.held);
    }
    return all;
  }

  /** All sessions that are known, with what is known; unordered. */
  public Map<SessionKey, Known> all() {
    Map<SessionKey, Known> all = new java.util.HashMap<>();
    for (SessionKey session : entries.keySet()) {
      Known known = find(session);
      if (known != UNKNOWN) {
        all.put(session, known);
      }
    }
    return all;
  }

  /** Sessions that have no tunnel and are not forgotten. */
  int remembered() {
    return entries.size() - online.get();
  }

  // ---- tunnels that end here ----

  /**
   * Judges a tunnel that wants to be its session's, and lets it in; {@link #welcomed} has to
   * follow.
   */
  public Admission admit(OwnTunnel rival, Frame.Hello hello) {
    SessionKey session = rival.session();
    Admission[] outcome = new Admission[1];
    List<Going> going = new ArrayList<>();
    boolean[] flapping = new boolean[1];
    entries.compute(
        session,
        (key, known) -> {
          Entry entry = known == null ? new Entry() : known;
          boolean was = entry.changing(nanoClock.getAsLong());
          outcome[0] = admit(entry, rival, hello, going, flapping);
          counted(entry, was);
          return known == null && !entry.isOnline() ? null : entry;
        });
    for (Going each : going) {
      heldCount.decrementAndGet();
      each.tell();
    }
    if (flapping[0]) {
      reportFlapping(session);
    }
    if (outcome[0] instanceof Admission.Admitted) {
      heldCount.incrementAndGet();
      for (Listener listener : listeners) {
        for (Going each : going) {
          if (!each.tunnel().instance().equals(rival.instance())) {
            listener.yielded(each.tunnel(), Removal.GONE);
          }
        }
      }
    }
    return outcome[0];
  }

  private static void reportFlapping(SessionKey session) {
    log.atWarn()
        .addKeyValue("session", session)
        .addKeyValue("changes", FLAPPING)
        .addKeyValue("within", "1m")
        .addKeyValue("reason", "several agents with this id take it from each other")
        .log("session.flapping");
  }

  /** The tunnel that was let in has its WELCOME: streams can be opened, and peers may know. */
  public void welcomed(OwnTunnel tunnel) {
    for (Listener listener : listeners) {
      listener.own(tunnel);
      listener.reachable(tunnel.session());
    }
  }

  private Admission admit(
      Entry entry, OwnTunnel rival, Frame.Hello hello, List<Going> going, boolean[] flapping) {
    SessionKey session = rival.session();
    StreamId instance = hello.instance();
    boolean presented = ranks.isOurs(session, instance, hello.rank());
    Frame.Rank rank =
        presented ? hello.rank() : ranks.first(session, instance, entry.highestEpoch + 1);

    OwnTunnel before = null; // the same instance's
    for (OwnTunnel held : entry.held) {
      if (held.instance().equals(instance)) {
        before = held;
      }
    }
    if (before != null) {
      if (hello.connection() <= before.connection()) {
        return new Admission.Refused(
            "connection "
                + hello.connection()
                + " of this agent is older than its connection "
                + before.connection(),
            Duration.ZERO);
      }
      rank = before.rank(); // a reconnect never raises it
      going.add(new Going(before, "the agent connected again", 0));
    } else if (policy != DuplicatePolicy.POOL) {
      Admission.Refused refused = against(entry, session, instance, rank);
      if (refused != null) {
        return refused;
      }
      for (OwnTunnel held : entry.held) {
        going.add(
            new Going(
                held,
                "another agent with the id " + session + " attached from " + rival.remote(),
                (int) FIRST_RETRY.toMillis()));
      }
      entry.refusals = 0;
      flapping[0] = !going.isEmpty() && changedHands(entry);
    } else if (entry.held.size() >= MAX_HELD_OF_SESSION) {
      return new Admission.Refused(
          "session "
              + session
              + " has "
              + entry.held.size()
              + " tunnels here (limit: "
              + MAX_HELD_OF_SESSION
              + ")",
          FIRST_RETRY);
    }
    List<OwnTunnel> held = new ArrayList<>(entry.held);
    for (Going each : going) {
      held.remove(each.tunnel());
    }
    held.add(rival);
    entry.highestEpoch = Math.max(entry.highestEpoch, rank.epoch());
    rival.admitted(hello, rank);
    entry.held = List.copyOf(held);
    return new Admission.Admitted(rank);
  }

  /** Null where an instance of this rank may have the session, else what it is told. */
  private Admission.Refused against(
      Entry entry, SessionKey session, StreamId instance, Frame.Rank rank) {
    for (OwnTunnel held : entry.held) {
      if (!held.instance().equals(instance)
          && yields(
              rank.epoch(),
              rank.incarnation(),
              instance,
              held.rank().epoch(),
              held.rank().incarnation(),
              held.instance())) {
        return refused(entry, session, held.instance(), self.id());
      }
    }
    for (Route route : entry.routes) {
      if (!route.instance().equals(instance)
          && yields(
              rank.epoch(),
              rank.incarnation(),
              instance,
              route.epoch(),
              route.rankIncarnation(),
              route.instance())) {
        return refused(entry, session, route.instance(), route.holder().id());
      }
    }
    return null;
  }

  private Admission.Refused refused(
      Entry entry, SessionKey session, StreamId winner, String holder) {
    if (!winner.equals(entry.winner)) {
      entry.winner = winner;
      entry.refusals = 0;
    }
    long wait = FIRST_RETRY.toMillis() << Math.min(entry.refusals++, 6);
    return new Admission.Refused(
        "another agent with the id "
            + session
            + (policy == DuplicatePolicy.NEWEST ? " attached later" : " attached before")
            + " and is connected to gateway "
            + holder,
        Duration.ofMillis(Math.min(wait, LAST_RETRY.toMillis())));
  }

  /** Whether the first of two instances has to go. */
  private boolean yields(
      long oneEpoch,
      long oneIncarnation,
      StreamId one,
      long otherEpoch,
      long otherIncarnation,
      StreamId other) {
    int order = Ranks.compare(oneEpoch, oneIncarnation, one, otherEpoch, otherIncarnation, other);
    return policy == DuplicatePolicy.NEWEST ? order < 0 : order > 0;
  }

  private boolean changedHands(Entry entry) {
    long now = nanoClock.getAsLong();
    if (entry.changes == 0 || now - entry.changesSince > MINUTE_NANOS) {
      entry.changes = 0;
      entry.changesSince = now;
    }
    return ++entry.changes % FLAPPING == 0;
  }

  /** The tunnel has changed: it drains now. */
  public void changed(OwnTunnel tunnel) {
    Entry entry = entries.get(tunnel.session());
    if (entry != null && entry.held.contains(tunnel)) {
      for (Listener listener : listeners) {
        listener.own(tunnel);
      }
    }
  }

  /** The tunnel is gone; where another has taken its place that one stays. */
  public void lost(OwnTunnel tunnel, Removal reason) {
    boolean[] removed = new boolean[1];
    entries.computeIfPresent(
        tunnel.session(),
        (key, entry) -> {
          if (entry.held.contains(tunnel)) {
            boolean was = entry.changing(nanoClock.getAsLong());
            List<OwnTunnel> left = new ArrayList<>(entry.held);
            left.remove(tunnel);
            entry.held = List.copyOf(left);
            removed[0] = true;
            counted(entry, was);
          }
          return entry;
        });
    if (removed[0]) {
      heldCount.decrementAndGet();
      for (Listener listener : listeners) {
        listener.released(tunnel, reason);
      }
      keepWithinLimit();
    }
  }

  private void counted(Entry entry, boolean was) {
    boolean is = entry.isOnline();
    if (is && !was) {
      online.incrementAndGet();
    } else if (was && !is) {
      online.decrementAndGet();
    }
  }

  // ---- tunnels of peers ----

  /**
   * A peer holds this tunnel. One of ours that has to yield to it is told so.
   *
   * @return false where the session has too many routes already
   */
  public boolean announced(Route route) {
    List<Going> going = new ArrayList<>();
    boolean[] taken = {true};
    boolean[] reachable = new boolean[1];
    boolean[] flapping = new boolean[1];
    entries.compute(
        route.session(),
        (key, known) -> {
          Entry entry = known == null ? new Entry() : known;
          boolean was = entry.changing(nanoClock.getAsLong());
          taken[0] = put(entry, route, reachable);
          if (taken[0]) {
            yieldTo(entry, route, going);
            flapping[0] = !going.isEmpty() && changedHands(entry);
          }
          counted(entry, was);
          return entry;
        });
    for (Going each : going) {
      heldCount.decrementAndGet();
      each.tell();
    }
    if (flapping[0]) {
      reportFlapping(route.session());
    }
    for (Listener listener : listeners) {
      for (Going each : going) {
        if (each.tunnel().instance().equals(route.instance())) {
          listener.released(each.tunnel(), Removal.MOVED);
        } else {
          listener.yielded(each.tunnel(), Removal.MOVED);
        }
      }
      if (reachable[0]) {
        listener.reachable(route.session());
      }
    }
    return taken[0];
  }

  private static boolean put(Entry entry, Route route, boolean[] reachable) {
    List<Route> routes = new ArrayList<>(entry.routes.size() + 1);
    boolean known = false;
    for (Route before : entry.routes) {
      if (before.holder().incarnation().equals(route.holder().incarnation())
          && before.instance().equals(route.instance())) {
        known = before.connection() == route.connection();
      } else {
        routes.add(before);
      }
    }
    if (routes.size() >= MAX_ROUTES_OF_SESSION) {
      return false;
    }
    reachable[0] = !known && !route.draining();
    routes.add(route);
    entry.routes = List.copyOf(routes);
    entry.highestEpoch = Math.max(entry.highestEpoch, route.epoch());
    return true;
  }

  private void yieldTo(Entry entry, Route route, List<Going> going) {
    if (policy == DuplicatePolicy.POOL || entry.held.isEmpty()) {
      return;
    }
    List<OwnTunnel> staying = new ArrayList<>();
    for (OwnTunnel held : entry.held) {
      if (!held.instance().equals(route.instance())
          && yields(
              held.rank().epoch(),
              held.rank().incarnation(),
              held.instance(),
              route.epoch(),
              route.rankIncarnation(),
              route.instance())) {
        going.add(
            new Going(
                held,
                "another agent with the id "
                    + route.session()
                    + (policy == DuplicatePolicy.NEWEST ? " attached" : " was attached before")
                    + " at gateway "
                    + route.holder().id()
                    + (route.remote().isEmpty() ? "" : " from " + route.remote()),
                (int) FIRST_RETRY.toMillis()));
      } else {
        staying.add(held);
      }
    }
    if (!going.isEmpty()) {
      entry.held = List.copyOf(staying);
    }
  }

  /** A peer no longer holds this tunnel; a newer connection of the same instance stays. */
  public void withdrawn(GatewayIdentity holder, Route.Key key, long connection) {
    drop(
        key.session(),
        route ->
            route.holder().incarnation().equals(holder.incarnation())
                && route.instance().equals(key.instance())
                && route.connection() <= connection);
    keepWithinLimit();
  }

  /** Of what this peer announced, only {@code kept} is left: the end of a snapshot. */
  public void keepOnly(GatewayIdentity holder, Set<Route.Key> kept) {
    dropAll(holder.incarnation(), kept);
    keepWithinLimit();
  }

  /** The peer is gone, and with it all that it announced. */
  public void forget(GatewayIdentity holder) {
    dropAll(holder.incarnation(), Set.of());
    keepWithinLimit();
  }

  private void dropAll(Incarnation holder, Set<Route.Key> kept) {
    for (Map.Entry<SessionKey, Entry> each : entries.entrySet()) {
      if (concerns(each.getValue().routes, holder)) {
        drop(
            each.getKey(),
            route -> route.holder().incarnation().equals(holder) && !kept.contains(route.key()));
      }
    }
  }

  private static boolean concerns(List<Route> routes, Incarnation holder) {
    for (Route route : routes) {
      if (route.holder().incarnation().equals(holder)) {
        return true;
      }
    }
    return false;
  }

  private void drop(SessionKey session, java.util.function.Predicate<Route> which) {
    boolean[] dropped = new boolean[1];
    entries.computeIfPresent(
        session,
        (key, entry) -> {
          boolean was = entry.changing(nanoClock.getAsLong());
          List<Route> left = new ArrayList<>(entry.routes);
          if (left.removeIf(which)) {
            entry.routes = List.copyOf(left);
            counted(entry, was);
            dropped[0] = true;
          }
          return entry;
        });
    if (dropped[0]) {
      for (Listener listener : listeners) {
        listener.withdrawn(session);
      }
    }
  }

  /** How many routes this peer announces now. */
  int routesOf(Incarnation holder) {
    int count = 0;
    for (Entry entry : entries.values()) {
      for (Route route : entry.routes) {
        if (route.holder().incarnation().equals(holder)) {
          count++;
        }
      }
    }
    return count;
  }

  // ---- forgetting ----

  /** Forgets what was lost too long ago; to be called now and then. */
  public void forgetOld() {
    forgetOlderThan(REMEMBERED.toNanos());
  }

  private void keepWithinLimit() {
    if (remembered() > maxRemembered) {
      forgetOlderHalf();
    }
  }

  private void forgetOlderHalf() {
    long now = nanoClock.getAsLong();
    long[] ages =
        entries.values().stream()
            .filter(entry -> !entry.isOnline())
            .mapToLong(entry -> now - entry.lostAt)
            .sorted()
            .toArray();
    if (ages.length > 0) {
      forgetOlderThan(ages[ages.length / 2]);
    }
  }

  private void forgetOlderThan(long leastAgeNanos) {
    long now = nanoClock.getAsLong();
    Collection<SessionKey> all = new HashSet<>(entries.keySet());
    for (SessionKey session : all) {
      entries.computeIfPresent(
          session,
          (key, entry) -> !entry.isOnline() && now - entry.lostAt >= leastAgeNanos ? null : entry);
    }
  }
}

package dev.warren.agent.pool;

import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.reconnect.Reconnect;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * Which tunnels an agent should have, and what to do next for it: pure arithmetic over a clock and
 * a random source that are handed in. It dials nothing and closes nothing: its owner is told with
 * {@link #next}, and tells what became of it.
 *
 * <p>A dial begins with a lease, and a lease is granted only while more tunnels are wanted than are
 * claimed or being dialled. It becomes the claim of one gateway, or is given back by {@link #over}
 * and by every verdict but {@link Verdict#WANTED}.
 *
 * <pre>
 * dialling -answered, welcomed-> claimed -asked to go, and replaced-> moved
 * dialling -duplicate, wrong, failed-> gone;  claimed, moved -over-> gone
 * </pre>
 *
 * <p>No more is wanted than there are gateways: those that discovery named, without the draining
 * ones, and those that are claimed. Where nothing is claimed there is always one try.
 *
 * <p>What lies behind a <i>door</i> (an address of {@code --connect}: mostly a load balancer) is
 * known only when a gateway has answered. A gateway that advertises a direct address is dialled
 * there; one that hides behind the doors is hunted: quickly for a minute, then slower and slower,
 * and slowly at once where the door always leads to the same gateway.
 *
 * <p>Not thread-safe. Times are those of {@link System#nanoTime}: only differences mean something.
 */
final class Leases {
  /** As many as there are gateways. */
  static final int ALL = Integer.MAX_VALUE;

  /** Gateways that are remembered; what discovery names beyond them is not heeded. */
  static final int MAX_KNOWN = 256;

  /** Tunnels that were replaced and still have streams; with more, no further one moves. */
  static final int MAX_MOVED = 16;

  /** How long one is believed in that no connected gateway names. */
  static final Duration UNCONFIRMED = Duration.ofSeconds(30);

  /** For how long a gateway is believed in whose time to live nobody said. */
  static final Duration DEFAULT_TIME_TO_LIVE = Duration.ofMinutes(3);

  /** The quick part of a hunt. */
  static final Duration QUICK_HUNT = Duration.ofMinutes(1);

  /** In it, a try comes after a random part of at most this. */
  static final Duration QUICK_CEILING = Duration.ofSeconds(1);

  /**
   * The shortest wait of the slow part, so that there are never more than 6 dials in a minute; it
   * doubles up to {@link #SLOWEST}, and a random part of it comes on top.
   */
  static final Duration SLOW_FLOOR = Duration.ofSeconds(12);

  static final Duration SLOWEST = Duration.ofMinutes(3);

  /** So many tries in a row that led to one gateway: the doors are sorted by who comes. */
  static final int STICKY = 12;

  /** With another tunnel up, agents that lost one gateway together come back within this. */
  static final Duration SPREAD = Duration.ofSeconds(1);

  /** How long an address at which another gateway answered is left alone. */
  static final Duration WRONG_ADDRESS = Duration.ofMinutes(5);

  private static final int PARK_AFTER = 3;
  private static final Duration BETWEEN_CLAIMS = Duration.ofMillis(200);
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
  private static final int MAX_DOUBLINGS = 20;
  private static final int MAX_ID_CHARS = 253;
  private static final long UNKNOWN_GENERATION = -1;

  private final int wanted;
  private final ReconnectSettings settings;
  private final Function<String, Optional<DirectAddress>> judge;
  private final RandomGenerator random;
  private final Reconnect pace;
  private final int doors;

  private final Map<Long, Place> places = new LinkedHashMap<>();
  private final Map<String, Known> known = new LinkedHashMap<>();
  private final Set<String> hunted = new HashSet<>();

  private long lastLease;
  private long dials;
  private int door;
  private long doorAt; // after a failure or a loss
  private long huntAt; // after a try that led to a gateway we have
  private long huntSince;
  private int huntTries;
  private int huntSlowness;
  private String ledTo = "";
  private int ledInARow;
  private boolean blocked; // the whole session was told to stay away
  private long blockedUntil;
  private long unheeded;

  /** How a lease is to be used. */
  sealed interface Way {}

  /**
   * By one of the agent's own addresses.
   *
   * @param index among those of {@code --connect}
   */
  record Door(int index) implements Way {}

  /** By the address that this gateway advertises; no other may answer. */
  record Direct(String gateway, DirectAddress address) implements Way {}

  /** What is to be done next. */
  sealed interface Step {}

  /** Dial, with this lease. */
  record Dial(long lease, Way way) implements Step {}

  /**
   * The tunnel of this lease is replaced: it takes no new streams from now on.
   *
   * @param limit how long its streams may go on; empty where they may go on to their own end
   */
  record Move(long lease, Optional<Duration> limit) implements Step {}

  /** Nothing before this time is over, unless something happens. */
  record Wait(Duration delay) implements Step {}

  /** Nothing, until something happens. */
  record Settled() implements Step {}

  /** What a dial is good for, once it is known which gateway answered. */
  enum Verdict {
    WANTED,
    /** We have a tunnel to it: this one has to be closed, and its lease is given back. */
    DUPLICATE,
    /** Not the gateway whose address this is: likewise. */
    WRONG_GATEWAY,
    /** There are enough: likewise. */
    SURPLUS
  }

  /**
   * How a dial or a tunnel ended.
   *
   * @param retryAfter what the gateway asked for; zero where it said nothing
   * @param everywhere whether that concerns all gateways, because the session belongs to another or
   *     was closed by order
   * @param waitingHeals false where the gateway knows the agent and does not want it
   */
  record Ending(Duration retryAfter, boolean everywhere, boolean waitingHeals) {
    static final Ending PLAIN = new Ending(Duration.ZERO, false, true);
  }

  /** Who wants a tunnel to go. */
  enum Asked {
    NOBODY,
    /** The gateway has too many, and stays. */
    REBALANCE,
    /** The gateway goes. */
    DRAIN
  }

  private enum Stage {
    DIALLING,
    CLAIMED,
    MOVED
  }

  /** A lease, and what became of it. */
  private static final class Place {
    private final long lease;
    private final Way way;
    private final Set<String> named = new HashSet<>();
    private Stage stage = Stage.DIALLING;
    private String gateway = "";
    private long generation = UNKNOWN_GENERATION;
    private long since;
    private Asked asked = Asked.NOBODY;
    private long askedUntil;

    private Place(long lease, Way way) {
      this.lease = lease;
      this.way = way;
    }

    boolean active() {
      return stage == Stage.CLAIMED && asked == Asked.NOBODY;
    }
  }

  /** What is known of a direct address. */
  enum Route {
    NONE,
    UNTRIED,
    WORKS,
    FAILED
  }

  private static final class Known {
    private final String id;
    private long generation = UNKNOWN_GENERATION;
    private boolean draining;
    private String advertised = "";
    private Optional<DirectAddress> address = Optional.empty();
    private Route route = Route.NONE;
    private int failures;
    private long readyAt;
    private long seenAt;
    private long timeToLiveNanos;
    private final Set<Long> namedBy = new HashSet<>();

    private Known(String id, long now) {
      this.id = id;
      this.readyAt = now;
    }
  }

  /**
   * @param wanted how many tunnels, or {@link #ALL}
   * @param doors how many addresses the agent has of its own
   * @param judge what of an advertised address may be dialled
   */
  Leases(
      int wanted,
      int doors,
      Function<String, Optional<DirectAddress>> judge,
      ReconnectSettings settings,
      RandomGenerator random,
      long now) {
    this.wanted = wanted;
    this.judge = judge;
    this.settings = settings;
    this.random = random;
    this.pace = new Reconnect(settings, doors, random);
    this.doors = doors;
    this.doorAt = now;
    this.huntAt = now;
    this.huntSince = now;
    this.blockedUntil = now;
  }

  // ---- what to do ----

  /** The next step. To be asked again after each step, and after whatever was told. */
  Step next(long now) {
    forgetExpired(now);
    Place replaced = replaced();
    if (replaced != null) {
      replaced.stage = Stage.MOVED;
      keepTheOthers();
      return new Move(
          replaced.lease,
          replaced.asked == Asked.DRAIN
              ? Optional.of(Duration.ofNanos(Math.max(0, replaced.askedUntil - now)))
              : Optional.empty());
    }
    takeBackRebalance(now);
    long wait = Math.min(untilTakenBack(now), untilExpired(now));
    if (missing() > 0) {
      blocked = blocked && blockedUntil - now > 0;
      if (blocked) {
        wait = Math.min(wait, blockedUntil - now);
      } else {
        Way way = way(now);
        if (way != null) {
          Place place = new Place(++lastLease, way);
          places.put(place.lease, place);
          dials++;
          return new Dial(place.lease, way);
        }
        wait = Math.min(wait, untilWay(now));
      }
    }
    return wait == Long.MAX_VALUE ? new Settled() : new Wait(Duration.ofNanos(wait));
  }

  /** How long no dial is going to start; empty where none is due. */
  Optional<Duration> untilDial(long now) {
    if (missing() <= 0) {
      return Optional.empty();
    }
    long wait = blocked ? Math.max(0, blockedUntil - now) : way(now) != null ? 0 : untilWay(now);
    return wait == Long.MAX_VALUE ? Optional.empty() : Optional.of(Duration.ofNanos(wait));
  }

  /** How many dials should begin, if they could. */
  private int missing() {
    return desired() - active() - dialling();
  }

  private int desired() {
    int desired = (int) Math.min(wanted, (long) active() + fresh().size());
    return serving() ? desired : Math.max(1, desired);
  }

  /** Whether a tunnel carries streams that is not about to end with its gateway. */
  private boolean serving() {
    for (Place place : places.values()) {
      if (place.stage == Stage.CLAIMED && place.asked != Asked.DRAIN) {
        return true;
      }
    }
    return false;
  }

  private int active() {
    int active = 0;
    for (Place place : places.values()) {
      active += place.active() ? 1 : 0;
    }
    return active;
  }

  private int dialling() {
    int dialling = 0;
    for (Place place : places.values()) {
      dialling += place.stage == Stage.DIALLING ? 1 : 0;
    }
    return dialling;
  }

  /** Gateways to which a tunnel is missing. */
  private List<Known> fresh() {
    List<Known> fresh = new ArrayList<>();
    for (Known each : known.values()) {
      if (!each.draining && !isHeld(each)) {
        fresh.add(each);
      }
    }
    return fresh;
  }

  private boolean isHeld(Known gateway) {
    for (Place place : places.values()) {
      if (place.stage != Stage.DIALLING
          && place.gateway.equals(gateway.id)
          && !isOlder(place, gateway)) {
        return true;
      }
    }
    return false;
  }

  /** Whether the tunnel is to a process that this one has replaced. */
  private static boolean isOlder(Place place, Known gateway) {
    return place.generation != UNKNOWN_GENERATION && place.generation < gateway.generation;
  }

  /** The best way to something new now, or null. */
  private Way way(long now) {
    List<Known> best = new ArrayList<>();
    for (Known each : fresh()) {
      if (each.address.isEmpty() || each.readyAt - now > 0 || isDialledDirectly(each)) {
        continue;
      }
      if (!best.isEmpty() && rank(each) < rank(best.get(0))) {
        best.clear();
      }
      if (best.isEmpty() || rank(each) == rank(best.get(0))) {
        best.add(each);
      }
    }
    if (!best.isEmpty()) {
      Known chosen = best.get(random.nextInt(best.size()));
      return new Direct(chosen.id, chosen.address.get());
    }
    return untilDoor(now) == 0 ? new Door(door) : null;
  }

  private static int rank(Known gateway) {
    return gateway.route == Route.WORKS ? 0 : gateway.route == Route.UNTRIED ? 1 : 2;
  }

  private boolean isDialledDirectly(Known gateway) {
    for (Place place : places.values()) {
      if (place.stage == Stage.DIALLING
          && place.way instanceof Direct direct
          && direct.gateway().equals(gateway.id)) {
        return true;
      }
    }
    return false;
  }

  private long untilWay(long now) {
    long wait = untilDoor(now);
    for (Known each : fresh()) {
      if (each.address.isPresent() && !isDialledDirectly(each)) {
        wait = Math.min(wait, Math.max(0, each.readyAt - now));
      }
    }
    return wait;
  }

  /** One try at a door at a time: only its answer says whether another one is needed. */
  private long untilDoor(long now) {
    boolean claimed = false;
    for (Place place : places.values()) {
      if (place.stage == Stage.DIALLING && place.way instanceof Door) {
        return Long.MAX_VALUE;
      }
      claimed |= place.stage == Stage.CLAIMED;
    }
    long wait = Math.max(0, doorAt - now);
    return claimed ? Math.max(wait, huntAt - now) : wait; // a hunt is for more than one has
  }

  // ---- tunnels that are asked to go ----

  private Place replaced() {
    int active = active();
    int moved = 0;
    int staying = 0; // a gateway that only wants balance stays, and so may its tunnel
    for (Place place : places.values()) {
      moved += place.stage == Stage.MOVED ? 1 : 0;
      staying += place.stage == Stage.CLAIMED && place.asked != Asked.DRAIN ? 1 : 0;
    }
    for (Place place : places.values()) {
      if (place.stage != Stage.CLAIMED || place.asked == Asked.NOBODY) {
        continue;
      }
      if (place.asked == Asked.DRAIN && active > 0 && active >= desired()) {
        return place;
      }
      if (place.asked == Asked.REBALANCE && staying > wanted && moved < MAX_MOVED) {
        return place;
      }
    }
    return null;
  }

  /**
   * Of several gateways that asked for balance one has got it. Where there is nowhere else to go
   * for the others, their tunnels stay: otherwise the first one would be dialled again for them.
   */
  private void keepTheOthers() {
    if (!fresh().isEmpty()) {
      return;
    }
    for (Place place : places.values()) {
      if (place.stage == Stage.CLAIMED
          && place.asked == Asked.REBALANCE
          && active() + dialling() < wanted) {
        place.asked = Asked.NOBODY;
      }
    }
  }

  /** Where there is nowhere else to go the tunnel stays, and is one like the others again. */
  private void takeBackRebalance(long now) {
    for (Place place : places.values()) {
      if (place.stage == Stage.CLAIMED
          && place.asked == Asked.REBALANCE
          && place.askedUntil - now <= 0
          && active() + dialling() < wanted) {
        place.asked = Asked.NOBODY;
      }
    }
  }

  private long untilTakenBack(long now) {
    long wait = Long.MAX_VALUE;
    for (Place place : places.values()) {
      if (place.stage == Stage.CLAIMED && place.asked == Asked.REBALANCE) {
        wait = Math.min(wait, Math.max(LOOK_AGAIN.toNanos(), place.askedUntil - now));
      }
    }
    return wait;
  }

  /**
   * The gateway wants a tunnel to go.
   *
   * @param limit how long it can wait
   */
  void asked(long lease, Asked by, Duration limit, long now) {
    Place place = places.get(lease);
    if (place == null || place.stage != Stage.CLAIMED || by == Asked.NOBODY) {
      return;
    }
    // Who has a tunnel to every gateway there is, and wants that, cannot make room.
    if (by == Asked.REBALANCE && (wanted == ALL || place.asked != Asked.NOBODY)) {
      return;
    }
    place.asked = by;
    place.askedUntil = now + limit.toNanos();
    // A wish for balance does not make doors lead elsewhere that were found to lead nowhere new.
    if (by == Asked.DRAIN || huntSlowness == 0) {
      huntAnew(now);
    }
  }

  // ---- what became of a dial ----

  /**
   * A gateway has answered and said its name, before anything was said to it.
   *
   * @return whether to go on; else the lease is gone
   */
  Verdict answered(long lease, String gateway, long now) {
    Place place = places.get(lease);
    if (place == null || place.stage != Stage.DIALLING) {
      return Verdict.SURPLUS;
    }
    Verdict verdict = judge(place, gateway);
    if (verdict == Verdict.WANTED) {
      place.gateway = gateway;
      return verdict;
    }
    places.remove(lease);
    if (place.way instanceof Door) {
      leave(place);
      ledTo(gateway, now);
    } else {
      Known meant = known.get(((Direct) place.way).gateway());
      if (meant != null && verdict == Verdict.WRONG_GATEWAY) {
        meant.route = Route.FAILED;
        meant.readyAt = now + WRONG_ADDRESS.toNanos() + jitter(WRONG_ADDRESS.toNanos());
      } else if (meant != null) {
        meant.readyAt = now + jitter(settings.slowCap().toNanos());
      }
    }
    return verdict;
  }

  private Verdict judge(Place place, String gateway) {
    if (place.way instanceof Direct direct && !direct.gateway().equals(gateway)) {
      return Verdict.WRONG_GATEWAY;
    }
    Known named = known.get(gateway);
    if (named != null && named.draining && serving()) {
      return Verdict.DUPLICATE; // it would be asked to go at once
    }
    for (Place other : places.values()) {
      boolean same = other != place && other.gateway.equals(gateway);
      if (same && other.stage == Stage.MOVED && serving()) {
        return Verdict.DUPLICATE; // a second tunnel would cost it the streams that still run
      }
      if (same
          && other.stage != Stage.MOVED
          && (other.stage == Stage.DIALLING || named == null || !isOlder(other, named))) {
        return Verdict.DUPLICATE;
      }
    }
    return active() >= wanted ? Verdict.SURPLUS : Verdict.WANTED;
  }

  /** The gateway has accepted the tunnel: where the verdict is WANTED, it is claimed. */
  Verdict welcomed(long lease, String gateway, long now) {
    Place place = places.get(lease);
    if (place == null || place.stage != Stage.DIALLING) {
      return Verdict.SURPLUS;
    }
    if (!place.gateway.equals(gateway)) {
      place.gateway = "";
      Verdict verdict = answered(lease, gateway, now);
      if (verdict != Verdict.WANTED) {
        return verdict;
      }
    }
    place.stage = Stage.CLAIMED;
    place.since = now;
    blocked = false;
    for (Place other : places.values()) {
      if (other != place && other.gateway.equals(gateway) && other.stage == Stage.CLAIMED) {
        other.asked = Asked.DRAIN; // an earlier process of this gateway
        other.askedUntil = now;
      }
    }
    pace.up(now);
    ledInARow = 0;
    if (place.way instanceof Direct direct) {
      Known there = known.get(direct.gateway());
      if (there != null) {
        there.route = Route.WORKS;
        there.failures = 0;
      }
    } else {
      leave(place);
      doorAt = now + jitter(BETWEEN_CLAIMS.toNanos());
      huntAt = now;
      huntTries = 0;
    }
    return Verdict.WANTED;
  }

  /** A try at a door led to where a tunnel is already. */
  private void ledTo(String gateway, long now) {
    ledInARow = gateway.equals(ledTo) ? ledInARow + 1 : 1;
    ledTo = gateway;
    boolean quick = now - huntSince < QUICK_HUNT.toNanos();
    if (quick && (ledInARow < STICKY || !serving())) {
      long ceiling = settings.firstDelay().toNanos() << Math.min(huntTries, MAX_DOUBLINGS);
      huntTries++;
      huntAt = now + jitter(Math.min(ceiling, QUICK_CEILING.toNanos()));
      return;
    }
    long floor =
        Math.min(SLOWEST.toNanos(), SLOW_FLOOR.toNanos() << Math.min(huntSlowness, MAX_DOUBLINGS));
    huntSlowness++;
    huntAt = now + floor + jitter(floor);
  }

  /** Something has changed, so that a door may lead elsewhere now. */
  private void huntAnew(long now) {
    huntSince = now;
    huntTries = 0;
    huntSlowness = 0;
    ledInARow = 0;
    long soon = now + jitter(SPREAD.toNanos());
    if (huntAt - soon > 0) {
      huntAt = soon;
    }
  }

  /** A dial has failed, or a tunnel has ended: its lease is given back. */
  void over(long lease, Ending ending, long now) {
    Place place = places.remove(lease);
    if (place == null) {
      return;
    }
    forgetSource(place, now);
    if (ending.everywhere() && !ending.retryAfter().isZero()) {
      blocked = true;
      blockedUntil = now + limited(ending.retryAfter()) + jitter(settings.firstDelay().toNanos());
    }
    if (place.stage == Stage.CLAIMED) {
      lost(place, ending, now);
    } else if (place.stage == Stage.DIALLING) {
      failed(place, ending, now);
    }
  }

  private void lost(Place place, Ending ending, long now) {
    Known gateway = known.get(place.gateway);
    boolean elsewhere = false;
    for (Known each : fresh()) {
      elsewhere |= each != gateway;
    }
    Duration doorRetry = elsewhere ? Duration.ZERO : ending.retryAfter();
    Reconnect.Try next = pace.afterLoss(now, Duration.ofNanos(now - place.since), doorRetry);
    leave(place);
    doorAt = now + next.delay().toNanos() + (serving() ? jitter(SPREAD.toNanos()) : 0);
    if (gateway != null) {
      gateway.readyAt = now + limited(ending.retryAfter()) + jitter(SPREAD.toNanos());
    }
    huntAnew(now);
  }

  private void failed(Place place, Ending ending, long now) {
    if (place.way instanceof Door) {
      Reconnect.Try next = pace.afterFailure(now, ending.retryAfter(), ending.waitingHeals());
      leave(place);
      doorAt = now + next.delay().toNanos();
      if (now - huntSince >= QUICK_HUNT.toNanos()) {
        huntAt = Math.max(huntAt - now, SLOW_FLOOR.toNanos()) + now;
      }
      return;
    }
    Known gateway = known.get(((Direct) place.way).gateway());
    if (gateway == null) {
      return;
    }
    long ceiling =
        ending.waitingHeals()
            ? Math.min(
                settings.slowCap().toNanos(),
                settings.firstDelay().toNanos() << Math.min(gateway.failures, MAX_DOUBLINGS))
            : settings.slowCap().toNanos();
    gateway.failures++;
    if (gateway.failures > 1 || gateway.route != Route.WORKS) {
      gateway.route = Route.FAILED;
    }
    gateway.readyAt = now + limited(ending.retryAfter()) + jitter(ceiling);
  }

  /** The next try is at the next door. */
  private void leave(Place place) {
    if (place.way instanceof Door behind) {
      door = (behind.index() + 1) % doors;
    }
  }

  private static long limited(Duration retryAfter) {
    return Math.max(
        0,
        retryAfter.compareTo(Reconnect.MAX_RETRY_AFTER) < 0
            ? retryAfter.toNanos()
            : Reconnect.MAX_RETRY_AFTER.toNanos());
  }

  private long jitter(long nanos) {
    return random.nextLong(nanos + 1);
  }

  // ---- which gateways there are ----

  /** A gateway said over its tunnel which gateways exist. */
  void discovered(long lease, Frame.Discovery discovery, long now) {
    Place place = places.get(lease);
    if (place == null || place.stage == Stage.DIALLING) {
      return;
    }
    if (discovery.complete()) {
      dropUnnamed(place, discovery.gateways());
    }
    // Those that only gateways we have lost spoke of: soon somebody confirms them, or they are
    // gone.
    for (Known each : known.values()) {
      if (discovery.complete() && each.namedBy.isEmpty()) {
        long left = each.seenAt + each.timeToLiveNanos - now;
        each.seenAt = now;
        each.timeToLiveNanos = Math.min(left, UNCONFIRMED.toNanos());
      }
    }
    for (Frame.Gateway each : discovery.gateways()) {
      if (each.removed()) {
        Known before = known.get(each.id());
        if (before != null && before.generation <= each.generation()) {
          known.remove(each.id());
        }
        place.named.remove(each.id());
      } else if (!each.id().isBlank() && each.id().length() <= MAX_ID_CHARS) {
        named(place, each, now);
      }
    }
    drainOutdated(now);
    boolean changed = false;
    for (Known each : fresh()) {
      changed |= hunted.add(each.id + "@" + each.generation);
    }
    if (changed) {
      if (hunted.size() > 4 * MAX_KNOWN) {
        hunted.clear();
      }
      huntAnew(now);
    }
  }

  /** What a whole list does not name any more, and no other gateway names either, is gone. */
  private void dropUnnamed(Place place, Collection<Frame.Gateway> list) {
    Set<String> listed = new HashSet<>();
    for (Frame.Gateway each : list) {
      listed.add(each.id());
    }
    for (String before : List.copyOf(place.named)) {
      Known gateway = known.get(before);
      if (!listed.contains(before)) {
        place.named.remove(before);
        if (gateway != null && gateway.namedBy.remove(place.lease) && gateway.namedBy.isEmpty()) {
          known.remove(before);
        }
      }
    }
  }

  private void named(Place place, Frame.Gateway said, long now) {
    if (said.id().equals(place.gateway) && place.generation == UNKNOWN_GENERATION) {
      place.generation = said.generation(); // it knows itself
    }
    Known gateway = known.get(said.id());
    if (gateway == null) {
      if (known.size() >= MAX_KNOWN) {
        unheeded++;
        return;
      }
      gateway = new Known(said.id(), now);
      known.put(said.id(), gateway);
    }
    if (said.generation() < gateway.generation) {
      return; // whoever says so has not heard of the restart
    }
    if (said.generation() > gateway.generation) {
      gateway.generation = said.generation();
      gateway.draining = false;
      gateway.advertised = "";
      gateway.readyAt = now;
    }
    // Within a generation nobody comes back from draining, so a late message does no harm.
    gateway.draining |= said.draining();
    gateway.seenAt = now;
    gateway.timeToLiveNanos =
        said.timeToLiveSeconds() > 0
            ? Duration.ofSeconds(said.timeToLiveSeconds()).toNanos()
            : DEFAULT_TIME_TO_LIVE.toNanos();
    gateway.namedBy.add(place.lease);
    place.named.add(said.id());
    if (!gateway.advertised.equals(said.address())) {
      gateway.advertised = said.address();
      gateway.address = said.address().isEmpty() ? Optional.empty() : judge.apply(said.address());
      gateway.route = gateway.address.isEmpty() ? Route.NONE : Route.UNTRIED;
      gateway.failures = 0;
    }
  }

  /** Tunnels to gateways that go, or that a restart has left behind. */
  private void drainOutdated(long now) {
    boolean changed = false;
    for (Place place : places.values()) {
      Known gateway = known.get(place.gateway);
      boolean outdated =
          gateway != null
              && (isOlder(place, gateway)
                  || gateway.draining
                      && (place.generation == gateway.generation
                          || place.generation == UNKNOWN_GENERATION));
      if (place.stage == Stage.CLAIMED && place.asked != Asked.DRAIN && outdated) {
        place.asked = Asked.DRAIN;
        place.askedUntil = now + DEFAULT_TIME_TO_LIVE.toNanos(); // until it says so itself
        changed = true;
      }
    }
    if (changed) {
      huntAnew(now);
    }
  }

  /** While a tunnel lives its gateway would say what changes; from then on the time counts. */
  private void forgetSource(Place place, long now) {
    for (String id : place.named) {
      Known gateway = known.get(id);
      if (gateway != null && gateway.namedBy.remove(place.lease)) {
        gateway.seenAt = now;
      }
    }
  }

  private long untilExpired(long now) {
    long wait = Long.MAX_VALUE;
    for (Known each : known.values()) {
      if (each.namedBy.isEmpty()) {
        wait = Math.min(wait, Math.max(0, each.seenAt + each.timeToLiveNanos - now));
      }
    }
    return wait;
  }

  private void forgetExpired(long now) {
    known
        .values()
        .removeIf(each -> each.namedBy.isEmpty() && now - each.seenAt >= each.timeToLiveNanos);
  }

  // ---- what can be asked ----

  /**
   * Whether a connection that led to a gateway we have should stay open for a while, unused: a
   * balancer that chooses who has the fewest connections would choose the same one again.
   */
  boolean parks() {
    return huntTries >= PARK_AFTER;
  }

  /** Dials so far. */
  long dials() {
    return dials;
  }

  /** Gateways that discovery named beyond {@link #MAX_KNOWN}, so far. */
  long unheeded() {
    return unheeded;
  }

  /** Tunnels that are claimed and stay. */
  int claimed() {
    return active();
  }

  /** Leases that are not claims yet. */
  int inFlight() {
    return dialling();
  }

  /** Claims and leases there should be. */
  int target() {
    return desired();
  }

  PoolState state() {
    boolean any = false;
    boolean leaving = false;
    for (Place place : places.values()) {
      any |= place.stage == Stage.CLAIMED;
      leaving |= place.stage == Stage.CLAIMED && place.asked != Asked.NOBODY;
    }
    if (!any) {
      return PoolState.OFFLINE;
    }
    if (leaving) {
      return PoolState.MOVING;
    }
    if (active() >= desired()) {
      return PoolState.COMPLETE;
    }
    return huntSlowness > 0 ? PoolState.SETTLED : PoolState.SEARCHING;
  }

  /** The gateways that are known, as they stand. */
  List<GatewayStatus> gateways() {
    List<GatewayStatus> all = new ArrayList<>();
    for (Known each : known.values()) {
      all.add(
          new GatewayStatus(
              each.id,
              each.generation,
              each.draining,
              each.address.map(DirectAddress::toString).orElse(""),
              each.route.name().toLowerCase(java.util.Locale.ROOT),
              isHeld(each)));
    }
    return all;
  }
}

package dev.warren.peer.tunnel;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * Which tunnel each session has now. Of two rivals the one with the higher rank stays: within an
 * instance the higher connection number decides, between instances the rank, which is higher for
 * whoever was first admitted later ("newest wins"). The loser that comes again is told to wait,
 * twice as long each time, while the winner lives. Safe for use by all event loops.
 */
public final class Sessions {
  /**
   * Sessions that are gone are remembered this long, so that their callers hear 503 and not 404.
   */
  static final Duration REMEMBERED = Duration.ofMinutes(10);

  /** ... and at most this many of them; beyond that the older half is forgotten. */
  static final int MAX_REMEMBERED = 100_000;

  static final Duration FIRST_RETRY = Duration.ofSeconds(5);
  static final Duration LAST_RETRY = Duration.ofMinutes(5);

  /** What is known of a session. */
  public sealed interface Lookup {
    record Online(GatewayTunnel tunnel) implements Lookup {}

    /** It had a tunnel, not long ago. */
    record Offline(Duration since) implements Lookup {}

    record Unknown() implements Lookup {}
  }

  /** What becomes of a tunnel that wants to be a session's. */
  sealed interface Admission {
    /** It is now; {@code superseded} was before, or null. */
    record Admitted(Frame.Rank rank, GatewayTunnel superseded) implements Admission {}

    record Refused(String detail, Duration retryAfter) implements Admission {}
  }

  private static final Lookup UNKNOWN = new Lookup.Unknown();

  private final Ranks ranks = new Ranks();
  private final LongSupplier nanoClock;
  private final int maxRemembered;
  private final ConcurrentHashMap<SessionKey, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicInteger online = new AtomicInteger();

  /** Guarded by the map's own lock on its key; {@code tunnel} may be read without. */
  private static final class Entry {
    private volatile GatewayTunnel tunnel;
    private volatile long lostAt;
    private long highestEpoch;
    private int refusals;
  }

  /**
   * @param nanoClock {@code System::nanoTime}, or a test's
   */
  public Sessions(LongSupplier nanoClock) {
    this(nanoClock, MAX_REMEMBERED);
  }

  Sessions(LongSupplier nanoClock, int maxRemembered) {
    this.nanoClock = nanoClock;
    this.maxRemembered = maxRemembered;
  }

  /** What is known of {@code session} now. */
  public Lookup find(SessionKey session) {
    Entry entry = entries.get(session);
    if (entry == null) {
      return UNKNOWN;
    }
    GatewayTunnel tunnel = entry.tunnel;
    if (tunnel != null) {
      return new Lookup.Online(tunnel);
    }
    long since = nanoClock.getAsLong() - entry.lostAt;
    return since < REMEMBERED.toNanos() ? new Lookup.Offline(Duration.ofNanos(since)) : UNKNOWN;
  }

  /** How many sessions have a tunnel. */
  public int online() {
    return online.get();
  }

  /** All tunnels of now. */
  public List<GatewayTunnel> tunnels() {
    List<GatewayTunnel> all = new ArrayList<>();
    for (Entry entry : entries.values()) {
      GatewayTunnel tunnel = entry.tunnel;
      if (tunnel != null) {
        all.add(tunnel);
      }
    }
    return all;
  }

  Admission admit(SessionKey session, GatewayTunnel rival, Frame.Hello hello) {
    Admission[] outcome = new Admission[1];
    entries.compute(
        session,
        (key, known) -> {
          Entry entry = known == null ? new Entry() : known;
          outcome[0] = admit(entry, key, rival, hello);
          return entry;
        });
    return outcome[0];
  }

  private Admission admit(Entry entry, SessionKey session, GatewayTunnel rival, Frame.Hello hello) {
    boolean presented = ranks.isOurs(session, hello.instance(), hello.rank());
    Frame.Rank rank =
        presented ? hello.rank() : ranks.first(session, hello.instance(), entry.highestEpoch + 1);
    GatewayTunnel holder = entry.tunnel;
    if (holder != null) {
      if (holder.instance().equals(hello.instance())) {
        if (hello.connection() <= holder.connection()) {
          return new Admission.Refused(
              "connection "
                  + hello.connection()
                  + " of this agent is older than its connection "
                  + holder.connection(),
              Duration.ZERO);
        }
        rank = holder.rank(); // a reconnect never raises it
      } else if (Ranks.compare(rank, hello.instance(), holder.rank(), holder.instance()) < 0) {
        long wait = FIRST_RETRY.toMillis() << Math.min(entry.refusals++, 6);
        return new Admission.Refused(
            "another agent with the id " + session + " attached later and is connected",
            Duration.ofMillis(Math.min(wait, LAST_RETRY.toMillis())));
      }
    } else {
      online.incrementAndGet();
    }
    if (holder == null || !holder.instance().equals(hello.instance())) {
      entry.refusals = 0;
    }
    entry.highestEpoch = Math.max(entry.highestEpoch, rank.epoch());
    entry.tunnel = rival;
    rival.admitted(hello, rank);
    return new Admission.Admitted(rank, holder);
  }

  /** The tunnel is gone; where another has taken its place that one stays. */
  void lost(SessionKey session, GatewayTunnel tunnel) {
    entries.computeIfPresent(
        session,
        (key, entry) -> {
          if (entry.tunnel == tunnel) {
            entry.tunnel = null;
            entry.lostAt = nanoClock.getAsLong();
            online.decrementAndGet();
          }
          return entry;
        });
    if (remembered() > maxRemembered) {
      forgetOlderHalf();
    }
  }

  /** Sessions that have no tunnel and are not forgotten. */
  int remembered() {
    return entries.size() - online.get();
  }

  /** Forgets what was lost too long ago; to be called now and then. */
  public void forgetOld() {
    forget(REMEMBERED.toNanos());
  }

  private void forgetOlderHalf() {
    long now = nanoClock.getAsLong();
    long[] ages =
        entries.values().stream()
            .filter(entry -> entry.tunnel == null)
            .mapToLong(entry -> now - entry.lostAt)
            .sorted()
            .toArray();
    if (ages.length > 0) {
      forget(ages[ages.length / 2]);
    }
  }

  private void forget(long leastAgeNanos) {
    long now = nanoClock.getAsLong();
    for (SessionKey session : entries.keySet()) {
      entries.computeIfPresent(
          session,
          (key, entry) ->
              entry.tunnel == null && now - entry.lostAt >= leastAgeNanos ? null : entry);
    }
  }
}

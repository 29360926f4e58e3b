package dev.warren.peer.dial;

import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.session.DuplicatePolicy;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Opens streams through whichever gateway holds a tunnel of the session: this one, else a peer. It
 * asks its own table and nobody else, except for sessions of which it knows nothing.
 */
public final class Router implements StreamOpener {
  private final String gateway;
  private final RouteTable table;
  private final PeerPaths paths;
  private final PresenceLookup presence;
  private final RouterSettings settings;
  private final WaitingDials waiting;
  private final Semaphore asks;
  private final DialCounters counters = new DialCounters();
  private final ConcurrentHashMap<Object, AtomicInteger> load = new ConcurrentHashMap<>();

  /** A way to try. Equal ones are the same way: trying again makes no sense. */
  sealed interface Candidate {
    /** A tunnel that ends here. */
    record Here(OwnTunnel tunnel) implements Candidate {}

    /** A peer's. */
    record There(
        Incarnation gateway, StreamId instance, long connection, long generation, String holder)
        implements Candidate {}
  }

  /** A candidate with what decides its place. */
  private record Ranked(
      Candidate candidate, boolean draining, boolean far, boolean silent, long roundTripNanos) {}

  private static final Comparator<Ranked> NEAREST =
      Comparator.comparing(Ranked::draining)
          .thenComparing(Ranked::far)
          .thenComparing(Ranked::silent)
          .thenComparingLong(Ranked::roundTripNanos);

  /**
   * @param gateway the id of this one
   * @param presence asked about sessions of which the table knows nothing
   */
  public Router(
      String gateway,
      RouteTable table,
      PeerPaths paths,
      PresenceLookup presence,
      RouterSettings settings) {
    this.gateway = gateway;
    this.table = table;
    this.paths = paths;
    this.presence = presence;
    this.settings = settings;
    this.waiting = new WaitingDials(settings.maxWaitingPerSession(), settings.maxWaiting());
    this.asks = new Semaphore(settings.maxAsks());
    table.listen(
        new RouteTable.Listener() {
          @Override
          public void reachable(SessionKey session) {
            waiting.release(session);
          }
        });
  }

  @Override
  public Future<OpenedStream> open(Dial dial, EventLoop loop) {
    counters.dials.increment();
    Promise<OpenedStream> promise = loop.newPromise();
    RoutedDial routed = new RoutedDial(this, dial, loop, promise);
    if (loop.inEventLoop()) {
      routed.start();
    } else {
      loop.execute(routed::start);
    }
    return promise;
  }

  /** A link has come up: dials may go over it that could not before. */
  public void linkUp(Incarnation peer) {
    for (SessionKey session : waiting.sessions()) {
      for (Route route : table.find(session).routes()) {
        if (route.holder().incarnation().equals(peer)) {
          waiting.release(session);
          break;
        }
      }
    }
  }

  public DialCounters.Snapshot counters() {
    return counters.snapshot();
  }

  /** Dials that wait for a way to their session now. */
  public int waiting() {
    return waiting.count();
  }

  /**
   * The best way that was not tried yet, or null.
   *
   * @param lost connections of links that were lost under this dial
   */
  Candidate best(RouteTable.Known known, Set<Candidate> tried, Set<TunnelHandler> lost) {
    List<Ranked> all = new ArrayList<>(known.own().size() + known.routes().size());
    for (OwnTunnel tunnel : known.own()) {
      Candidate here = new Candidate.Here(tunnel);
      if (!tried.contains(here)) {
        all.add(new Ranked(here, tunnel.draining(), false, false, 0));
      }
    }
    for (Route route : known.routes()) {
      PeerPaths.Path path = paths.to(route.holder().incarnation());
      if (path == null || path.connection(lost) == null) {
        continue;
      }
      Candidate there =
          new Candidate.There(
              route.holder().incarnation(),
              route.instance(),
              route.connection(),
              path.generation(),
              route.holder().id());
      if (!tried.contains(there)) {
        all.add(
            new Ranked(
                there, route.draining(), true, !path.answeredLately(), path.roundTripNanos()));
      }
    }
    Comparator<Ranked> order =
        table.policy() == DuplicatePolicy.POOL
            ? Comparator.comparing(Ranked::draining)
                .thenComparing(Ranked::silent)
                .thenComparingInt(ranked -> streamsOver(ranked.candidate()))
                .thenComparing(Ranked::far)
            : NEAREST;
    return all.stream().min(order).map(Ranked::candidate).orElse(null);
  }

  /** Whether the candidate would still be taken: it is there and does not drain. */
  boolean isCurrent(SessionKey session, Candidate candidate) {
    if (candidate instanceof Candidate.Here here) {
      return !here.tunnel().draining();
    }
    Candidate.There there = (Candidate.There) candidate;
    for (Route route : table.find(session).routes()) {
      if (route.holder().incarnation().equals(there.gateway())
          && route.instance().equals(there.instance())
          && route.connection() == there.connection()) {
        return !route.draining();
      }
    }
    return false;
  }

  /**
   * What runs the candidate's connection; null where it has gone meanwhile.
   *
   * @param home the event loop of the stream's channel
   */
  TunnelHandler handler(Candidate candidate, Set<TunnelHandler> lost, EventLoop home) {
    if (candidate instanceof Candidate.Here here) {
      return here.tunnel().handler();
    }
    PeerPaths.Path path = paths.to(((Candidate.There) candidate).gateway());
    return path == null ? null : path.connection(lost, home);
  }

  long roundTripNanos(Candidate candidate) {
    if (candidate instanceof Candidate.There there) {
      PeerPaths.Path path = paths.to(there.gateway());
      return path == null ? 0 : path.roundTripNanos();
    }
    return 0;
  }

  // ---- the streams that this gateway has open over each way, for policy pool ----

  private static Object loadKey(Candidate candidate) {
    return candidate instanceof Candidate.There there ? there.gateway() : candidate;
  }

  private int streamsOver(Candidate candidate) {
    AtomicInteger streams = load.get(loadKey(candidate));
    return streams == null ? 0 : streams.get();
  }

  void began(Candidate candidate) {
    if (table.policy() == DuplicatePolicy.POOL) {
      load.compute(
          loadKey(candidate),
          (key, streams) -> {
            AtomicInteger counted = streams == null ? new AtomicInteger() : streams;
            counted.incrementAndGet();
            return counted;
          });
    }
  }

  void ended(Candidate candidate) {
    if (table.policy() == DuplicatePolicy.POOL) {
      load.computeIfPresent(
          loadKey(candidate), (key, streams) -> streams.decrementAndGet() <= 0 ? null : streams);
    }
  }

  String via(Candidate candidate) {
    return gateway + ", " + (candidate instanceof Candidate.There there ? there.holder() : gateway);
  }

  String gateway() {
    return gateway;
  }

  RouteTable table() {
    return table;
  }

  PeerPaths paths() {
    return paths;
  }

  PresenceLookup presence() {
    return presence;
  }

  RouterSettings settings() {
    return settings;
  }

  WaitingDials waitingDials() {
    return waiting;
  }

  Semaphore asks() {
    return asks;
  }

  DialCounters count() {
    return counters;
  }
}

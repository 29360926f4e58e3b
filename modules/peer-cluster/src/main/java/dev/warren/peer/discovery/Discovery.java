package dev.warren.peer.discovery;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.link.Front;
import dev.warren.peer.link.Fronts;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.frame.Frame;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells every agent which gateways exist, over its tunnel, and asks some to move where this gateway
 * holds more than its share. Lives on one event loop.
 */
public final class Discovery implements RouteTable.Listener, AutoCloseable {
  /** How often it is looked whether something has changed; changes in between go together. */
  public static final Duration INTERVAL = Duration.ofMillis(250);

  /** How long an agent may believe in a gateway of which it has not heard again. */
  public static final int TIME_TO_LIVE_SECONDS = 24 * 60 * 60;

  /** How long an agent that is asked to move has for its streams. */
  public static final Duration MOVE_WITHIN = Duration.ofMinutes(5);

  /** What DRAIN says to an agent that should only move. */
  public static final String REBALANCE = "rebalance";

  private static final Logger log = LoggerFactory.getLogger(Discovery.class);

  private final GatewayIdentity self;
  private final long generation = System.currentTimeMillis();
  private final String agentAddress;
  private final RouteTable table;
  private final Fronts links;
  private final EventLoop loop;
  private final GatewayList list = new GatewayList();
  private final LongSupplier nanoClock;
  private final RandomGenerator random = new SplittableRandom();
  private final Rebalancing rebalancing = new Rebalancing(random);
  private final Future<?> ticks;
  private volatile boolean draining;
  private Front told;

  Discovery(
      GatewayIdentity self,
      String agentAddress,
      RouteTable table,
      Fronts links,
      EventLoop loop,
      LongSupplier nanoClock) {
    this.self = self;
    this.agentAddress = agentAddress;
    this.table = table;
    this.links = links;
    this.loop = loop;
    this.nanoClock = nanoClock;
    this.ticks =
        loop.scheduleWithFixedDelay(this::tick, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * @param agentAddress where agents may dial this gateway directly, HOST:PORT; may be empty
   */
  public static Discovery start(
      GatewayIdentity self, String agentAddress, RouteTable table, Fronts links, EventLoop loop) {
    Discovery discovery = new Discovery(self, agentAddress, table, links, loop, System::nanoTime);
    table.listen(discovery);
    return discovery;
  }

  /** This gateway is about to go: agents and peers hear of it at once. */
  public void draining() {
    draining = true;
    loop.execute(this::tick);
  }

  /** A new tunnel is told all; one that drains hears no more. */
  @Override
  public void own(OwnTunnel tunnel) {
    if (!tunnel.draining()) {
      loop.execute(() -> tunnel.tell(list.complete()));
    }
  }

  private void tick() {
    try {
      announceFront();
      list.update(gateways())
          .ifPresent(
              changes -> {
                for (OwnTunnel tunnel : table.ownTunnels()) {
                  tunnel.tell(changes);
                }
              });
      rebalance();
    } catch (RuntimeException e) { // the next tick must come
      log.atError().setCause(e).log("discovery.failed");
    }
  }

  /** Peers hear of draining and of a new address at once, of the number of tunnels roughly. */
  private void announceFront() {
    Front now = new Front(generation, draining, agentAddress, table.held());
    boolean worthIt =
        told == null
            || told.draining() != draining
            || Math.abs(told.tunnels() - now.tunnels()) > told.tunnels() / 50;
    if (worthIt) {
      told = now;
      links.announce(now);
    }
  }

  private List<Frame.Gateway> gateways() {
    List<Frame.Gateway> all = new ArrayList<>();
    all.add(gateway(self, new Front(generation, draining, agentAddress, 0)));
    for (Map.Entry<GatewayIdentity, Front> peer : links.fronts().entrySet()) {
      all.add(gateway(peer.getKey(), peer.getValue()));
    }
    return all;
  }

  private static Frame.Gateway gateway(GatewayIdentity who, Front front) {
    return new Frame.Gateway(
        who.id(),
        front.generation(),
        front.draining(),
        TIME_TO_LIVE_SECONDS,
        front.agentAddress(),
        false);
  }

  private void rebalance() {
    if (draining) {
      return;
    }
    List<Integer> others = new ArrayList<>();
    for (Front front : links.fronts().values()) {
      if (!front.draining()) {
        others.add(front.tunnels());
      }
    }
    // Those that drain already are few and soon gone: they may count as held.
    int count = rebalancing.ask(table.held(), others, nanoClock.getAsLong());
    if (count == 0) {
      return;
    }
    List<Movable> movable = new ArrayList<>();
    for (OwnTunnel tunnel : table.ownTunnels()) {
      if (!tunnel.draining()) {
        movable.add(new Movable(tunnel, tunnel.handler().streams(), random.nextInt()));
      }
    }
    // Those without streams first: nobody waits for them. Among equals, any.
    movable.sort(Comparator.comparingInt(Movable::streams).thenComparingInt(Movable::lot));
    log.atInfo()
        .addKeyValue("tunnels", movable.size())
        .addKeyValue("others", others)
        .addKeyValue("asked", count)
        .log("rebalance.asked");
    for (Movable each : movable.subList(0, Math.min(count, movable.size()))) {
      each.tunnel().tell(new Frame.Drain((int) MOVE_WITHIN.toMillis(), REBALANCE));
    }
  }

  /** A tunnel with what decides its place; its streams change while the list is sorted. */
  private record Movable(OwnTunnel tunnel, int streams, int lot) {}

  @Override
  public void close() {
    ticks.cancel(false);
  }
}

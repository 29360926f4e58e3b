package dev.warren.agent.pool;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.agent.pool.Leases.Asked;
import dev.warren.agent.pool.Leases.Verdict;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tunnels of an agent. Decides nothing: {@link Leases} does, and this carries it out. They
 * share who the agent is to the cluster, the dialer and the memory budget; each lives on one event
 * loop, and what they tell is gathered on the pool's own.
 */
public final class TunnelPool {
  /**
   * How long a connection that led to a gateway we have may stay open unused. Shorter than any
   * gateway's patience with a handshake.
   */
  static final Duration PARKED = Duration.ofSeconds(5);

  /** Connections that stay open so, at most. */
  static final int MAX_PARKED = 4;

  /** Different failures that are told once each during an outage; then all are told again. */
  static final int MAX_TOLD = 64;

  /** What DRAIN says where the gateway stays and should only be relieved. */
  private static final String REBALANCE = "rebalance";

  private static final Logger log = LoggerFactory.getLogger(TunnelPool.class);

  private final AgentSettings settings;
  private final EventLoopGroup loops;
  private final EventLoop home;
  private final AgentTunnel.Shared shared;
  private final TunnelListener listener;
  private final GatewayAddress behind; // whose place direct addresses take
  private final Leases leases;

  private final Map<Long, AgentTunnel> tunnels = new LinkedHashMap<>();
  private final Set<AgentTunnel> goodbyes = new LinkedHashSet<>(); // no lease any more
  private final ArrayDeque<AgentTunnel> parked = new ArrayDeque<>();
  private final Set<String> told = new HashSet<>(); // failures since a tunnel came up last
  private final Set<String> refused = new HashSet<>(); // addresses, so that each is told once
  private PoolState ending; // DRAINING or CLOSED
  private Future<?> timer;
  private long unheeded;

  private volatile List<AgentTunnel> shown = List.of();
  private volatile TunnelStatus last;
  private volatile PoolStatus poolStatus;

  public TunnelPool(
      AgentSettings settings,
      EventLoopGroup loops,
      GatewayConnector connector,
      TargetDialer dialer,
      RandomGenerator random,
      TunnelListener listener) {
    this.settings = settings;
    this.loops = loops;
    this.home = loops.next();
    this.shared =
        new AgentTunnel.Shared(
            settings,
            new Instance(),
            connector,
            dialer,
            new CreditBudget(settings.memoryBudgetBytes()));
    this.listener = listener;
    this.behind =
        settings.gateways().stream()
            .filter(GatewayAddress::tls)
            .findFirst()
            .orElse(settings.gateways().get(0));
    this.leases =
        new Leases(
            settings.tunnels(),
            settings.gateways().size(),
            this::judge,
            settings.reconnect(),
            random,
            System.nanoTime());
    this.last = tunnel(0, new Leases.Door(0)).status();
    this.poolStatus =
        new PoolStatus(PoolState.OFFLINE, settings.tunnels(), 1, List.of(), List.of(), 0);
  }

  public void start() {
    home.execute(this::act);
  }

  // ---- status, from any thread ----

  /** The tunnel that says most about how the agent is: one that is up, where there is one. */
  public TunnelStatus status() {
    TunnelStatus best = null;
    for (AgentTunnel tunnel : shown) {
      TunnelStatus each = tunnel.status();
      if (best == null || rank(each.state()) < rank(best.state())) {
        best = each;
      }
    }
    return best == null ? last : best;
  }

  private static int rank(TunnelState state) {
    return switch (state) {
      case UP -> 0;
      case LEAVING -> 1;
      case CONNECTING -> 2;
      case MOVED -> 3;
      case WAITING, CLOSED -> 4;
    };
  }

  public PoolStatus pool() {
    PoolStatus now = poolStatus;
    return new PoolStatus(
        now.state(),
        now.wanted(),
        now.target(),
        shown.stream().map(AgentTunnel::status).toList(),
        now.gateways(),
        now.dials());
  }

  private void publish() {
    PoolState before = poolStatus.state();
    PoolState state = ending != null ? ending : leases.state();
    shown = List.copyOf(tunnels.values());
    poolStatus =
        new PoolStatus(
            state,
            settings.tunnels(),
            leases.target(),
            List.of(),
            leases.gateways(),
            leases.dials());
    if (state != before) {
      log.atInfo()
          .addKeyValue("session", settings.session())
          .addKeyValue("state", state)
          .addKeyValue("before", before)
          .addKeyValue("tunnels", leases.claimed())
          .addKeyValue("target", leases.target())
          .log("pool.state");
    }
  }

  // ---- steps, on the pool's own loop ----

  private void act() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
    while (ending == null) {
      Leases.Step step = leases.next(System.nanoTime());
      if (step instanceof Leases.Dial dial) {
        dial(dial);
      } else if (step instanceof Leases.Move move) {
        move(move);
      } else {
        if (step instanceof Leases.Wait wait) {
          timer = home.schedule(this::act, wait.delay().toNanos(), TimeUnit.NANOSECONDS);
        }
        break;
      }
    }
    publish();
  }

  private AgentTunnel tunnel(long lease, Leases.Way way) {
    return way instanceof Leases.Direct direct
        ? new AgentTunnel(
            shared, loops.next(), lease, behind, Optional.of(direct.address()), events)
        : new AgentTunnel(
            shared,
            loops.next(),
            lease,
            settings.gateways().get(((Leases.Door) way).index()),
            Optional.empty(),
            events);
  }

  private void dial(Leases.Dial dial) {
    AgentTunnel tunnel = tunnel(dial.lease(), dial.way());
    tunnels.put(dial.lease(), tunnel);
    shown = List.copyOf(tunnels.values());
    tunnel.start();
    tell(tunnel.status());
  }

  private void move(Leases.Move move) {
    AgentTunnel tunnel = tunnels.get(move.lease());
    TunnelStatus status = tunnel.status();
    log.atInfo()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateway", status.gateway())
        .addKeyValue("streams", status.streams())
        .log("tunnel.moved");
    tunnel.move("moved", move.limit());
    tell(tunnel.become(TunnelState.MOVED, status.gateway(), status.reason()));
  }

  private void answered(AgentTunnel tunnel, String gateway) {
    if (tunnels.get(tunnel.lease()) != tunnel) {
      return; // closed meanwhile
    }
    Verdict verdict = leases.answered(tunnel.lease(), gateway, System.nanoTime());
    if (verdict == Verdict.WANTED) {
      tunnel.introduce();
    } else {
      leave(tunnel, gateway, verdict);
    }
    act();
  }

  private void leave(AgentTunnel tunnel, String gateway, Verdict verdict) {
    TunnelStatus status = tunnel.status();
    log.atDebug()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateway", gateway)
        .addKeyValue("address", status.dialled())
        .addKeyValue("reason", verdict)
        .log("tunnel.not-needed");
    tunnels.remove(tunnel.lease());
    goodbyes.add(tunnel);
    tunnel.gone().addListener(done -> home.execute(() -> goodbyes.remove(tunnel)));
    if (verdict == Verdict.DUPLICATE && status.direct().isEmpty() && leases.parks()) {
      parked.addLast(tunnel);
      tunnel.park(PARKED);
      if (parked.size() > MAX_PARKED) {
        parked.removeFirst().close("parked");
      }
    } else {
      tunnel.close("a tunnel to gateway " + gateway + " is not needed: " + verdict);
    }
    tunnel.become(TunnelState.CLOSED, "", verdict.toString());
  }

  private void welcomed(AgentTunnel tunnel, String gateway) {
    if (tunnels.get(tunnel.lease()) != tunnel) {
      return;
    }
    Verdict verdict = leases.welcomed(tunnel.lease(), gateway, System.nanoTime());
    if (verdict == Verdict.WANTED) {
      told.clear();
      TunnelStatus up = tunnel.become(TunnelState.UP, gateway, "");
      log.atInfo()
          .addKeyValue("session", settings.session())
          .addKeyValue("gateway", gateway)
          .addKeyValue("address", up.dialled())
          .addKeyValue("epoch", up.epoch())
          .addKeyValue("connection", up.connection())
          .log("tunnel.up");
      tell(up);
    } else {
      leave(tunnel, gateway, verdict);
    }
    act();
  }

  private void drained(AgentTunnel tunnel, Frame.Drain drain) {
    if (tunnels.get(tunnel.lease()) != tunnel) {
      return;
    }
    TunnelStatus status = tunnel.status();
    log.atInfo()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateway", status.gateway())
        .addKeyValue("deadline-ms", drain.deadlineMillis())
        .addKeyValue("reason", drain.detail())
        .log("tunnel.draining");
    leases.asked(
        tunnel.lease(),
        drain.detail().startsWith(REBALANCE) ? Asked.REBALANCE : Asked.DRAIN,
        Duration.ofMillis(drain.deadlineMillis()),
        System.nanoTime());
    if (status.state() == TunnelState.UP) {
      tell(tunnel.become(TunnelState.LEAVING, status.gateway(), drain.detail()));
    }
    act();
  }

  private void discovered(AgentTunnel tunnel, Frame.Discovery discovery) {
    if (tunnels.get(tunnel.lease()) != tunnel) {
      return;
    }
    leases.discovered(tunnel.lease(), discovery, System.nanoTime());
    log.atDebug()
        .addKeyValue("version", discovery.version())
        .addKeyValue("complete", discovery.complete())
        .addKeyValue("gateways", discovery.gateways().size())
        .log("tunnel.discovery");
    if (leases.unheeded() > unheeded) {
      if (unheeded == 0) {
        log.atWarn()
            .addKeyValue("session", settings.session())
            .addKeyValue("limit", Leases.MAX_KNOWN)
            .addKeyValue("reason", "more gateways were named than an agent remembers")
            .log("discovery.too-many");
      }
      unheeded = leases.unheeded();
    }
    act();
  }

  private Optional<DirectAddress> judge(String advertised) {
    GatewayRules.Judgement judgement = settings.gatewayRules().judge(advertised, behind);
    if (judgement instanceof GatewayRules.Allowed allowed) {
      return Optional.of(allowed.address());
    }
    if (refused.size() < MAX_TOLD && refused.add(advertised)) {
      log.atWarn()
          .addKeyValue("session", settings.session())
          .addKeyValue("address", advertised)
          .addKeyValue("reason", ((GatewayRules.Refused) judgement).reason())
          .log("discovery.address-refused");
    }
    return Optional.empty();
  }

  private void over(AgentTunnel tunnel, String reason, Leases.Ending result) {
    if (tunnels.remove(tunnel.lease()) != tunnel) {
      return;
    }
    TunnelStatus was = tunnel.status();
    long now = System.nanoTime();
    leases.over(tunnel.lease(), result, now);
    Optional<Duration> next = ending == null ? leases.untilDial(now) : Optional.empty();
    if (was.state() == TunnelState.CONNECTING) {
      tellFailure(was, reason, result, next);
    } else {
      boolean expected = was.state() == TunnelState.MOVED || ending != null;
      (expected ? log.atInfo() : log.atWarn())
          .addKeyValue("session", settings.session())
          .addKeyValue("gateway", was.gateway())
          .addKeyValue("address", was.dialled())
          .addKeyValue("epoch", was.epoch())
          .addKeyValue("connection", was.connection())
          .addKeyValue("reason", reason)
          .addKeyValue("next-try-ms", next.map(Duration::toMillis).orElse(null))
          .log(expected ? "tunnel.ended" : "tunnel.lost");
    }
    TunnelStatus after =
        tunnel.become(ending == null ? TunnelState.WAITING : TunnelState.CLOSED, "", reason);
    last = after;
    shown = List.copyOf(tunnels.values());
    tell(after);
    act();
  }

  private void tellFailure(
      TunnelStatus was, String reason, Leases.Ending result, Optional<Duration> next) {
    if (told.size() >= MAX_TOLD) {
      told.clear();
    }
    boolean first = told.add(was.dialled() + " " + reason);
    (first ? log.atWarn() : log.atDebug())
        .addKeyValue("session", settings.session())
        .addKeyValue("address", was.dialled())
        .addKeyValue("reason", reason)
        .addKeyValue("next-try-ms", next.map(Duration::toMillis).orElse(null))
        .log(result.waitingHeals() ? "tunnel.failed" : "tunnel.unwelcome");
  }

  private void tell(TunnelStatus status) {
    try {
      listener.changed(status);
    } catch (RuntimeException e) {
      // Its fault must not become the tunnel's.
      log.atError().setCause(e).addKeyValue("state", status.state()).log("tunnel.listener-failed");
    }
  }

  // ---- the end ----

  /**
   * Takes no new streams and dials no more; running streams may end. The future completes when all
   * tunnels are gone, or the time is over and they were ended.
   */
  public Future<Void> drain(Duration limit) {
    Promise<Void> drained = home.newPromise();
    home.execute(
        () -> {
          if (ending == null) {
            ending = PoolState.DRAINING;
          }
          for (AgentTunnel tunnel : List.copyOf(tunnels.values())) {
            TunnelStatus status = tunnel.status();
            if (status.state() == TunnelState.CONNECTING) {
              tunnel.close("the agent goes");
            } else {
              tunnel.move("the agent goes", Optional.of(limit));
              tell(tunnel.become(TunnelState.MOVED, status.gateway(), status.reason()));
            }
          }
          act();
          whenGone(drained);
        });
    return drained;
  }

  /** Ends all tunnels. The future completes when their connections are closed. */
  public Future<Void> close() {
    Promise<Void> closed = home.newPromise();
    home.execute(
        () -> {
          boolean first = ending != PoolState.CLOSED;
          ending = PoolState.CLOSED;
          for (AgentTunnel tunnel : tunnels.values()) {
            tunnel.close("the agent was stopped");
          }
          for (AgentTunnel tunnel : goodbyes) {
            tunnel.close("the agent was stopped");
          }
          whenGone(closed);
          for (AgentTunnel tunnel : tunnels.values()) {
            last = tunnel.become(TunnelState.CLOSED, "", tunnel.status().reason());
          }
          tunnels.clear();
          act();
          last = closed(last);
          if (first) {
            tell(last);
          }
        });
    return closed;
  }

  private static TunnelStatus closed(TunnelStatus status) {
    return new TunnelStatus(
        TunnelState.CLOSED,
        status.address(),
        status.direct(),
        "",
        status.connection(),
        status.epoch(),
        status.reason(),
        status.since(),
        0,
        -1,
        status.receivedBytes(),
        status.sentBytes());
  }

  private void whenGone(Promise<Void> promise) {
    List<AgentTunnel> all = new ArrayList<>(tunnels.values());
    all.addAll(goodbyes);
    int[] left = {all.size()};
    if (left[0] == 0) {
      promise.setSuccess(null);
    }
    for (AgentTunnel tunnel : all) {
      tunnel
          .gone()
          .addListener(
              done ->
                  home.execute(
                      () -> {
                        if (--left[0] == 0) {
                          promise.setSuccess(null);
                        }
                      }));
    }
  }

  // ---- what the tunnels tell, on their loops ----

  private final AgentTunnel.Owner events =
      new AgentTunnel.Owner() {
        @Override
        public void answered(AgentTunnel tunnel, String gateway) {
          home.execute(() -> TunnelPool.this.answered(tunnel, gateway));
        }

        @Override
        public void welcomed(AgentTunnel tunnel, String gateway) {
          home.execute(() -> TunnelPool.this.welcomed(tunnel, gateway));
        }

        @Override
        public void drained(AgentTunnel tunnel, Frame.Drain drain) {
          home.execute(() -> TunnelPool.this.drained(tunnel, drain));
        }

        @Override
        public void discovered(AgentTunnel tunnel, Frame.Discovery discovery) {
          home.execute(() -> TunnelPool.this.discovered(tunnel, discovery));
        }

        @Override
        public void over(AgentTunnel tunnel, String reason, Leases.Ending result) {
          home.execute(() -> TunnelPool.this.over(tunnel, reason, result));
        }
      };
}

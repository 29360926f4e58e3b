package dev.warren.agent.pool;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.ConnectAttempt;
import dev.warren.agent.connect.ConnectOutcome;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.agent.reconnect.Reconnect;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One tunnel of the pool, through all its connections. Lives on one event loop, and so do all its
 * streams and their targets' connections.
 *
 * <pre>
 * connecting -WELCOME-> up -lost-> connecting or waiting
 * connecting -failed-> waiting -time-> connecting
 * any -close-> closed
 * </pre>
 */
final class AgentTunnel {
  /** Different failures that are told once each during an outage; then all are told again. */
  static final int MAX_TOLD = 64;

  private static final Logger log = LoggerFactory.getLogger(AgentTunnel.class);

  private final AgentSettings settings;
  private final EventLoop loop;
  private final Instance instance;
  private final GatewayConnector connector;
  private final TargetDialer dialer;
  private final CreditBudget budget;
  private final MuxSettings muxSettings;
  private final Reconnect reconnect;
  private final TunnelListener listener;

  private final Set<String> told = new HashSet<>(); // failures since the tunnel was up last

  private volatile TunnelStatus status;
  private GatewayAddress address;
  private ConnectAttempt attempt;
  private TunnelHandler tunnel;
  private Future<?> waiting;
  private long connection;
  private String gateway = "";
  private String reason = "";

  AgentTunnel(
      AgentSettings settings,
      EventLoop loop,
      Instance instance,
      GatewayConnector connector,
      TargetDialer dialer,
      CreditBudget budget,
      RandomGenerator random,
      TunnelListener listener) {
    this.settings = settings;
    this.loop = loop;
    this.instance = instance;
    this.connector = connector;
    this.dialer = dialer;
    this.budget = budget;
    this.muxSettings =
        new MuxSettings(
            new Frame.Limits(
                MuxSettings.DEFAULT_MAX_DATA_BYTES,
                settings.maxOpenStreams(),
                settings.maxPendingDials()),
            settings.heartbeat(),
            settings.connectLimit(),
            MuxSettings.DEFAULT.quantum());
    this.reconnect = new Reconnect(settings.reconnect(), settings.gateways().size(), random);
    this.listener = listener;
    this.address = settings.gateways().get(0);
    this.status = statusAs(TunnelState.CONNECTING);
  }

  /** From any thread. */
  TunnelStatus status() {
    return status;
  }

  void start() {
    next(reconnect.first());
  }

  private void next(Reconnect.Try next) {
    address = settings.gateways().get(next.address());
    if (next.delay().isZero()) {
      connect();
      return;
    }
    waiting = loop.schedule(this::connect, next.delay().toNanos(), TimeUnit.NANOSECONDS);
    become(TunnelState.WAITING);
  }

  private void connect() {
    waiting = null;
    if (status.state() == TunnelState.CLOSED) {
      return;
    }
    attempt = connector.connect(address, loop, this::answered);
    become(TunnelState.CONNECTING);
  }

  private void answered(ConnectOutcome outcome) {
    attempt = null;
    if (outcome instanceof ConnectOutcome.Connected connected) {
      introduce(connected.channel());
    } else if (outcome instanceof ConnectOutcome.Refused refused) {
      failed(
          "HTTP " + refused.status() + " " + refused.reason(),
          refused.retryAfter(),
          refused.waitingHeals());
    } else if (outcome instanceof ConnectOutcome.Failed failed) {
      failed(failed.stage() + ": " + failed.reason(), Duration.ZERO, true);
    }
  }

  /** The gateway speaks our protocol: says who we are. */
  private void introduce(Channel channel) {
    connection = instance.nextConnection();
    TunnelHandler handler = new TunnelHandler(Mux.Side.DIALLED, muxSettings, budget, Events::new);
    tunnel = handler;
    handler
        .mux()
        .start(
            new Frame.Hello(
                Mux.VERSION,
                Mux.VERSION,
                List.of(),
                settings.session().toString(),
                instance.id(),
                connection,
                muxSettings.limits(),
                (int) settings.heartbeat().toMillis(),
                instance.rank(),
                settings.software(),
                new byte[0]));
    Tunnels.install(channel.pipeline(), handler, settings.logFrames());
  }

  private void welcomed(TunnelHandler handler, Frame.Welcome welcome) {
    if (!welcome.session().equals(settings.session().toString())) {
      handler
          .mux()
          .goAway(
              FaultCode.PROTOCOL,
              "WELCOME for session "
                  + welcome.session()
                  + " (expected: "
                  + settings.session()
                  + ")",
              0);
      return;
    }
    instance.ranked(welcome.rank());
    gateway = welcome.gateway();
    reason = "";
    told.clear();
    reconnect.up(System.nanoTime());
    log.atInfo()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateway", gateway)
        .addKeyValue("address", address)
        .addKeyValue("epoch", welcome.rank().epoch())
        .addKeyValue("connection", connection)
        .log("tunnel.up");
    become(TunnelState.UP);
  }

  private void ended(TunnelHandler handler, FaultCode code, String detail, int retryAfterMillis) {
    if (handler != tunnel) {
      return;
    }
    tunnel = null;
    if (status.state() == TunnelState.CLOSED) {
      return;
    }
    Duration retryAfter = Duration.ofMillis(retryAfterMillis);
    if (status.state() != TunnelState.UP) {
      failed(code + ": " + detail, retryAfter, code != FaultCode.UNAUTHORIZED);
      return;
    }
    reason = code + ": " + detail;
    Reconnect.Try next = reconnect.afterLoss(System.nanoTime(), retryAfter);
    log.atWarn()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateway", gateway)
        .addKeyValue("address", address)
        .addKeyValue("epoch", instance.rank().epoch())
        .addKeyValue("connection", connection)
        .addKeyValue("reason", reason)
        .addKeyValue("next-try-ms", next.delay().toMillis())
        .log("tunnel.lost");
    gateway = "";
    next(next);
  }

  private void failed(String why, Duration retryAfter, boolean waitingHeals) {
    reason = why;
    Reconnect.Try next = reconnect.afterFailure(System.nanoTime(), retryAfter, waitingHeals);
    if (told.size() >= MAX_TOLD) {
      told.clear();
    }
    boolean first = told.add(address + " " + why);
    (first ? log.atWarn() : log.atDebug())
        .addKeyValue("session", settings.session())
        .addKeyValue("address", address)
        .addKeyValue("reason", why)
        .addKeyValue("next-try-ms", next.delay().toMillis())
        .log(waitingHeals ? "tunnel.failed" : "tunnel.unwelcome");
    next(next);
  }

  /**
   * Ends the tunnel and all its streams, and tells the gateway. To be called on the loop.
   *
   * @return the connection to the gateway, to wait for its end; null where there is none
   */
  Channel close() {
    if (status.state() == TunnelState.CLOSED) {
      return null;
    }
    TunnelHandler open = tunnel;
    gateway = "";
    become(TunnelState.CLOSED);
    if (waiting != null) {
      waiting.cancel(false);
    }
    if (attempt != null) {
      attempt.cancel();
    }
    if (open == null) {
      return null;
    }
    open.mux().goAway(FaultCode.SHUTDOWN, "the agent was stopped", 0);
    open.sendSoon();
    return open.channel();
  }

  private void become(TunnelState state) {
    status = statusAs(state);
    try {
      listener.changed(status);
    } catch (RuntimeException e) {
      // Its fault must not become the tunnel's.
      log.atError().setCause(e).addKeyValue("state", state).log("tunnel.listener-failed");
    }
  }

  private TunnelStatus statusAs(TunnelState state) {
    return new TunnelStatus(state, address, gateway, connection, instance.rank().epoch(), reason);
  }

  /** What one connection's Mux tells; an earlier connection's may come late. */
  private final class Events implements MuxEvents {
    private final TunnelHandler handler;

    private Events(TunnelHandler handler) {
      this.handler = handler;
    }

    @Override
    public void hello(Frame.Hello hello) {
      throw new IllegalStateException("the Mux of the side that dialled takes no HELLO");
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {
      AgentTunnel.this.welcomed(handler, welcome);
    }

    @Override
    public void opening(Opening opening) {
      IncomingStream.accept(opening, settings.session(), handler, dialer);
    }

    @Override
    public void drain(Frame.Drain drain) {
      log.atInfo()
          .addKeyValue("session", settings.session())
          .addKeyValue("gateway", gateway)
          .addKeyValue("deadline-ms", drain.deadlineMillis())
          .addKeyValue("reason", drain.detail())
          .log("tunnel.draining");
    }

    @Override
    public void discovery(Frame.Discovery discovery) {
      log.atDebug()
          .addKeyValue("version", discovery.version())
          .addKeyValue("gateways", discovery.gateways().size())
          .log("tunnel.discovery");
    }

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      AgentTunnel.this.ended(handler, code, detail, retryAfterMillis);
    }
  }
}

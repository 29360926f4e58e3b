package dev.warren.agent.pool;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.ConnectAttempt;
import dev.warren.agent.connect.ConnectOutcome;
import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.RemoteDialerHandler;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.remotedialer.Interpreter;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One tunnel of the pool: one dial, and the connection it became. Lives on one event loop, and so
 * do all its streams and their targets' connections. What it is to the pool it is told; what
 * happens to it, it tells its {@link Owner}, once each and on its loop.
 */
final class AgentTunnel {
  /** How often a tunnel that goes is looked at, whether its streams have ended. */
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  /** What all tunnels of a pool share. */
  record Shared(
      AgentSettings settings,
      Instance instance,
      GatewayConnector connector,
      TargetDialer dialer,
      CreditBudget budget) {
    MuxSettings mux() {
      MuxSettings wished = wished();
      return settings.upgrade().isRemoteDialer() ? Interpreter.settings(wished) : wished;
    }

    private MuxSettings wished() {
      return new MuxSettings(
          new Frame.Limits(
              MuxSettings.DEFAULT_MAX_DATA_BYTES,
              settings.maxOpenStreams(),
              settings.maxPendingDials()),
          settings.heartbeat(),
          settings.connectLimit(),
          MuxSettings.DEFAULT.quantum());
    }
  }

  /** Who keeps the tunnel; told on the tunnel's loop. */
  interface Owner {
    /** A gateway has answered and said its name: {@link #introduce}, {@link #park} or close. */
    void answered(AgentTunnel tunnel, String gateway);

    void welcomed(AgentTunnel tunnel, String gateway);

    void drained(AgentTunnel tunnel, Frame.Drain drain);

    void discovered(AgentTunnel tunnel, Frame.Discovery discovery);

    /** It is over, or never came up; unless {@link #close} or {@link #park} ended it. */
    void over(AgentTunnel tunnel, String reason, Leases.Ending ending);
  }

  private final Shared shared;
  private final EventLoop loop;
  private final long lease;
  private final GatewayAddress address;
  private final Optional<DirectAddress> direct;
  private final Owner owner;
  private final Promise<Void> gone;

  private volatile TunnelHandler handler; // set once
  private volatile TunnelStatus status;
  private ConnectAttempt attempt;
  private long connection;
  private boolean over;
  private boolean moving;

  AgentTunnel(
      Shared shared,
      EventLoop loop,
      long lease,
      GatewayAddress address,
      Optional<DirectAddress> direct,
      Owner owner) {
    this.shared = shared;
    this.loop = loop;
    this.lease = lease;
    this.address = address;
    this.direct = direct;
    this.owner = owner;
    this.gone = loop.newPromise();
    this.status =
        new TunnelStatus(
            TunnelState.CONNECTING,
            address,
            direct.map(DirectAddress::toString).orElse(""),
            "",
            0,
            shared.instance().rank().epoch(),
            "",
            Instant.now(),
            0,
            -1,
            0,
            0);
  }

  long lease() {
    return lease;
  }

  /** Completes when nothing of it is left. */
  Future<Void> gone() {
    return gone;
  }

  /** As it is now. From any thread. */
  TunnelStatus status() {
    TunnelStatus last = status;
    TunnelHandler open = handler;
    return open == null
        ? last
        : new TunnelStatus(
            last.state(),
            last.address(),
            last.direct(),
            last.gateway(),
            last.connection(),
            last.epoch(),
            last.reason(),
            last.since(),
            open.streams(),
            open.roundTripNanos(),
            open.receivedBytes(),
            open.sentBytes());
  }

  /** To be called by the owner's thread alone. */
  TunnelStatus become(TunnelState state, String gateway, String reason) {
    TunnelStatus last = status;
    status =
        new TunnelStatus(
            state,
            last.address(),
            last.direct(),
            gateway,
            connectionSeen,
            shared.instance().rank().epoch(),
            reason,
            state == last.state() ? last.since() : Instant.now(),
            0,
            -1,
            0,
            0);
    return status();
  }

  private volatile long connectionSeen;

  // ---- on the tunnel's loop ----

  /** Dials. From any thread, as all that follows. */
  void start() {
    loop.execute(
        () -> {
          if (over) {
            return;
          }
          attempt =
              direct.isPresent()
                  ? shared
                      .connector()
                      .connect(
                          address,
                          direct.get(),
                          shared.settings().gatewayRules(),
                          loop,
                          this::connected)
                  : shared.connector().connect(address, loop, this::connected);
        });
  }

  private void connected(ConnectOutcome outcome) {
    attempt = null;
    if (outcome instanceof ConnectOutcome.Connected upgraded) {
      TunnelHandler made =
          new TunnelHandler(Mux.Side.DIALLED, shared.mux(), shared.budget(), Events::new);
      handler = made;
      upgraded.channel().closeFuture().addListener(closed -> gone.trySuccess(null));
      if (shared.settings().upgrade().isRemoteDialer()) {
        beClient(upgraded.channel(), made);
      } else {
        Tunnels.install(upgraded.channel().pipeline(), made, shared.settings().logFrames());
      }
      if (upgraded.gateway().isEmpty()) {
        hello();
      } else {
        owner.answered(this, upgraded.gateway());
      }
    } else if (outcome instanceof ConnectOutcome.Refused refused) {
      failed(
          "HTTP " + refused.status() + " " + refused.reason(),
          new Leases.Ending(refused.retryAfter(), refused.status() == 409, refused.waitingHeals()));
    } else if (outcome instanceof ConnectOutcome.Failed failed) {
      failed(failed.stage() + ": " + failed.reason(), Leases.Ending.PLAIN);
    }
  }

  /** To a remotedialer server we are a client; an interpreter plays the gateway for us. */
  private void beClient(Channel channel, TunnelHandler made) {
    RemoteDialerHandler server =
        new RemoteDialerHandler(
            true,
            wire ->
                Interpreter.ofServer(
                    shared.mux(),
                    shared.budget(),
                    wire,
                    address.uri().getRawAuthority(),
                    System.nanoTime()));
    RemoteDialerHandler.install(channel.pipeline(), server, made, shared.settings().logFrames());
    server.begin();
  }

  private void failed(String reason, Leases.Ending ending) {
    over = true;
    gone.trySuccess(null);
    owner.over(this, reason, ending);
  }

  /** The gateway is one we want: says who we are. */
  void introduce() {
    loop.execute(this::hello);
  }

  private void hello() {
    if (over) {
      return;
    }
    AgentSettings settings = shared.settings();
    connection = shared.instance().nextConnection();
    connectionSeen = connection;
    handler
        .mux()
        .start(
            new Frame.Hello(
                Mux.VERSION,
                Mux.VERSION,
                List.of(),
                settings.session().toString(),
                shared.instance().id(),
                connection,
                shared.mux().limits(),
                (int) settings.heartbeat().toMillis(),
                shared.instance().rank(),
                settings.software(),
                new byte[0]));
    handler.sendSoon();
  }

  private void welcomed(Frame.Welcome welcome) {
    String session = shared.settings().session().toString();
    if (!welcome.session().equals(session)) {
      handler
          .mux()
          .goAway(
              FaultCode.PROTOCOL,
              "WELCOME for session " + welcome.session() + " (expected: " + session + ")",
              0);
      return;
    }
    shared.instance().ranked(welcome.rank());
    owner.welcomed(this, welcome.gateway());
  }

  /** Takes no new streams from now on, and ends when the running ones have. */
  void move(String why, Optional<Duration> limit) {
    loop.execute(
        () -> {
          if (over || handler == null) {
            return;
          }
          if (!moving) {
            moving = true;
            int millis =
                (int)
                    Math.min(
                        Integer.MAX_VALUE, limit.map(Duration::toMillis).orElse(Long.MAX_VALUE));
            handler.mux().drain(new Frame.Drain(millis, why));
            handler.sendSoon();
            // A little later: what crossed the DRAIN is to be refused, and not lost.
            loop.schedule(() -> endWhenIdle(why), LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
          }
          limit.ifPresent(
              time ->
                  loop.schedule(
                      () -> end(FaultCode.SHUTDOWN, why + ", and the time for streams is over"),
                      time.toMillis(),
                      TimeUnit.MILLISECONDS));
        });
  }

  private void endWhenIdle(String why) {
    if (over) {
      return;
    }
    if (handler.mux().streams() == 0) {
      end(FaultCode.SHUTDOWN, why);
    } else {
      loop.schedule(() -> endWhenIdle(why), LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void end(FaultCode code, String why) {
    if (!over) {
      handler.mux().goAway(code, why, 0);
      handler.sendSoon();
    }
  }

  /** Keeps the connection open for a while without a word, then closes it. */
  void park(Duration time) {
    loop.execute(
        () -> {
          over = true;
          loop.schedule(this::closeChannel, time.toMillis(), TimeUnit.MILLISECONDS);
        });
  }

  /** Ends the tunnel and all its streams, and tells the gateway; the owner is told nothing more. */
  void close(String why) {
    loop.execute(
        () -> {
          boolean greeted = connection > 0;
          if (attempt != null) {
            attempt.cancel();
          }
          if (handler == null) {
            over = true;
            gone.trySuccess(null);
          } else if (over || !greeted) {
            over = true;
            closeChannel();
          } else {
            over = true;
            handler.mux().goAway(FaultCode.SHUTDOWN, why, 0);
            handler.sendSoon();
          }
        });
  }

  private void closeChannel() {
    Channel channel = handler.channel();
    if (channel.isOpen()) {
      channel.close();
    }
  }

  /** What the Mux tells. */
  private final class Events implements MuxEvents {
    private final TunnelHandler made;

    private Events(TunnelHandler made) {
      this.made = made;
    }

    @Override
    public void hello(Frame.Hello hello) {
      throw new IllegalStateException("the Mux of the side that dialled takes no HELLO");
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {
      AgentTunnel.this.welcomed(welcome);
    }

    @Override
    public void opening(Opening opening) {
      IncomingStream.accept(opening, shared.settings().session(), made, shared.dialer());
    }

    @Override
    public void drain(Frame.Drain drain) {
      owner.drained(AgentTunnel.this, drain);
    }

    @Override
    public void discovery(Frame.Discovery discovery) {
      owner.discovered(AgentTunnel.this, discovery);
    }

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      if (over) {
        return;
      }
      over = true;
      owner.over(
          AgentTunnel.this,
          code + ": " + detail,
          new Leases.Ending(
              Duration.ofMillis(retryAfterMillis),
              // Both concern the session: the other gateways would only hear of it a moment later.
              code == FaultCode.SUPERSEDED || code == FaultCode.CLOSED_BY_ORDER,
              code != FaultCode.UNAUTHORIZED));
    }
  }
}

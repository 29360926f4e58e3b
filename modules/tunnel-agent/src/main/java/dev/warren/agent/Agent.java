package dev.warren.agent;

import dev.warren.agent.connect.ClientTls;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.connect.TokenSource;
import dev.warren.agent.dial.RefusalLog;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.agent.net.HostText;
import dev.warren.agent.net.Names;
import dev.warren.agent.net.SystemNames;
import dev.warren.agent.net.Transport;
import dev.warren.agent.pool.PoolStatus;
import dev.warren.agent.pool.TunnelListener;
import dev.warren.agent.pool.TunnelPool;
import dev.warren.agent.pool.TunnelState;
import dev.warren.agent.pool.TunnelStatus;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running agent: it keeps its tunnels to gateways up until it is closed, through every outage.
 * All its threads are daemons; a program that has nothing else to do waits for {@link #closed}.
 */
public final class Agent implements AutoCloseable {
  /** How long {@link #close} waits for the goodbye to the gateway. */
  public static final Duration GOODBYE = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(Agent.class);

  private final AgentSettings settings;
  private final EventLoopGroup loops;
  private final Names names;
  private final TargetDialer dialer;
  private final TunnelPool pool;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<TunnelStatus> firstUp = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /**
   * Starts an agent. A gateway that cannot be reached is no failure of the start: the agent goes on
   * trying.
   *
   * @throws IllegalArgumentException where a file of the settings cannot be used; the message names
   *     it
   */
  public static Agent start(AgentSettings settings) {
    return start(settings, status -> {});
  }

  /**
   * Starts an agent that somebody watches.
   *
   * @param listener told of every change of a tunnel's state
   */
  public static Agent start(AgentSettings settings, TunnelListener listener) {
    Transport transport = Transport.best();
    return start(settings, listener, transport, new SystemNames(transport));
  }

  static Agent start(
      AgentSettings settings, TunnelListener listener, Transport transport, Names names) {
    ClientTls tls = new ClientTls(settings.caFile());
    checkFiles(settings, tls);
    warnOfPlainTokens(settings);
    Agent agent = new Agent(settings, listener, transport, names, tls);
    log.atInfo()
        .addKeyValue("session", settings.session())
        .addKeyValue("gateways", settings.gateways())
        .addKeyValue("allow", settings.allow())
        .addKeyValue("transport", transport.name())
        .log("agent.started");
    agent.pool.start();
    return agent;
  }

  private Agent(
      AgentSettings settings,
      TunnelListener listener,
      Transport transport,
      Names names,
      ClientTls tls) {
    this.settings = settings;
    this.names = names;
    this.loops = transport.eventLoops(settings.eventLoops());
    this.dialer =
        new TargetDialer(
            transport,
            names,
            settings.allow(),
            new RefusalLog(),
            settings.dialTimeout(),
            settings.maxPendingDials());
    GatewayConnector connector =
        new GatewayConnector(
            transport,
            names,
            settings.proxies(),
            tls,
            settings.session(),
            settings.token(),
            settings.connectLimit(),
            settings.software(),
            settings.upgrade());
    this.pool =
        new TunnelPool(
            settings,
            loops,
            connector,
            dialer,
            new SecureRandom(),
            status -> {
              if (status.state() == TunnelState.UP) {
                firstUp.complete(status);
              }
              listener.changed(status);
            });
  }

  /** What can be found out now should not be found out in the log later. */
  private static void checkFiles(AgentSettings settings, ClientTls tls) {
    try {
      settings.token().token();
      if (settings.caFile().isPresent()) {
        tls.load();
      }
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private static void warnOfPlainTokens(AgentSettings settings) {
    if (settings.token() == TokenSource.NONE) {
      return;
    }
    for (GatewayAddress gateway : settings.gateways()) {
      HostText host = HostText.of(gateway.host());
      boolean here =
          (host instanceof HostText.Name name && name.isLocalhost())
              || (host instanceof HostText.Address literal
                  && literal.address().isLoopbackAddress());
      if (!gateway.tls() && !here) {
        log.atWarn()
            .addKeyValue("address", gateway)
            .addKeyValue("reason", "the token and all traffic are readable on the way; use wss://")
            .log("agent.plain");
      }
    }
  }

  public AgentSettings settings() {
    return settings;
  }

  /** The tunnel that says most about how the agent is: one that is up, where there is one. */
  public TunnelStatus tunnel() {
    return pool.status();
  }

  /** All tunnels as they are now, those on their way included. */
  public List<TunnelStatus> tunnels() {
    return pool.pool().tunnels();
  }

  /** The pool as it is now: its tunnels, and the gateways it knows. */
  public PoolStatus pool() {
    return pool.pool();
  }

  /**
   * Completes when a gateway has accepted the agent for the first time, or it was closed before.
   */
  public CompletableFuture<TunnelStatus> firstUp() {
    return firstUp.copy();
  }

  /** Completes when the agent is closed and nothing of it is left. */
  public CompletableFuture<Void> closed() {
    return closed.copy();
  }

  /** Targets that are being dialled now. */
  public int pendingDials() {
    return dialer.pending();
  }

  /**
   * Takes no new streams and waits for the running ones to end; gateways offer new dials to other
   * agents of this id, or refuse them. {@link #close} is to follow.
   *
   * @param limit how long streams may go on; then they are reset
   * @return false where the thread was interrupted meanwhile
   */
  public boolean drain(Duration limit) {
    log.atInfo()
        .addKeyValue("session", settings.session())
        .addKeyValue("limit-ms", limit.toMillis())
        .log("agent.draining");
    try {
      // Half a second more than the streams have, for the last words.
      pool.drain(limit).await(limit.toMillis() + 500);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Says goodbye to the gateways, ends all streams, and waits until nothing is left, but not for
   * long. Called on one of the agent's own threads, it does not wait.
   */
  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      // The goodbye may find nobody who listens.
      loops.next().schedule(this::stop, GOODBYE.toMillis(), TimeUnit.MILLISECONDS);
      pool.close().addListener(done -> stop());
    }
    for (EventExecutor loop : loops) {
      if (loop.inEventLoop()) {
        return;
      }
    }
    closed.join();
  }

  private void stop() {
    if (loops.isShuttingDown()) {
      return;
    }
    names.close(); // its sockets live on the loops
    loops
        .shutdownGracefully(0, GOODBYE.toMillis(), TimeUnit.MILLISECONDS)
        .addListener(
            done -> {
              firstUp.cancel(false);
              log.atInfo().addKeyValue("session", settings.session()).log("agent.closed");
              closed.complete(null);
            });
  }
}

package dev.warren.gateway;

import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.TokenFileAuthorizer;
import dev.warren.gateway.admin.AdminServer;
import dev.warren.gateway.admin.GatewayOperations;
import dev.warren.gateway.admin.GatewayStatus;
import dev.warren.gateway.admin.SessionFeed;
import dev.warren.gateway.check.Checker;
import dev.warren.gateway.dial.DialAcceptor;
import dev.warren.gateway.http.CallerLimits;
import dev.warren.gateway.http.HttpPipeline;
import dev.warren.gateway.http.HttpServices;
import dev.warren.gateway.http.HttpSettings;
import dev.warren.gateway.http.Readiness;
import dev.warren.gateway.http.TargetTls;
import dev.warren.gateway.net.ProxyProtocol;
import dev.warren.gateway.tls.ServerTls;
import dev.warren.gateway.tunnel.Admission;
import dev.warren.gateway.tunnel.TunnelAcceptor;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.dial.DialCounters;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.dial.PresenceLookup;
import dev.warren.peer.dial.Router;
import dev.warren.peer.dial.RouterSettings;
import dev.warren.peer.link.HolderCounts;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.peer.tls.HandshakeRefusals;
import dev.warren.peer.watch.FileWatch;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.channel.EpollLoops;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One gateway: its event loops, its front, and the tunnels that agents hold to it. */
public final class Gateway implements AutoCloseable {
  /** What it calls itself in WELCOME. */
  public static final String SOFTWARE = "warren-gateway";

  /** How long {@link #close} waits for what is under way, the cluster not counted. */
  private static final Duration CLOSE_WITHIN = Duration.ofSeconds(3);

  /** How often sessions that are gone for too long are looked for. */
  private static final Duration FORGET_EVERY = Duration.ofMinutes(1);

  /** What the key is for by which fencing ranks are made and known. */
  private static final String RANKS = "ranks";

  private static final long LEAST_RELAY_BYTES = 1L << 20;

  private static final long DRAIN_LOOK_MILLIS = 50;

  private static final int BACKLOG = 4_096;
  private static final Logger log = LoggerFactory.getLogger(Gateway.class);

  /** What waits in a caller's connection before its target is no longer read (bytes). */
  private static final WriteBufferWaterMark CALLER_QUEUE =
      new WriteBufferWaterMark(64 * 1024, 128 * 1024);

  private final FileWatch watch;
  private final EventLoopGroup loops;
  private final Channel listener;
  private final ChannelGroup connections;
  private final RouteTable table;
  private final Router router;
  private final Peers peers;
  private final TunnelAcceptor acceptor;
  private final CreditBudget budget;
  private final AdminServer admin;
  private final SessionFeed feed;
  private final Optional<Checker> checker;
  private final State state;
  private final GatewaySettings.Drain drain;
  private final AtomicBoolean draining = new AtomicBoolean();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Ready from the bound listener on, until close. */
  private static final class State implements Readiness {
    private volatile boolean ready;
    private volatile boolean draining;

    @Override
    public boolean ready() {
      return ready;
    }

    @Override
    public boolean draining() {
      return draining;
    }
  }

  private Gateway(
      FileWatch watch,
      EventLoopGroup loops,
      Channel listener,
      ChannelGroup connections,
      RouteTable table,
      Router router,
      Peers peers,
      TunnelAcceptor acceptor,
      CreditBudget budget,
      AdminServer admin,
      SessionFeed feed,
      Optional<Checker> checker,
      State state,
      GatewaySettings.Drain drain) {
    this.watch = watch;
    this.loops = loops;
    this.listener = listener;
    this.connections = connections;
    this.table = table;
    this.router = router;
    this.peers = peers;
    this.acceptor = acceptor;
    this.budget = budget;
    this.admin = admin;
    this.feed = feed;
    this.checker = checker;
    this.state = state;
    this.drain = drain;
  }

  /** As {@link #start(GatewaySettings, boolean)}, without a frame log. */
  public static Gateway start(GatewaySettings settings) throws IOException {
    return start(settings, false);
  }

  /**
   * Starts a gateway; when this returns it takes agents and callers.
   *
   * @param logFrames whether the headers of all frames are logged
   * @throws IllegalArgumentException where a file that the settings name is missing or wrong
   * @throws IOException where the address cannot be bound
   */
  public static Gateway start(GatewaySettings settings, boolean logFrames) throws IOException {
    FileWatch watch = FileWatch.start();
    EventLoopGroup loops = null;
    Peers peers = null;
    try {
      // Everything that may be refused comes before the first thread.
      Authorizer authorizer = TokenFileAuthorizer.of(settings.tokens(), watch);
      ServerTls tls =
          settings.tls().enabled()
              ? ServerTls.of(
                  settings.tls().certificate().orElseThrow(),
                  settings.tls().key().orElseThrow(),
                  settings.limits().handshakeTimeout(),
                  watch)
              : null;
      Optional<Authorizer> operators =
          settings.admin().map(admin -> TokenFileAuthorizer.ofOperators(admin.tokens(), watch));
      if (settings.admin().isPresent()) {
        AdminServer.check(settings.admin().get());
      }
      TargetTls targetTls = targetTls(settings.targets());
      GatewayIdentity identity = new GatewayIdentity(settings.id(), Incarnation.random());
      ClusterTls clusterTls =
          settings.cluster().isPresent()
              ? ClusterTls.start(
                  settings.cluster().get().tokenFile(),
                  identity,
                  watch,
                  InstantSource.system(),
                  new HandshakeRefusals(InstantSource.system()))
              : null;
      RouteTable table =
          new RouteTable(
              identity,
              settings.sessions().duplicates(),
              clusterTls == null
                  ? Ranks.ofOneGateway()
                  : new Ranks(() -> clusterTls.keys(RANKS), identity.incarnation().high()),
              System::nanoTime);
      // What streams hold that only pass through is a part of what all streams may hold.
      long relayed = clusterTls == null ? 0 : settings.memoryBudgetBytes() / 4;
      CreditBudget budget = new CreditBudget(settings.memoryBudgetBytes() - relayed);
      RelayBudget relayBudget = RelayBudget.ofNode(Math.max(relayed, LEAST_RELAY_BYTES));
      CheckResults checks = new CheckResults(System::nanoTime);
      State state = new State();

      loops = eventLoops(settings.eventLoops());
      if (clusterTls != null) {
        peers =
            Peers.start(settings, identity, clusterTls, loops, table, checks, budget, logFrames);
      }
      Router router =
          new Router(
              settings.id(),
              table,
              peers == null ? PeerPaths.NONE : peers.links(),
              peers == null ? PresenceLookup.NONE : peers::presence,
              RouterSettings.DEFAULT.withReattachGrace(settings.sessions().reattachGrace()));
      if (peers != null) {
        peers.links().onLinkUp(router::linkUp);
      }
      TunnelAcceptor acceptor =
          new TunnelAcceptor(
              settings.id(),
              SOFTWARE,
              authorizer,
              table,
              muxSettings(settings.limits()),
              budget,
              relayBudget,
              new Admission(
                  settings.agents().perSecond(),
                  settings.agents().perSecond(),
                  System::nanoTime,
                  new Random()),
              settings.limits().tunnels(),
              settings.agents().connectPaths(),
              logFrames);
      HttpSettings http = httpSettings(settings.limits());
      CallerLimits callers = new CallerLimits(http);
      DialAcceptor dials =
          new DialAcceptor(
              settings.id(),
              SOFTWARE,
              router,
              authorizer,
              callers,
              http,
              settings.proxies().trusted(),
              muxSettings(settings.limits()),
              budget,
              logFrames);
      HttpServices services =
          new HttpServices(
              settings.id(),
              router,
              authorizer,
              http,
              state,
              acceptor,
              dials,
              settings.proxies().trusted(),
              targetTls,
              callers);
      ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
      loops
          .next()
          .scheduleWithFixedDelay(
              () -> forgetOld(table, checks),
              FORGET_EVERY.toSeconds(),
              FORGET_EVERY.toSeconds(),
              TimeUnit.SECONDS);
      Channel listener = bind(settings, loops, tls, services, connections);
      state.ready = true;
      log.atInfo()
          .addKeyValue("gateway", settings.id())
          .addKeyValue("listen", listener.localAddress())
          .addKeyValue("tls", settings.tls().enabled())
          .addKeyValue("agentTokens", settings.tokens().agents().isPresent())
          .addKeyValue("callerTokens", settings.tokens().callers().isPresent())
          .log("gateway.ready");
      if (peers != null) {
        peers.startControl(settings, identity, table);
      }
      GatewayStatus status =
          new GatewayStatus(
              identity,
              Instant.ofEpochMilli(System.currentTimeMillis()),
              state,
              (InetSocketAddress) listener.localAddress(),
              table,
              router,
              budget,
              relayBudget,
              Optional.ofNullable(peers).map(Peers::links),
              Optional.ofNullable(clusterTls).map(ClusterTls::refusals),
              Optional.ofNullable(peers).map(Peers::control));
      // Last, and on a thread of its own: nobody who needs a stream shall wait for it.
      SessionFeed feed = SessionFeed.of(identity, table, checks, InstantSource.system());
      Optional<Checker> checker =
          settings.checks().checks().isEmpty()
              ? Optional.empty()
              : Optional.of(
                  Checker.start(identity, table, checks, settings.checks(), router, loops));
      CompletableFuture<Gateway> made = new CompletableFuture<>();
      AdminServer admin =
          operators
              .map(
                  authorizerOfOperators ->
                      admin(
                          settings,
                          authorizerOfOperators,
                          table,
                          checks,
                          status,
                          feed,
                          () -> made.thenAccept(Gateway::beginDrain)))
              .orElse(null);
      Gateway gateway =
          new Gateway(
              watch,
              loops,
              listener,
              connections,
              table,
              router,
              peers,
              acceptor,
              budget,
              admin,
              feed,
              checker,
              state,
              settings.drain());
      made.complete(gateway);
      return gateway;
    } catch (IOException | RuntimeException e) {
      watch.close();
      if (peers != null) {
        peers.close(Duration.ZERO);
      }
      if (loops != null) {
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      }
      throw e;
    }
  }

  private static AdminServer admin(
      GatewaySettings settings,
      Authorizer operators,
      RouteTable table,
      CheckResults checks,
      GatewayStatus status,
      SessionFeed feed,
      Runnable drain) {
    return AdminServer.start(
        settings.admin().orElseThrow(),
        operators,
        new GatewayOperations(
            status.identity(),
            table,
            checks,
            status.control(),
            status.links().<HolderCounts>map(links -> links).orElse(HolderCounts.NONE),
            status,
            feed,
            drain,
            InstantSource.system()));
  }

  private static void forgetOld(RouteTable table, CheckResults checks) {
    table.forgetOld();
    checks.forgetOld(
        session -> table.find(session).isOnline(),
        session -> table.find(session).isOnline() || table.find(session).offlineFor() != null);
  }

  private static EventLoopGroup eventLoops(int asked) {
    int threads = asked > 0 ? asked : Runtime.getRuntime().availableProcessors();
    return new MultiThreadIoEventLoopGroup(
        threads,
        new DefaultThreadFactory("warren-loop"),
        Epoll.isAvailable() ? EpollLoops.newFactory() : NioIoHandler.newFactory());
  }

  private static Channel bind(
      GatewaySettings settings,
      EventLoopGroup loops,
      ServerTls tls,
      HttpServices services,
      ChannelGroup connections)
      throws IOException {
    Class<? extends ServerChannel> kind =
        Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    var bound =
        new ServerBootstrap()
            .group(loops)
            .channel(kind)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, CALLER_QUEUE)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    connections.add(channel);
                    if (settings.proxies().acceptProxyProtocol()) {
                      ProxyProtocol.install(
                          channel.pipeline(),
                          settings.proxies().trusted(),
                          settings.limits().handshakeTimeout());
                    }
                    if (tls != null) {
                      channel.pipeline().addLast(tls.newHandler(channel.alloc()));
                    }
                    HttpPipeline.install(channel.pipeline(), services);
                  }
                })
            .bind(settings.listen())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "--listen: cannot bind " + settings.listen() + ": " + bound.cause().getMessage(),
          bound.cause());
    }
    return bound.channel();
  }

  private static MuxSettings muxSettings(GatewaySettings.Limits limits) {
    return new MuxSettings(
        new Frame.Limits(
            MuxSettings.DEFAULT_MAX_DATA_BYTES,
            limits.streamsPerTunnel(),
            Math.min(limits.pendingPerTunnel(), limits.streamsPerTunnel())),
        MuxSettings.DEFAULT.heartbeat(),
        limits.handshakeTimeout(),
        MuxSettings.DEFAULT.quantum());
  }

  private static HttpSettings httpSettings(GatewaySettings.Limits limits) {
    HttpSettings.Head head = HttpSettings.Head.DEFAULT;
    HttpSettings.Callers callers = HttpSettings.Callers.DEFAULT;
    return HttpSettings.DEFAULT
        .withHead(
            new HttpSettings.Head(
                head.maxUriBytes(),
                head.maxHeaderBytes(),
                head.maxHeaders(),
                limits.handshakeTimeout()))
        .withDialTimeout(limits.dialTimeout())
        .withCallers(
            new HttpSettings.Callers(
                limits.streamsPerCaller(),
                Math.min(callers.maxPendingDials(), limits.streamsPerCaller()),
                callers.maxPendingDialsInAll()));
  }

  private static TargetTls targetTls(GatewaySettings.Targets targets) {
    if (targets.insecure()) {
      return TargetTls.insecure();
    }
    return targets.ca().map(TargetTls::trusting).orElseGet(TargetTls::trustingTheJvm);
  }

  /** Where it listens; the port that was taken where 0 was asked for. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Where operators ask; fails where there is no such place. Complete some time after start. */
  public CompletionStage<InetSocketAddress> adminAddress() {
    return admin == null
        ? CompletableFuture.failedFuture(new IllegalStateException("no API for operators"))
        : admin.address();
  }

  /** How many sessions have a tunnel now, here or at another gateway. */
  public int sessions() {
    return table.online();
  }

  /** What became of the dials of this gateway. */
  public DialCounters.Snapshot dials() {
    return router.counters();
  }

  /** Connections of callers and agents that are open now. */
  public int connections() {
    return connections.size();
  }

  /** What is promised to senders as credit now (bytes). */
  public long creditInUse() {
    return budget.used();
  }

  /**
   * Goes without hurting anybody, in this order: not ready any more, and answers end their
   * connections, while the listener goes on taking them (load balancers need time to see it);
   * agents and peers are told, agents bring up a tunnel elsewhere, and the tunnels here are used
   * only where there is no other; then no new connections, and streams may end until the deadline;
   * then {@link #close}. A gateway that is alone closes at once: nobody could take over. Returns
   * when all that is over; a second call waits for the end of the first.
   *
   * @throws InterruptedException where the thread is interrupted; the gateway is not closed then
   */
  public void drain() throws InterruptedException {
    if (!draining.compareAndSet(false, true) || closing.get()) {
      awaitClosed();
      return;
    }
    if (peers == null) {
      close();
      return;
    }
    long start = System.nanoTime();
    long noticeOver = start + drain.notice().toNanos();
    long deadline = noticeOver + drain.timeout().toNanos();
    log.atInfo()
        .addKeyValue("notice", drain.notice())
        .addKeyValue("timeout", drain.timeout())
        .addKeyValue("tunnels", table.held())
        .log("gateway.draining");
    state.ready = false;
    state.draining = true;
    acceptor.close();
    peers.draining();
    Frame.Drain order =
        new Frame.Drain((int) TimeUnit.NANOSECONDS.toMillis(deadline - start), "the gateway goes");
    for (OwnTunnel tunnel : table.ownTunnels()) {
      tunnel.retire();
      tunnel.tell(order);
    }
    pauseUntil(noticeOver, () -> false);
    listener.close().awaitUninterruptibly();
    connections.forEach(HttpPipeline::endWhenIdle);
    pauseUntil(deadline, () -> streams() == 0 && connections.size() <= acceptor.tunnels());
    log.atInfo()
        .addKeyValue("streams", streams())
        .addKeyValue("tunnels", table.held())
        .addKeyValue("took", Duration.ofNanos(System.nanoTime() - start))
        .log("gateway.drained");
    close();
  }

  /**
   * Begins to {@link #drain} on a thread of its own, by an operator's order; {@link #closed} tells
   * when that is over. Where it drains already, or has closed, this does nothing.
   */
  public void beginDrain() {
    Thread thread =
        new Thread(
            () -> {
              try {
                drain();
              } catch (InterruptedException | RuntimeException e) {
                log.atError().setCause(e).log("gateway.drain-failed");
                close();
              }
            },
            "warren-drain");
    thread.setDaemon(true);
    thread.start();
  }

  /** Completes when the gateway has closed, whoever wanted that. */
  public CompletionStage<Void> closed() {
    return closed.copy();
  }

  private void awaitClosed() throws InterruptedException {
    try {
      closed.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("never fails", e);
    }
  }

  /** Streams of agents here, and of callers here over links. */
  private int streams() {
    int streams = peers.links().streams();
    for (OwnTunnel tunnel : table.ownTunnels()) {
      streams += tunnel.handler().streams();
    }
    return streams;
  }

  private static void pauseUntil(long deadline, BooleanSupplier over) throws InterruptedException {
    while (!over.getAsBoolean() && deadline - System.nanoTime() > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      Thread.sleep(Math.max(1, Math.min(DRAIN_LOOK_MILLIS, left)));
    }
  }

  /**
   * Stops, in this order: not ready any more, no new connections; agents are told, so that they
   * look for another gateway at once; what is under way ends with its connection. Returns when all
   * is closed: after 3 seconds at most, and 10 more where there is a cluster to leave. A second
   * call does nothing.
   */
  @Override
  public void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    try {
      closeAll();
    } finally {
      closed.complete(null);
    }
  }

  private void closeAll() {
    state.ready = false;
    state.draining = true;
    acceptor.close();
    feed.close();
    checker.ifPresent(Checker::close);
    CompletionStage<Void> adminClosed =
        admin == null ? CompletableFuture.completedFuture(null) : admin.close();
    long deadline = System.nanoTime() + CLOSE_WITHIN.toNanos();
    listener.close().awaitUninterruptibly(left(deadline));
    for (OwnTunnel tunnel : table.ownTunnels()) {
      tunnel.end(FaultCode.SHUTDOWN, "the gateway is going down", 0);
    }
    // The first turn ends the tunnels, the second tells the callers whose streams ran over them: a
    // body that only the connection's end would end must break, which a mere close would not show.
    turnOfLoops(deadline);
    turnOfLoops(deadline);
    if (peers != null) {
      peers.close(Duration.ofMillis(Math.min(500, left(deadline))));
    }
    connections.close().awaitUninterruptibly(left(deadline));
    loops
        .shutdownGracefully(0, left(deadline), TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(left(deadline));
    try {
      adminClosed.toCompletableFuture().get(left(deadline), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.atDebug().setCause(e).log("admin.left-behind"); // its threads are daemons
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    watch.close();
    log.atInfo().log("gateway.stopped");
  }

  /** Returns when all that was waiting for its turn on the event loops has had it. */
  private void turnOfLoops(long deadline) {
    List<Future<?>> turns = new ArrayList<>();
    for (EventExecutor loop : loops) {
      turns.add(loop.submit(() -> {}));
    }
    for (Future<?> turn : turns) {
      turn.awaitUninterruptibly(left(deadline));
    }
  }

  private static long left(long deadline) {
    return Math.max(100, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
  }
}

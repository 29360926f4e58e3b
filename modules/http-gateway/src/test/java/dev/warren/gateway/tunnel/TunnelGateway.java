package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.access.OpenAuthorizer;
import dev.warren.gateway.http.HttpPipeline;
import dev.warren.gateway.http.HttpServices;
import dev.warren.gateway.http.HttpSettings;
import dev.warren.gateway.http.Readiness;
import dev.warren.gateway.http.TargetTls;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.dial.PresenceLookup;
import dev.warren.peer.dial.Router;
import dev.warren.peer.dial.RouterSettings;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import dev.warren.session.DuplicatePolicy;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A gateway whose inside the test can see: one event loop, its sessions, its budget. */
final class TunnelGateway implements AutoCloseable {
  static final int MAX_TUNNELS = 10;

  private final CreditBudget budget;
  private final RouteTable table =
      new RouteTable(
          new GatewayIdentity("gateway", Incarnation.random()),
          DuplicatePolicy.NEWEST,
          Ranks.ofOneGateway(),
          System::nanoTime);
  private final StreamOpener opener =
      new Router(
          "gateway",
          table,
          PeerPaths.NONE,
          PresenceLookup.NONE,
          RouterSettings.DEFAULT.withReattachGrace(Duration.ofMillis(100)));
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final TunnelAcceptor acceptor;
  private final Channel listener;

  static TunnelGateway start() {
    return start(MuxSettings.DEFAULT);
  }

  static TunnelGateway start(MuxSettings settings) {
    return start(settings, 64L << 20);
  }

  static TunnelGateway start(MuxSettings settings, long budgetBytes) {
    return new TunnelGateway(settings, budgetBytes);
  }

  private TunnelGateway(MuxSettings settings, long budgetBytes) {
    budget = new CreditBudget(budgetBytes);
    acceptor =
        new TunnelAcceptor(
            "gateway",
            "test",
            new OpenAuthorizer(),
            table,
            settings,
            budget,
            RelayBudget.ofNode(16L << 20),
            new Admission(10_000, 10_000, System::nanoTime, new SplittableRandom()),
            MAX_TUNNELS,
            List.of("/v3/connect"),
            false);
    HttpServices services =
        new HttpServices(
            "gateway",
            opener,
            new OpenAuthorizer(),
            HttpSettings.DEFAULT,
            Readiness.ALWAYS,
            acceptor,
            TrustedProxies.NONE,
            TargetTls.trustingTheJvm());
    listener =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    HttpPipeline.install(channel.pipeline(), services);
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .syncUninterruptibly()
            .channel();
  }

  InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  StreamOpener opener() {
    return opener;
  }

  boolean isOffline(SessionKey session) {
    return table.find(session).offlineFor() != null;
  }

  /** Waits until so many tunnels are left, those in their handshake included. */
  void awaitTunnels(int count) {
    await("tunnels never became " + count, () -> acceptor.tunnels() == count);
  }

  long creditInUse() {
    return budget.used();
  }

  EventLoop tunnelLoop(SessionKey session) {
    return tunnel(session).handler().eventLoop();
  }

  private OwnTunnel tunnel(SessionKey session) {
    List<OwnTunnel> own = table.find(session).own();
    assertEquals(1, own.size());
    return own.get(0);
  }

  /**
   * Waits until nothing arrives over the tunnel any more: three looks in a row see the same count.
   */
  void awaitStalled(SessionKey session) {
    long[] last = {-1};
    int[] same = {0};
    await(
        "the tunnel never stalled",
        () -> {
          long now = tunnel(session).handler().receivedBytes();
          same[0] = now == last[0] && now > 0 ? same[0] + 1 : 0;
          last[0] = now;
          return same[0] >= 30;
        });
  }

  void awaitNoCredit() {
    await("credit is left: " + budget.used(), () -> budget.used() == 0);
  }

  /** Tells the agent that the gateway goes. */
  void drain(SessionKey session) {
    tunnel(session).retire();
    tunnel(session).tell(new Frame.Drain(20_000, "the gateway goes"));
  }

  void awaitOnline(SessionKey session) {
    await(session + " never came", () -> !table.find(session).own().isEmpty());
  }

  static void await(String otherwise, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, otherwise);
      LockSupport.parkNanos(10_000_000);
    }
  }

  @Override
  public void close() {
    listener.close().awaitUninterruptibly(2_000);
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5_000);
  }
}

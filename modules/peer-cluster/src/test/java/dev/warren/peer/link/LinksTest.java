package dev.warren.peer.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import com.google.protobuf.ByteString;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.control.Standing;
import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.dial.PresenceLookup;
import dev.warren.peer.dial.Router;
import dev.warren.peer.dial.RouterSettings;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.ScriptedTunnel;
import dev.warren.peer.wire.Acknowledged;
import dev.warren.peer.wire.Peering;
import dev.warren.peer.wire.Route;
import dev.warren.peer.wire.Routes;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.EventExecutor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Gateways that find each other on loopback, and tell each other of their tunnels. */
class LinksTest {
  private static final EventLoopGroup LOOPS =
      new MultiThreadIoEventLoopGroup(
          3, Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
  private static final EventLoopGroup AGENT_LOOPS =
      new MultiThreadIoEventLoopGroup(2, LocalIoHandler.newFactory());
  private static final Duration NEVER = Duration.ofHours(1);
  private static final SessionKey SESSION = SessionKey.of("bench-1");
  private static final StreamId INSTANCE = new StreamId(1, 1);

  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<String> logged = new CopyOnWriteArrayList<>();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          logged.add(event.getLevel() + " " + event.getMessage());
          if (event.getKeyValuePairs() != null) { // gateways of the test before may still end
            event.getKeyValuePairs().stream()
                .filter(pair -> pair.key.equals("peer"))
                .forEach(pair -> logged.add(event.getMessage() + " " + pair.value));
          }
        }
      };

  LinksTest() {
    appender.start();
    ((Logger) LoggerFactory.getLogger(Links.class)).addAppender(appender);
  }

  @AfterEach
  void closeAll() throws Exception {
    ((Logger) LoggerFactory.getLogger(Links.class)).detachAppender(appender);
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  @AfterAll
  static void stopLoops() {
    LOOPS.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    AGENT_LOOPS.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private TestGateway gateway(String id, long incarnation, InetSocketAddress... join)
      throws IOException {
    return opened(new TestGateway(LOOPS, id, incarnation, join));
  }

  private TestGateway gateway(
      String id, long incarnation, Duration lostAfter, InetSocketAddress... join)
      throws IOException {
    return opened(new TestGateway(LOOPS, id, incarnation, lostAfter, join));
  }

  private <T extends AutoCloseable> T opened(T closeable) {
    open.add(closeable);
    return closeable;
  }

  private static ScriptedTunnel attach(TestGateway gateway, String session) {
    ScriptedTunnel tunnel = new ScriptedTunnel(SessionKey.of(session));
    assertInstanceOf(
        RouteTable.Admission.Admitted.class,
        gateway.table.admit(
            tunnel, ScriptedTunnel.hello(tunnel.session(), StreamId.random(), 1, Frame.Rank.NONE)));
    gateway.table.welcomed(tunnel);
    return tunnel;
  }

  private static void awaitRoute(TestGateway at, String session, TestGateway holder) {
    TestGateway.await(
        at.identity + " has no route to " + session,
        () -> at.hasRoute(SessionKey.of(session), holder));
  }

  private static void awaitNoRoute(TestGateway at, String session, TestGateway holder) {
    TestGateway.await(
        at.identity + " still has a route to " + session,
        () -> !at.hasRoute(SessionKey.of(session), holder));
  }

  private static void awaitLinked(TestGateway one, TestGateway other) {
    TestGateway.await(
        one.identity + " and " + other.identity + " are not linked",
        () ->
            one.isLinkedTo(other)
                && other.isLinkedTo(one)
                && one.statusOf(other).complete()
                && other.statusOf(one).complete());
  }

  private void awaitLogged(String line) {
    TestGateway.await("not logged: " + line + ", but " + logged, () -> logged.contains(line));
  }

  // ---- finding each other ----

  @Test
  void gatewaysFindEachOtherFromOneAddressThatOneOfThemWasGiven() throws Exception {
    TestGateway first = gateway("g1", 5);
    TestGateway second = gateway("g2", 1, first.address());
    TestGateway third = gateway("g3", 9, first.address());
    awaitLinked(first, second);
    awaitLinked(first, third);
    awaitLinked(second, third);
  }

  @Test
  void aHolderSaysHowBusyItsTunnelsAreAndOneThatIsGoneIsMissing() throws Exception {
    TestGateway first = gateway("g1", 5);
    TestGateway second = gateway("g2", 1, first.address());
    awaitLinked(first, second);
    TunnelHandler handler =
        new TunnelHandler(
            Mux.Side.ACCEPTED, MuxSettings.DEFAULT, new CreditBudget(1 << 20), made -> null);
    ScriptedTunnel tunnel = new ScriptedTunnel(SESSION, handler);
    first.table.admit(tunnel, ScriptedTunnel.hello(SESSION, INSTANCE, 7, Frame.Rank.NONE));
    first.table.welcomed(tunnel);
    GatewayIdentity nobody = new GatewayIdentity("g9", new Incarnation(99, 99));
    assertEquals(
        Map.of(
            first.identity,
            List.of(
                new TunnelCounts(
                    new dev.warren.peer.route.Route.Key(SESSION, INSTANCE), 7, 0, 0, 0, 0))),
        second
            .links
            .ask(
                Map.of(first.identity, List.of(SESSION), nobody, List.of(SESSION)),
                Duration.ofSeconds(10))
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS));
  }

  @Test
  void whatChecksHaveFoundIsKnownToAllAndToThoseWhoComeLater() throws Exception {
    TestGateway one = gateway("g1", 1);
    TestGateway two = gateway("g2", 2, one.address());
    CheckResult first = checked(one, 1);
    one.checks.take(first);
    TestGateway.await("told", () -> first.equals(two.checks.find(first.key())));
    CheckResult second = checked(one, 2);
    one.checks.take(second);
    TestGateway.await("told again", () -> second.equals(two.checks.find(first.key())));
    one.close();
    TestGateway three = gateway("g3", 3, two.address());
    TestGateway.await(
        "told by whoever knows it", () -> second.equals(three.checks.find(first.key())));
  }

  private static CheckResult checked(TestGateway by, long round) {
    return new CheckResult(
        SESSION,
        "127.0.0.1:80",
        round,
        by.identity.incarnation(),
        round == 1,
        1,
        2,
        3,
        "refused",
        Duration.ofSeconds(30));
  }

  @Test
  void theBundleOfTheSmallerIncarnationStaysAndTheOtherEnds() throws Exception {
    TestGateway large = gateway("large", 9);
    TestGateway small = gateway("small", 1, large.address());
    TestGateway larger = gateway("larger", 20, small.address()); // it has to be dialled back
    for (TestGateway other : List.of(large, larger)) {
      awaitLinked(small, other);
      TestGateway.await(
          "the bundle of " + other.identity + " is not one of two",
          () ->
              small.statusOf(other).connections() == 2 && other.statusOf(small).connections() == 2);
    }
    // One of two between the larger ones is dialled by the less large one.
    TestGateway.await(
        "connections that the larger ones dialled are left",
        () -> small.dialled.size() == 4 && large.dialled.size() == 2 && larger.dialled.isEmpty());
    for (TestGateway gateway : List.of(small, large, larger)) {
      assertFalse(
          logged.contains("link.lost " + gateway.identity),
          "the link was lost when its bundle changed");
    }
  }

  @Test
  void gatewaysThatDialEachOtherAtOnceEndUpKnowingAll() throws Exception {
    for (int i = 0; i < 10; i++) {
      int port = freePort();
      try (TestGateway first =
              new TestGateway(LOOPS, "g1", i % 2 + 1, new InetSocketAddress("127.0.0.1", port));
          TestGateway second =
              new TestGateway(
                  LOOPS,
                  "g2",
                  5 - i % 3,
                  NEVER,
                  new InetSocketAddress("127.0.0.1", port),
                  first.address())) {
        attach(first, "a");
        attach(second, "b");
        awaitLinked(first, second);
        awaitRoute(first, "b", second);
        awaitRoute(second, "a", first);
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void aGatewayThatDialsItselfKnowsIt() throws Exception {
    TestGateway alone = gateway("g1", 1);
    TestGateway other = gateway("g2", 2, alone.address());
    awaitLinked(alone, other);
    // A peer tells it its own address under another life: it will be dialled, and found out.
    RawPeer peer =
        opened(RawPeer.linked(new GatewayIdentity("g3", new Incarnation(3, 3)), alone.address()));
    peer.send(
        Peering.newBuilder()
            .setKnown(
                dev.warren.peer.wire.Known.newBuilder()
                    .addAddresses(
                        dev.warren.peer.wire.Address.newBuilder()
                            .setId("g1")
                            .setIncarnation(ByteString.copyFrom(new byte[16]))
                            .setLink("localhost:" + alone.address().getPort())))
            .build());
    int before = alone.links.status().size();
    attach(alone, "a");
    awaitRoute(other, "a", alone);
    assertEquals(before, alone.links.status().size());
    assertFalse(logged.contains("ERROR link.duplicate-id"));
  }

  @Test
  void aSecondLiveGatewayOfAnIdIsRefusedAndBothSidesSaySo() throws Exception {
    TestGateway first = gateway("same", 1);
    TestGateway second = gateway("same", 2, first.address());
    awaitLogged("ERROR link.duplicate-id");
    awaitLogged("ERROR link.refused");
    assertTrue(first.links.refusedPeers() + second.links.refusedPeers() > 0);
    assertFalse(first.isLinkedTo(second));
    assertFalse(second.isLinkedTo(first));
  }

  @Test
  void aThirdGatewayLinksOneOfTwoWithTheSameIdAndTheOtherOneHearsWhy() throws Exception {
    TestGateway third = gateway("g3", 5);
    TestGateway first = gateway("same", 1, third.address());
    awaitLinked(first, third);
    TestGateway second = gateway("same", 9, third.address());
    awaitLogged("ERROR link.duplicate-id");
    awaitLogged("ERROR link.refused");
    TestGateway.await("g3 counts none", () -> third.links.refusedPeers() > 0);
    assertFalse(third.isLinkedTo(second));
    assertTrue(third.isLinkedTo(first));
    first.close();
    awaitLinked(second, third);
  }

  @Test
  void soManyGatewaysAreKnownAndNoMore() throws Exception {
    TestGateway gateway = gateway("g1", 1, NEVER);
    for (int i = 0; i < Links.MAX_LINKS; i++) {
      opened(
          RawPeer.linked(new GatewayIdentity("p" + i, new Incarnation(9, i)), gateway.address()));
    }
    RawPeer more =
        opened(new RawPeer(new GatewayIdentity("more", new Incarnation(10, 0)), gateway.address()));
    more.hello();
    assertEquals(FaultCode.TOO_MANY, more.expect(Frame.GoAway.class).code());
  }

  @Test
  void aLinkHasSoManyConnectionsAndNoMore() throws Exception {
    TestGateway gateway = gateway("g1", 9);
    GatewayIdentity peer = new GatewayIdentity("p", new Incarnation(1, 1));
    for (int i = 0; i < 2 * LinkSettings.MAX_CONNECTIONS; i++) {
      opened(RawPeer.linked(peer, gateway.address()));
    }
    RawPeer more = opened(new RawPeer(peer, gateway.address()));
    more.hello();
    assertEquals(FaultCode.TOO_MANY, more.expect(Frame.GoAway.class).code());
  }

  // ---- routes ----

  @Test
  void routesAppearAtAllPeersAndGoWhenTheTunnelGoes() throws Exception {
    TestGateway first = gateway("g1", 1);
    ScriptedTunnel before = attach(first, "before"); // in the snapshot
    TestGateway second = gateway("g2", 2, first.address());
    TestGateway third = gateway("g3", 3, first.address());
    awaitRoute(second, "before", first);
    awaitRoute(third, "before", first);
    ScriptedTunnel later = attach(first, "later");
    awaitRoute(second, "later", first);
    awaitRoute(third, "later", first);
    later.draining(true);
    first.table.changed(later);
    TestGateway.await(
        "nobody heard that it drains",
        () -> second.table.find(later.session()).routes().get(0).draining());
    first.table.lost(before, RouteTable.Removal.GONE);
    first.table.lost(later, RouteTable.Removal.GONE);
    for (TestGateway other : List.of(second, third)) {
      awaitNoRoute(other, "before", first);
      awaitNoRoute(other, "later", first);
    }
  }

  @Test
  void rivalsAtTwoGatewaysComeDownToOne() throws Exception {
    TestGateway first = gateway("g1", 1);
    TestGateway second = gateway("g2", 2);
    ScriptedTunnel one = attach(first, "bench-1");
    ScriptedTunnel two = attach(second, "bench-1");
    gateway("g3", 3, first.address(), second.address());
    TestGateway.await("both stay", () -> (one.endCode() == null) != (two.endCode() == null));
    awaitLinked(first, second);
    awaitRoute(first, "bench-1", second); // of equal epochs the larger incarnation
    awaitNoRoute(second, "bench-1", first);
    assertEquals(FaultCode.SUPERSEDED, one.endCode());
  }

  @Test
  void newsOfOneTunnelThatCameInTheWrongOrderLeaveNoRouteBehind() throws Exception {
    TestGateway first = gateway("g1", 1);
    TestGateway second = gateway("g2", 2, first.address());
    awaitLinked(first, second);
    ScriptedTunnel tunnel = new ScriptedTunnel(SESSION);
    first.table.admit(tunnel, ScriptedTunnel.hello(SESSION, INSTANCE, 1, Frame.Rank.NONE));
    ScriptedTunnel rival = new ScriptedTunnel(SESSION);
    first.table.admit(rival, ScriptedTunnel.hello(SESSION, new StreamId(2, 2), 1, Frame.Rank.NONE));
    first.table.welcomed(rival);
    first.table.welcomed(tunnel); // its loop was slow
    first.table.lost(rival, RouteTable.Removal.GONE);
    attach(first, "last");
    awaitRoute(second, "last", first);
    assertFalse(second.table.find(SESSION).isOnline());
  }

  @Test
  void theLossOfOneConnectionCostsNoRouteAndAnnouncementsGoOn() throws Exception {
    TestGateway first = gateway("g1", 1, NEVER);
    TestGateway second = gateway("g2", 2, NEVER, first.address());
    attach(first, "kept");
    awaitLinked(first, second);
    AtomicInteger told = new AtomicInteger();
    second.table.listen(
        new RouteTable.Listener() {
          @Override
          public void reachable(SessionKey session) {
            if (session.id().equals("kept")) {
              told.incrementAndGet();
            }
          }
        });
    for (int i = 0; i < 6; i++) {
      TestGateway.await(
          "no second connection",
          () ->
              first.statusOf(second).connections() >= 2
                  && second.statusOf(first).connections() >= 2);
      List<Channel> channels = List.copyOf(first.channels);
      attach(first, "before-" + i);
      channels.get(i % channels.size()).close();
      attach(first, "after-" + i);
      awaitRoute(second, "before-" + i, first);
      awaitRoute(second, "after-" + i, first);
      assertTrue(second.hasRoute(SessionKey.of("kept"), first));
    }
    assertEquals(0, told.get(), "it was gone in between");
  }

  @Test
  void whenAllConnectionsAreLostTheRoutesGoAfterAWhileAndComeBackWithTheLink() throws Exception {
    TestGateway first = gateway("g1", 1);
    TestGateway second = gateway("g2", 2, first.address());
    attach(first, "a");
    awaitLinked(first, second);
    first.unreachable = true;
    second.unreachable = true;
    List.copyOf(first.channels).forEach(Channel::close);
    TestGateway.await("still linked", () -> !second.isLinkedTo(first));
    awaitNoRoute(second, "a", first);
    assertNotNull(second.table.find(SessionKey.of("a")).offlineFor());
    attach(first, "b");
    first.unreachable = false;
    second.unreachable = false;
    awaitLinked(first, second);
    awaitRoute(second, "a", first);
    awaitRoute(second, "b", first);
  }

  @Test
  void theRoutesOfAGatewayThatGoesInOrderGoAtOnce() throws Exception {
    TestGateway first = gateway("g1", 1, NEVER);
    TestGateway second = gateway("g2", 2, NEVER, first.address());
    attach(first, "a");
    awaitLinked(first, second);
    awaitRoute(second, "a", first);
    first.close();
    awaitNoRoute(second, "a", first);
  }

  @Test
  void aGatewayThatComesBackWithANewLifeTakesThePlaceOfItsOldOne() throws Exception {
    TestGateway first = gateway("g1", 1, NEVER);
    TestGateway second = gateway("g2", 2, NEVER, first.address());
    attach(second, "a");
    awaitRoute(first, "a", second);
    second.unreachable = true;
    first.unreachable = true;
    List.copyOf(second.channels).forEach(Channel::close);
    TestGateway.await("still linked", () -> !first.isLinkedTo(second));
    assertTrue(first.hasRoute(SessionKey.of("a"), second), "kept for a while");
    first.unreachable = false;
    TestGateway again = gateway("g2", 3, first.address());
    awaitLinked(first, again);
    awaitNoRoute(first, "a", second);
  }

  private static Peering routes(long sequence, String session) {
    return Peering.newBuilder()
        .setRoutes(
            Routes.newBuilder()
                .setSequence(sequence)
                .setSnapshot(true)
                .setComplete(true)
                .addRoutes(
                    Route.newBuilder()
                        .setSession(session)
                        .setInstance(ByteString.copyFrom(INSTANCE.toBytes()))
                        .setConnection(1)
                        .setEpoch(1)))
        .build();
  }

  @Test
  void aPeerThatHasLostWhatItWasToldIsToldAgain() throws Exception {
    TestGateway gateway = gateway("g1", 9);
    attach(gateway, "a");
    RawPeer peer =
        opened(RawPeer.linked(new GatewayIdentity("p", new Incarnation(1, 1)), gateway.address()));
    Routes snapshot = peer.expect(message -> message.getRoutes().getSnapshot()).getRoutes();
    assertEquals(1, snapshot.getRoutesCount());
    // Asked before the snapshot had come: it is on its way, and none is sent.
    peer.send(nothingKept(snapshot.getSequence() - 1));
    peer.send(nothingKept(snapshot.getSequence()));
    Routes again = peer.expect(Peering::hasRoutes).getRoutes();
    assertTrue(again.getSnapshot() && again.getComplete());
    assertEquals(snapshot.getSequence() + 1, again.getSequence());
    assertEquals(1, again.getRoutesCount());
  }

  private static Peering nothingKept(long sequence) {
    return Peering.newBuilder()
        .setAcknowledged(Acknowledged.newBuilder().setSequence(sequence).setNothingKept(true))
        .build();
  }

  @Test
  void aGatewayAsksForWhatItHasNotAndAgainWhenTheConnectionIsLost() throws Exception {
    TestGateway gateway = gateway("g1", 9, NEVER);
    GatewayIdentity identity = new GatewayIdentity("p", new Incarnation(1, 1));
    RawPeer first = opened(RawPeer.linked(identity, gateway.address()));
    assertTrue(first.expect(Peering::hasAcknowledged).getAcknowledged().getNothingKept());
    RawPeer second = opened(RawPeer.linked(identity, gateway.address()));
    first.close();
    assertTrue(second.expect(Peering::hasAcknowledged).getAcknowledged().getNothingKept());
    second.send(routes(7, "a"));
    Acknowledged taken = second.expect(Peering::hasAcknowledged).getAcknowledged();
    assertEquals(7, taken.getSequence());
    assertFalse(taken.getNothingKept());
  }

  @Test
  void whatAConnectionSaysThatNeverCameUpIsNotKept() throws Exception {
    TestGateway gateway = gateway("g1", 9, NEVER);
    for (int i = 0; i < 200; i++) {
      RawPeer peer =
          new RawPeer(new GatewayIdentity("p" + i % 20, new Incarnation(1, i)), gateway.address());
      peer.hello();
      if (i % 2 == 0) {
        peer.expect(Frame.Welcome.class);
        peer.send(routes(1, "a"));
        peer.send(new Frame.GoAway(FaultCode.SHUTDOWN, "", 0));
      }
      peer.close();
    }
    TestGateway.await(
        "routes of gateways that are gone are left",
        () -> !gateway.table.find(SessionKey.of("a")).isOnline());
    TestGateway.await("connections are left", gateway.channels::isEmpty);
    assertFalse(gateway.table.find(SessionKey.of("a")).isOnline());
  }

  @Test
  void nonsenseEndsTheConnectionItCameByAndNoOther() throws Exception {
    TestGateway gateway = gateway("g1", 9, NEVER);
    GatewayIdentity identity = new GatewayIdentity("p", new Incarnation(1, 1));
    RawPeer good = opened(RawPeer.linked(identity, gateway.address()));
    RawPeer bad = opened(RawPeer.linked(identity, gateway.address()));
    bad.send(new Frame.Peering(new byte[] {1, 2, 3}));
    assertEquals(FaultCode.PROTOCOL, bad.expect(Frame.GoAway.class).code());
    RawPeer wrong = opened(RawPeer.linked(identity, gateway.address()));
    wrong.send(routes(1, "No Session!"));
    assertEquals(FaultCode.PROTOCOL, wrong.expect(Frame.GoAway.class).code());
    RawPeer address = opened(RawPeer.linked(identity, gateway.address()));
    address.send(
        Peering.newBuilder()
            .setStanding(dev.warren.peer.wire.Standing.newBuilder().setLink("x".repeat(300) + ":1"))
            .build());
    assertEquals(FaultCode.PROTOCOL, address.expect(Frame.GoAway.class).code());
    good.send(Peering.getDefaultInstance()); // a kind of a newer one is no nonsense
    good.send(routes(2, "a"));
    good.expect(message -> message.getAcknowledged().getSequence() == 2);
    assertEquals(1, gateway.table.online());
  }

  @Test
  void whoeverSaysInHelloThatItIsAnotherIsRefused() throws Exception {
    TestGateway gateway = gateway("g1", 9);
    RawPeer peer =
        opened(new RawPeer(new GatewayIdentity("p", new Incarnation(1, 1)), gateway.address()));
    peer.hello(new GatewayIdentity("q", new Incarnation(1, 1)));
    assertEquals(FaultCode.UNAUTHORIZED, peer.expect(Frame.GoAway.class).code());
    assertTrue(gateway.links.status().isEmpty());
  }

  /** Connections are lost at random, and both sides do not always see it in the same order. */
  @Test
  void whateverIsLostInTheEndAllKnowAll() throws Exception {
    long seed = Long.getLong("warren.test.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    List<TestGateway> gateways = new ArrayList<>();
    gateways.add(gateway("g1", 5, Duration.ofMillis(5)));
    gateways.add(gateway("g2", 1, Duration.ofMillis(5), gateways.get(0).address()));
    gateways.add(gateway("g3", 9, Duration.ofMillis(5), gateways.get(0).address()));
    List<List<ScriptedTunnel>> held =
        List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < 400; i++) {
      int which = random.nextInt(3);
      TestGateway gateway = gateways.get(which);
      List<Channel> channels = List.copyOf(gateway.channels);
      int kind = random.nextInt(10);
      if (kind < 4 && !channels.isEmpty()) {
        channels.get(random.nextInt(channels.size())).close();
      } else if (kind == 4) {
        channels.forEach(Channel::close);
      } else if (kind < 8 || held.get(which).isEmpty()) {
        held.get(which).add(attach(gateway, "s-" + which + "-" + i));
      } else {
        gateway.table.lost(
            held.get(which).remove(random.nextInt(held.get(which).size())),
            RouteTable.Removal.GONE);
      }
      if (random.nextInt(4) == 0) {
        // Long enough for connections to come up, now and then.
        TimeUnit.MILLISECONDS.sleep(random.nextInt(12));
      }
    }
    for (int at = 0; at < 3; at++) {
      for (int of = 0; of < 3; of++) {
        if (at != of) {
          TestGateway here = gateways.get(at);
          TestGateway there = gateways.get(of);
          Set<SessionKey> expected = new HashSet<>();
          held.get(of).forEach(tunnel -> expected.add(tunnel.session()));
          awaitLinked(here, there);
          TestGateway.await(
              "seed "
                  + seed
                  + ": "
                  + here.identity
                  + " does not know what "
                  + there.identity
                  + " holds",
              () -> routesOf(here, there).equals(expected));
        }
      }
    }
  }

  private static Set<SessionKey> routesOf(TestGateway at, TestGateway holder) {
    Set<SessionKey> found = new HashSet<>();
    at.table
        .all()
        .forEach(
            (session, known) -> {
              if (at.hasRoute(session, holder)) {
                found.add(session);
              }
            });
    return found;
  }

  // ---- standings ----

  @Test
  void standingsReachThePeersAndTheirListenersHear() throws Exception {
    TestGateway first = gateway("g1", 1);
    TestGateway second = gateway("g2", 2, first.address());
    AtomicInteger changes = new AtomicInteger();
    second.links.onChange(changes::incrementAndGet);
    awaitLinked(first, second);
    first.links.announce(
        new Standing(
            first.identity,
            Optional.of("127.0.0.1:7000"),
            42,
            Optional.empty(),
            Optional.empty(),
            3,
            true,
            false,
            "test/1",
            99));
    TestGateway.await(
        "it never came",
        () -> second.links.standings().stream().anyMatch(said -> said.uid() == 42));
    Standing said = second.links.standings().get(0);
    assertEquals(first.identity, said.gateway());
    assertEquals(Optional.of("127.0.0.1:7000"), said.cluster());
    int before = changes.get();
    assertTrue(before > 0);
    TestGateway third = gateway("g3", 3, second.address());
    TestGateway.await(
        "a new gateway is not told first of all",
        () -> third.links.standings().stream().anyMatch(each -> each.uid() == 42));
    first.close();
    TestGateway.await(
        "it is still there",
        () -> second.links.standings().stream().noneMatch(each -> each.uid() == 42));
    assertTrue(changes.get() > before);
  }

  @Test
  void aGatewayThatHasSaidNothingYetIsThereAllTheSame() throws Exception {
    TestGateway gateway = gateway("g1", 9);
    GatewayIdentity peer = new GatewayIdentity("p", new Incarnation(1, 1));
    opened(RawPeer.linked(peer, gateway.address()));
    TestGateway.await("it is not there", () -> !gateway.links.standings().isEmpty());
    assertEquals(List.of(Standing.none(peer, "")), gateway.links.standings());
  }

  // ---- streams ----

  private static final class Answer implements StreamChannel.Answer {
    private final CompletableFuture<FaultCode> refused = new CompletableFuture<>();

    @Override
    public void opened(StreamChannel channel) {
      refused.completeExceptionally(new AssertionError("opened"));
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      refused.complete(code);
    }
  }

  @Test
  void theConnectionsOfALinkLieOnDifferentLoopsAndAStreamTakesTheOneOnItsOwn() throws Exception {
    TestGateway first = gateway("g1", 1);
    TestGateway second = gateway("g2", 2, first.address());
    awaitLinked(first, second);
    TestGateway.await(
        "no second connection",
        () ->
            first.statusOf(second).connections() == 2 && second.statusOf(first).connections() == 2);
    for (TestGateway at : List.of(first, second)) {
      TestGateway to = at == first ? second : first;
      PeerPaths.Path path = at.links.to(to.identity.incarnation());
      int near = 0;
      for (EventExecutor loop : LOOPS) {
        if (path.connection(List.of(), (EventLoop) loop).eventLoop() == loop) {
          near++;
        }
      }
      assertEquals(2, near, "loops of " + at.identity + " with a connection of their own");
    }
  }

  @Test
  void aStreamForASessionThatIsNotThereIsRefusedAsNotHere() throws Exception {
    TestGateway holder = gateway("g1", 1);
    TestGateway origin = gateway("g2", 2, holder.address());
    awaitLinked(holder, origin);
    TunnelHandler link = origin.links.to(holder.identity.incarnation()).connection();
    for (String session : List.of("nobody", "No Session!")) {
      Answer answer = new Answer();
      Frame.Open open =
          new Frame.Open(
              0, StreamId.random(), 0, "127.0.0.1:80", 1_000, 0, 1, List.of(), 0, "", "", session);
      link.eventLoop().execute(() -> StreamChannel.dial(link, open, link.eventLoop(), answer));
      assertEquals(FaultCode.NOT_HERE, answer.refused.get(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void aStreamGoesFromItsOriginOverTheHolderToTheAgentAndBack() throws Exception {
    TestGateway holder = gateway("g1", 1);
    TestGateway origin = gateway("g2", 2, holder.address());
    ScriptedAgent agent =
        opened(ScriptedAgent.attach(AGENT_LOOPS, holder.table, SESSION, INSTANCE, 1));
    awaitLinked(holder, origin);
    awaitRoute(origin, "bench-1", holder);
    Router router =
        new Router("g2", origin.table, origin.links, PresenceLookup.NONE, RouterSettings.DEFAULT);
    StreamId id = StreamId.random();
    var opening =
        router.open(
            new Dial(id, SESSION, Target.parse("127.0.0.1:80"), Duration.ofSeconds(20), "me", ""),
            LOOPS.next());
    Frame.Open open = agent.expect(Frame.Open.class);
    assertEquals(id, open.id());
    assertEquals(0, open.hopsLeft());
    assertEquals("me", open.caller());
    agent.send(new Frame.Opened(open.stream(), 1 << 20));
    OpenedStream stream = opening.get(20, TimeUnit.SECONDS);
    assertEquals("g2, g1", stream.via());
    assertEquals(1, router.counters().viaPeers());

    byte[] pattern = new byte[300_000];
    new SplittableRandom(1).nextBytes(pattern);
    CompletableFuture<byte[]> back = new CompletableFuture<>();
    ByteArrayOutputStream received = new ByteArrayOutputStream();
    stream
        .channel()
        .pipeline()
        .addLast(
            new SimpleChannelInboundHandler<ByteBuf>() {
              @Override
              protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes)
                  throws IOException {
                bytes.readBytes(received, bytes.readableBytes());
                if (received.size() == 3_000) {
                  back.complete(received.toByteArray());
                }
              }
            });
    stream.channel().config().setAutoRead(true);
    stream.channel().writeAndFlush(Unpooled.copiedBuffer(pattern));
    byte[] there = new byte[pattern.length];
    int length = 0;
    while (length < pattern.length) {
      Frame.Data data = agent.expect(Frame.Data.class);
      assertEquals(length, data.offset());
      int more = data.bytes().readableBytes();
      data.bytes().readBytes(there, length, more);
      data.bytes().release();
      length += more;
      agent.send(new Frame.Credit(open.stream(), length, length + (1 << 20)));
    }
    assertEquals(
        new String(pattern, StandardCharsets.ISO_8859_1),
        new String(there, StandardCharsets.ISO_8859_1));
    agent.send(new Frame.Data(open.stream(), 0, Unpooled.copiedBuffer(pattern, 0, 3_000)));
    assertEquals(
        new String(pattern, 0, 3_000, StandardCharsets.ISO_8859_1),
        new String(back.get(20, TimeUnit.SECONDS), StandardCharsets.ISO_8859_1));
    stream.channel().close();
    agent.expect(Frame.Reset.class);
  }

  @Test
  void theLossOfTheHolderEndsADialWithoutAnAnswer() throws Exception {
    TestGateway holder = gateway("g1", 1);
    TestGateway origin = gateway("g2", 2, holder.address());
    ScriptedAgent agent =
        opened(ScriptedAgent.attach(AGENT_LOOPS, holder.table, SESSION, INSTANCE, 1));
    awaitRoute(origin, "bench-1", holder);
    Router router =
        new Router(
            "g2",
            origin.table,
            origin.links,
            PresenceLookup.NONE,
            RouterSettings.DEFAULT.withReattachGrace(Duration.ofMillis(50)));
    origin.links.onLinkUp(router::linkUp);
    var opening =
        router.open(
            new Dial(
                StreamId.random(),
                SESSION,
                Target.parse("127.0.0.1:80"),
                Duration.ofSeconds(20),
                "",
                ""),
            LOOPS.next());
    agent.expect(Frame.Open.class);
    holder.close();
    ExecutionException failed =
        org.junit.jupiter.api.Assertions.assertThrows(
            ExecutionException.class, () -> opening.get(20, TimeUnit.SECONDS));
    DialFailedException why = assertInstanceOf(DialFailedException.class, failed.getCause());
    assertEquals(DialFailedException.Outcome.UNAVAILABLE, why.outcome());
    agent.expect(Frame.Reset.class);
  }
}

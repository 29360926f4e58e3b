package dev.warren.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.warren.agent.ScriptedGateway.GatewayEnd;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.TokenSource;
import dev.warren.agent.dial.BlackHole;
import dev.warren.agent.net.Transport;
import dev.warren.agent.pool.TunnelState;
import dev.warren.agent.pool.TunnelStatus;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.agent.rules.AllowRules;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import io.netty.buffer.Unpooled;
import io.netty.channel.epoll.Epoll;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A whole agent, between a scripted gateway and real sockets. */
class AgentTest {
  /** As in use, but nobody waits long. */
  private static final ReconnectSettings QUICK =
      new ReconnectSettings(
          Duration.ofMillis(1),
          Duration.ofMillis(5),
          Duration.ofMillis(10),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1));

  /** More than a stream may send before the first CREDIT; the leak detector makes bytes slow. */
  private static final int BEYOND_FIRST_CREDIT = CreditBudget.FIRST_WINDOW + 50_000;

  private final ScriptedNames names = new ScriptedNames();
  private final List<AutoCloseable> closeables = new ArrayList<>();
  private final BlockingQueue<TunnelStatus> states = new LinkedBlockingQueue<>();
  private Transport transport = Transport.best();

  @AfterEach
  void stop() throws Exception {
    for (int i = closeables.size() - 1; i >= 0; i--) {
      closeables.get(i).close();
    }
  }

  // ---- the tunnel

  @Test
  void helloSaysWhoTheAgentIsAndWelcomeBringsItUp() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    Agent agent = start(settings(gateway));
    Frame.Hello hello = gateway.tunnel().hello();
    assertEquals("foo", hello.session());
    assertEquals(1, hello.connection());
    assertEquals(Frame.Rank.NONE.epoch(), hello.rank().epoch());
    assertEquals(3_000, hello.heartbeatMillis());
    assertEquals("warren-agent", hello.software());
    assertEquals(1_024, hello.limits().maxPendingStreams());
    TunnelStatus up = agent.firstUp().get(30, TimeUnit.SECONDS);
    assertEquals(TunnelState.UP, up.state());
    assertEquals("gw-1", up.gateway());
    assertEquals(7, up.epoch());
    assertEquals(TunnelState.CONNECTING, states.take().state());
    assertEquals(TunnelState.UP, states.take().state());
  }

  @Test
  void anotherAgentIsAnotherInstance() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    start(settings(gateway));
    start(settings(gateway));
    assertNotEquals(gateway.tunnel().hello().instance(), gateway.tunnel().hello().instance());
  }

  @Test
  void afterALossTheAgentComesBackAsTheSameInstanceWithItsRank() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    Agent agent = start(settings(gateway));
    GatewayEnd first = gateway.tunnel();
    agent.firstUp().get(30, TimeUnit.SECONDS);
    gateway.rank(new Frame.Rank(70, 80, new byte[] {90}));
    first.kill();
    GatewayEnd second = gateway.tunnel();
    assertEquals(first.hello().instance(), second.hello().instance());
    assertEquals(2, second.hello().connection());
    assertEquals(7, second.hello().rank().epoch());
    assertEquals(8, second.hello().rank().incarnation());
    assertArrayEquals(new byte[] {9}, second.hello().rank().mac());
    awaitUp(agent, 2);
    second.kill();
    GatewayEnd third = gateway.tunnel();
    assertEquals(70, third.hello().rank().epoch());
    assertEquals(3, third.hello().connection());
  }

  @Test
  void whereThereIsAnotherAddressTheFirstTryAfterALossGoesThere() throws Exception {
    ScriptedGateway one = closing(new ScriptedGateway());
    ScriptedGateway two = closing(new ScriptedGateway());
    start(builder(one.address(), two.address()).build());
    GatewayEnd first = one.tunnel();
    first.kill();
    GatewayEnd second = two.tunnel();
    assertEquals(2, second.hello().connection());
    assertEquals(first.hello().instance(), second.hello().instance());
  }

  @Test
  void aGatewayThatIsNotThereYetIsTriedUntilItIs() throws Exception {
    int port;
    try (ServerSocket reserved = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = reserved.getLocalPort();
    }
    ScriptedGateway there = closing(new ScriptedGateway());
    Agent agent =
        start(builder(GatewayAddress.parse("ws://127.0.0.1:" + port), there.address()).build());
    there.tunnel();
    TunnelStatus up = agent.firstUp().get(30, TimeUnit.SECONDS);
    assertEquals(there.address(), up.address());
  }

  @Test
  void anUnwelcomeAgentGoesOnTryingAndWarnsOnce() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    for (int i = 0; i < 5; i++) {
      gateway.next((ctx, request) -> ctx.writeAndFlush(refusal(401)));
    }
    try (Lines lines = new Lines("dev.warren.agent.pool")) {
      start(builder(gateway.address()).token(TokenSource.literal("s3cret-token")).build());
      gateway.tunnel();
      Eventually.holds(() -> lines.count("tunnel.up") == 1, lines::toString);
      assertEquals(1, lines.count(Level.WARN, "tunnel.unwelcome"), lines::toString);
      assertFalse(lines.toString().contains("s3cret"), lines::toString);
    }
    assertEquals(
        "HTTP 401 Unauthorized",
        states.stream().filter(s -> s.state() == TunnelState.WAITING).findFirst().get().reason());
  }

  @Test
  void eachFailureOfAnOutageIsToldOnceHoweverManyAddressesFail() throws Exception {
    ScriptedGateway one = closing(new ScriptedGateway());
    ScriptedGateway two = closing(new ScriptedGateway());
    for (int i = 0; i < 5; i++) {
      one.next((ctx, request) -> ctx.writeAndFlush(refusal(503)));
      two.next((ctx, request) -> ctx.writeAndFlush(refusal(500)));
    }
    try (Lines lines = new Lines("dev.warren.agent.pool")) {
      Agent agent = start(builder(one.address(), two.address()).build());
      agent.firstUp().get(30, TimeUnit.SECONDS);
      assertEquals(2, lines.count(Level.WARN, "tunnel.failed"), lines::toString);
      assertEquals(8, lines.count(Level.DEBUG, "tunnel.failed"), lines::toString);
    }
  }

  @Test
  void aListenerThatFailsDoesNoHarm() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    try (Lines lines = new Lines("dev.warren.agent.pool")) {
      Agent agent =
          closing(
              Agent.start(
                  settings(gateway),
                  status -> {
                    throw new IllegalStateException("a bug of the listener");
                  },
                  transport,
                  names));
      assertEquals(TunnelState.UP, agent.firstUp().get(30, TimeUnit.SECONDS).state());
      Eventually.holds(
          () -> lines.count(Level.ERROR, "tunnel.listener-failed") == 2, lines::toString);
      agent.close();
    }
  }

  @Test
  void aRetryAfterIsWaitedFor() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.next(
        (ctx, request) -> {
          FullHttpResponse refusal = refusal(503);
          refusal.headers().set(HttpHeaderNames.RETRY_AFTER, 600);
          ctx.writeAndFlush(refusal);
        });
    Agent agent = start(settings(gateway));
    Eventually.holds(
        () -> agent.tunnel().state() == TunnelState.WAITING, () -> agent.tunnel().toString());
    assertEquals("HTTP 503 Service Unavailable", agent.tunnel().reason());
    agent.close();
    assertEquals(TunnelState.CLOSED, agent.tunnel().state());
  }

  @Test
  void aGoAwayIsALossWithItsReason() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    try (Lines lines = new Lines("dev.warren.agent.pool")) {
      Agent agent = start(settings(gateway));
      agent.firstUp().get(30, TimeUnit.SECONDS);
      gateway.tunnel().goAway(FaultCode.SUPERSEDED, "superseded by 1234", 600_000);
      Eventually.holds(() -> agent.tunnel().state() == TunnelState.WAITING, lines::toString);
      assertEquals("SUPERSEDED: superseded by 1234", agent.tunnel().reason());
      String lost = lines.only("tunnel.lost");
      for (String field : List.of("session=\"foo\"", "gateway=\"gw-1\"", "epoch=\"7\"", "1234")) {
        assertTrue(lost.contains(field), lost);
      }
    }
  }

  @Test
  void aWelcomeForAnotherSessionIsRefused() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.welcomeAs("bar");
    start(settings(gateway));
    ScriptedGateway.Ended ended = gateway.tunnel().ended();
    assertEquals(FaultCode.PROTOCOL, ended.code());
    assertEquals("WELCOME for session bar (expected: foo)", ended.detail());
    gateway.welcomeAs("foo");
    Agent other = start(settings(gateway));
    other.firstUp().get(30, TimeUnit.SECONDS);
  }

  @Test
  void aGatewayThatAcceptsAndNeverAnswersIsGivenUpAtTheLimit() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.next((ctx, request) -> {}); // not even the upgrade is answered
    gateway.next(
        (ctx, request) -> // the upgrade is, HELLO is not
        new WebSocketServerHandshakerFactory(null, Tunnels.SUB_PROTOCOL, Tunnels.webSocket(true))
                .newHandshaker(request)
                .handshake(ctx.channel(), request));
    Agent agent = start(builder(gateway.address()).connectLimit(Duration.ofMillis(300)).build());
    gateway.request();
    gateway.request();
    gateway.request();
    agent.firstUp().get(30, TimeUnit.SECONDS); // the third is answered
  }

  @Test
  void aGatewayThatStandsStillIsLeft() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    try (Lines lines = new Lines("dev.warren.agent.pool")) {
      start(builder(gateway.address()).heartbeat(Duration.ofMillis(100)).build());
      GatewayEnd frozen = gateway.tunnel();
      frozen.handler().channel().config().setAutoRead(false);
      GatewayEnd next = gateway.tunnel();
      assertEquals(2, next.hello().connection());
      assertTrue(lines.only("tunnel.lost").contains("HEARTBEAT"), lines::toString);
      frozen.kill();
    }
  }

  @Test
  void closingSaysGoodbyeAndLeavesNothing() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket target = listening();
    Agent agent = start(settings(gateway));
    GatewayEnd tunnel = gateway.tunnel();
    StreamProbe stream = tunnel.open(address(target));
    assertEquals("opened", stream.next().what());
    try (Socket accepted = target.accept()) {
      agent.close();
      assertTrue(agent.closed().isDone());
      assertEquals(FaultCode.SHUTDOWN, tunnel.ended().code());
      assertEquals(FaultCode.TUNNEL_LOST, stream.next().code());
      assertThrows(SocketException.class, () -> accepted.getInputStream().read());
    }
    assertEquals(TunnelState.CLOSED, agent.tunnel().state());
    agent.close();
  }

  @Test
  void anAgentThatNeverCameUpCanBeClosed() throws Exception {
    BlackHole hole = closing(new BlackHole("127.0.0.1", 0));
    Agent agent = start(builder(GatewayAddress.parse("ws://127.0.0.1:" + hole.port())).build());
    agent.close();
    assertTrue(agent.firstUp().isCompletedExceptionally());
    assertEquals(TunnelState.CLOSED, agent.tunnel().state());
  }

  @Test
  void aListenerMayCloseTheAgentItListensTo() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    var self = new java.util.concurrent.CompletableFuture<Agent>();
    Agent agent =
        closing(
            Agent.start(
                settings(gateway),
                status -> {
                  if (status.state() == TunnelState.UP) {
                    self.join().close();
                  }
                },
                transport,
                names));
    self.complete(agent);
    agent.closed().get(30, TimeUnit.SECONDS);
    assertEquals(FaultCode.SHUTDOWN, gateway.tunnel().ended().code());
  }

  @Test
  void tlsCarriesATunnelToo(@TempDir Path directory) throws Exception {
    X509Bundle certificate =
        new CertificateBuilder()
            .algorithm(CertificateBuilder.Algorithm.ecp256)
            .subject("CN=gateway")
            .addSanIpAddress("127.0.0.1")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    ScriptedGateway gateway =
        closing(
            new ScriptedGateway(
                SslContextBuilder.forServer(certificate.toKeyManagerFactory()).build()));
    Path ca = Files.writeString(directory.resolve("ca.pem"), certificate.getCertificatePEM());
    ServerSocket target = listening();
    start(builder(gateway.address()).caFile(ca).build());
    echoes(gateway.tunnel(), target, BEYOND_FIRST_CREDIT);
  }

  @Test
  void filesThatCannotBeUsedStopTheStart(@TempDir Path directory) throws Exception {
    GatewayAddress address = GatewayAddress.parse("wss://127.0.0.1:1");
    Path absent = directory.resolve("absent");
    assertEquals(
        "token file " + absent + " does not exist",
        refusedStart(builder(address).token(TokenSource.file(absent))));
    assertEquals(
        "--ca " + absent + " cannot be read", refusedStart(builder(address).caFile(absent)));
    Path empty = Files.writeString(directory.resolve("empty.pem"), "nothing");
    assertEquals(
        "--ca " + empty + ": no CA certificates in PEM form",
        refusedStart(builder(address).caFile(empty)));
  }

  // ---- streams

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void bytesPassBothWaysInOrderAndSoDoTheirEnds(boolean best) throws Exception {
    if (!best) {
      transport = Transport.nio();
    }
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket target = listening();
    start(settings(gateway));
    GatewayEnd tunnel = gateway.tunnel();
    for (int bytes : new int[] {0, 1, 65_536, BEYOND_FIRST_CREDIT}) {
      echoes(tunnel, target, bytes);
    }
  }

  /** More is sent after it than fits into the sockets between: the agent must wait for room. */
  @Test
  void aHalfCloseOfTheTargetLeavesTheOtherWayOpen() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket target = closing(new ServerSocket());
    target.setReceiveBufferSize(16 * 1024);
    target.bind(Loopback.anyPort());
    start(settings(gateway));
    StreamProbe stream = gateway.tunnel().open(address(target));
    assertEquals("opened", stream.next().what());
    byte[] sent = new byte[4 * BEYOND_FIRST_CREDIT];
    new Random(4).nextBytes(sent);
    try (Socket accepted = target.accept()) {
      accepted.getOutputStream().write("bye".getBytes(StandardCharsets.US_ASCII));
      accepted.shutdownOutput();
      assertEquals("finished", stream.next().what());
      assertEquals("bye", new String(stream.received(), StandardCharsets.US_ASCII));
      stream.write(sent).finish();
      assertArrayEquals(sent, accepted.getInputStream().readAllBytes());
    }
  }

  @Test
  void aResetOfTheCallerIsAResetAtTheTarget() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket target = listening();
    start(settings(gateway));
    StreamProbe stream = gateway.tunnel().open(address(target));
    assertEquals("opened", stream.next().what());
    try (Socket accepted = target.accept()) {
      stream.reset();
      SocketException reset =
          assertThrows(SocketException.class, () -> accepted.getInputStream().read());
      assertTrue(reset.getMessage().contains("reset"), reset.getMessage());
    }
  }

  @Test
  void aResetOfTheTargetIsAResetForTheCaller() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket target = listening();
    start(settings(gateway));
    StreamProbe stream = gateway.tunnel().open(address(target));
    assertEquals("opened", stream.next().what());
    Socket accepted = target.accept();
    accepted.setSoLinger(true, 0);
    accepted.close();
    StreamProbe.Event reset = stream.next();
    assertEquals("reset", reset.what());
    assertEquals(FaultCode.TARGET_RESET, reset.code());
  }

  @Test
  void aDialThatFailsSaysWhy() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    start(settings(gateway));
    GatewayEnd tunnel = gateway.tunnel();
    int closed;
    try (ServerSocket server = listening()) {
      closed = server.getLocalPort();
    }
    names.answer("metadata.example", "169.254.169.254");
    names.answer("intranet.example", "10.0.0.1");
    assertRefused(tunnel, "127.0.0.1:" + closed, FaultCode.TARGET_REFUSED);
    assertRefused(tunnel, "169.254.169.254:80", FaultCode.FORBIDDEN);
    assertRefused(tunnel, "metadata.example:80", FaultCode.FORBIDDEN);
    assertRefused(tunnel, "intranet.example:80", FaultCode.FORBIDDEN);
    assertRefused(tunnel, "nowhere.example:80", FaultCode.TARGET_UNKNOWN);
    assertRefused(tunnel, "0x7f.1:80", FaultCode.TARGET_UNKNOWN);
    assertRefused(tunnel, "unix//run/docker.sock", FaultCode.FORBIDDEN);
    assertRefused(tunnel, "udp/127.0.0.1:53", FaultCode.UNSUPPORTED);
    assertRefused(tunnel, "127.0.0.1", FaultCode.UNSUPPORTED);
    assertRefused(tunnel, "", FaultCode.UNSUPPORTED);
  }

  @Test
  void aCallerThatIsGoneEndsItsDial() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    BlackHole hole = closing(new BlackHole("127.0.0.1", 0));
    Agent agent = start(settings(gateway));
    StreamProbe stream = gateway.tunnel().open("127.0.0.1:" + hole.port());
    Eventually.holds(() -> agent.pendingDials() == 1, () -> "the dial did not start");
    stream.reset();
    Eventually.holds(() -> agent.pendingDials() == 0, () -> "the dial goes on");
  }

  @Test
  void aTargetThatDoesNotAnswerTimesOut() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    BlackHole hole = closing(new BlackHole("127.0.0.1", 0));
    start(builder(gateway.address()).dialTimeout(Duration.ofMillis(100)).build());
    assertRefused(gateway.tunnel(), "127.0.0.1:" + hole.port(), FaultCode.TARGET_TIMEOUT);
  }

  @Test
  void oneDialMoreThanTheLimitIsOverloaded() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    names.hold("slow.example");
    Agent agent = start(builder(gateway.address()).maxPendingDials(2).build());
    GatewayEnd tunnel = gateway.tunnel();
    tunnel.open("slow.example:1");
    tunnel.open("slow.example:2");
    Eventually.holds(() -> agent.pendingDials() == 2, () -> "the dials did not start");
    // The gateway was told the limit: its own Mux refuses the third before it is sent.
    StreamProbe.Event refused = tunnel.open("slow.example:3").next();
    assertEquals(FaultCode.OVERLOADED, refused.code());
  }

  @Test
  void theLossOfTheTunnelClosesEveryTargetAndEveryDial() throws Exception {
    Assumptions.assumeTrue(new File("/proc/self/fd").isDirectory(), "needs /proc");
    ScriptedGateway gateway = closing(new ScriptedGateway());
    BlackHole hole = closing(new BlackHole("127.0.0.1", 0));
    ServerSocket target = listening();
    names.hold("slow.example");
    Agent agent = start(settings(gateway));
    echoes(gateway.tunnel(), target, 10); // whatever is loaded late is loaded now
    GatewayEnd tunnel = reconnected(agent, gateway);
    long before = descriptors();
    List<Socket> accepted = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      assertEquals("opened", tunnel.open(address(target)).next().what());
      accepted.add(target.accept());
      tunnel.open("127.0.0.1:" + hole.port());
      tunnel.open("slow.example:80");
    }
    Eventually.holds(() -> agent.pendingDials() == 40, () -> agent.pendingDials() + " dials");
    assertTrue(descriptors() >= before + 60, "no descriptor is counted");
    tunnel.kill();
    for (Socket socket : accepted) {
      assertThrows(SocketException.class, () -> socket.getInputStream().read());
      socket.close();
    }
    Eventually.holds(() -> agent.pendingDials() == 0, () -> agent.pendingDials() + " dials");
    gateway.tunnel();
    Eventually.holds(
        () -> descriptors() <= before, () -> descriptors() + " descriptors, before " + before);
  }

  @Test
  void aSocketOfTheUnixDomainIsATargetToo(@TempDir Path directory) throws Exception {
    Assumptions.assumeTrue(Epoll.isAvailable(), "needs epoll");
    ScriptedGateway gateway = closing(new ScriptedGateway());
    Path path = directory.resolve("app.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      start(
          builder(gateway.address())
              .allow(AllowRules.parse(List.of("unix/" + directory + "/*.sock")))
              .build());
      StreamProbe stream = gateway.tunnel().open("unix/" + path);
      assertEquals("opened", stream.next().what());
      stream.write(new byte[] {1, 2, 3}).finish();
      try (SocketChannel accepted = server.accept()) {
        ByteBuffer bytes = ByteBuffer.allocate(8);
        while (accepted.read(bytes) >= 0) {
          // until the caller's end
        }
        assertEquals(3, bytes.position());
        accepted.write(bytes.flip());
      }
      assertEquals("finished", stream.next().what());
      assertArrayEquals(new byte[] {1, 2, 3}, stream.received());
    }
  }

  @Test
  void whatAStalledTargetDoesNotTakeCostsNobodyElse() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ServerSocket stalled = closing(new ServerSocket());
    stalled.setReceiveBufferSize(16 * 1024);
    stalled.bind(Loopback.anyPort());
    ServerSocket target = listening();
    start(settings(gateway));
    GatewayEnd tunnel = gateway.tunnel();
    StreamProbe stream = tunnel.open(address(stalled));
    assertEquals("opened", stream.next().what());
    Socket reader = closing(stalled.accept());
    stream.write(new byte[1 << 20]).finish();
    echoes(tunnel, target, BEYOND_FIRST_CREDIT);
    assertEquals(1 << 20, reader.getInputStream().readAllBytes().length);
  }

  // ---- what the sentences above are made of

  private Agent start(AgentSettings settings) {
    return closing(Agent.start(settings, states::add, transport, names));
  }

  private String refusedStart(AgentSettings.Builder settings) {
    return assertThrows(IllegalArgumentException.class, () -> start(settings.build())).getMessage();
  }

  private static AgentSettings settings(ScriptedGateway gateway) {
    return builder(gateway.address()).build();
  }

  private static AgentSettings.Builder builder(GatewayAddress... gateways) {
    return AgentSettings.builder(SessionKey.of("foo"), List.of(gateways)).reconnect(QUICK);
  }

  private static void awaitUp(Agent agent, long connection) {
    Eventually.holds(
        () -> agent.tunnel().state() == TunnelState.UP && agent.tunnel().connection() == connection,
        () -> agent.tunnel().toString());
  }

  /** A second connection, so that what only a first one opens is open already. */
  private GatewayEnd reconnected(Agent agent, ScriptedGateway gateway) throws InterruptedException {
    gateway.next((ctx, request) -> ctx.close());
    agent.firstUp().join();
    states.clear();
    lastTunnel.kill();
    GatewayEnd next = gateway.tunnel();
    awaitUp(agent, 2);
    return next;
  }

  private GatewayEnd lastTunnel;

  private void echoes(GatewayEnd tunnel, ServerSocket target, int bytes) throws Exception {
    lastTunnel = tunnel;
    byte[] sent = new byte[bytes];
    new Random(bytes).nextBytes(sent);
    StreamProbe stream = tunnel.open(address(target));
    assertEquals("opened", stream.next().what());
    try (Socket accepted = target.accept()) {
      stream.write(sent).finish();
      InputStream in = accepted.getInputStream();
      accepted.getOutputStream().write(in.readAllBytes());
    }
    assertEquals("finished", stream.next().what());
    assertArrayEquals(sent, stream.received());
  }

  private static void assertRefused(GatewayEnd tunnel, String target, FaultCode code)
      throws InterruptedException {
    StreamProbe.Event event = tunnel.open(target).next();
    assertEquals("refused", event.what());
    assertEquals(code, event.code(), event.detail());
    assertFalse(event.detail().isBlank());
  }

  private static FullHttpResponse refusal(int status) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), Unpooled.EMPTY_BUFFER);
    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0);
    return response;
  }

  private ServerSocket listening() throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(Loopback.anyPort());
    return closing(server);
  }

  private static String address(ServerSocket server) {
    return "127.0.0.1:" + server.getLocalPort();
  }

  private static long descriptors() {
    String[] open = new File("/proc/self/fd").list();
    return open == null ? 0 : open.length;
  }

  private <T extends AutoCloseable> T closing(T closeable) {
    closeables.add(closeable);
    return closeable;
  }

  /** The lines that a package logs while a test looks. */
  private static final class Lines extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final Logger logger;
    private final Level level;
    private final Queue<ILoggingEvent> lines = new ConcurrentLinkedQueue<>();

    Lines(String name) {
      logger = (Logger) LoggerFactory.getLogger(name);
      level = logger.getLevel();
      logger.setLevel(Level.DEBUG);
      logger.setAdditive(false);
      start();
      logger.addAppender(this);
    }

    @Override
    protected void append(ILoggingEvent line) {
      lines.add(line);
    }

    long count(String event) {
      return lines.stream().filter(line -> line.getMessage().equals(event)).count();
    }

    long count(Level wanted, String event) {
      return lines.stream()
          .filter(line -> line.getMessage().equals(event) && line.getLevel() == wanted)
          .count();
    }

    String only(String event) {
      List<ILoggingEvent> found =
          lines.stream().filter(line -> line.getMessage().equals(event)).toList();
      assertEquals(1, found.size(), this::toString);
      return found.get(0).getKeyValuePairs().toString();
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      for (ILoggingEvent line : lines) {
        text.append(line.getLevel())
            .append(' ')
            .append(line.getMessage())
            .append(' ')
            .append(line.getKeyValuePairs())
            .append('\n');
      }
      return text.toString();
    }

    @Override
    public void close() {
      logger.detachAppender(this);
      logger.setLevel(level);
      logger.setAdditive(true);
    }
  }
}

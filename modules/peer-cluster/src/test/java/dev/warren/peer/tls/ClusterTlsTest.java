package dev.warren.peer.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.warren.peer.tls.Loopback.Seen;
import dev.warren.peer.token.ClusterAuthority;
import dev.warren.peer.token.ClusterToken;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

class ClusterTlsTest {
  private static final Instant NOW = Node.NOW;

  @TempDir Path directory;

  private final Loopback loopback = new Loopback();
  private final List<Node> nodes = new ArrayList<>();

  @AfterEach
  void stop() {
    nodes.forEach(Node::close);
    loopback.close();
  }

  static List<SslProvider> providers() {
    return OpenSsl.isAvailable()
        ? List.of(SslProvider.OPENSSL, SslProvider.JDK)
        : List.of(SslProvider.JDK);
  }

  static Stream<Arguments> pairs() {
    return providers().stream()
        .flatMap(client -> providers().stream().map(server -> Arguments.of(client, server)));
  }

  private Node node(String id, SslProvider provider, Instant now, String... tokens) {
    Node node = new Node(directory, id, provider, now, tokens);
    nodes.add(node);
    return node;
  }

  private Node first(SslProvider provider) {
    return node("first", provider, NOW, Node.TOKEN);
  }

  /** A client or server of its own making, that takes everybody and minds no certificate. */
  private static SslContextBuilder open(SslContextBuilder builder) {
    return builder
        .sslProvider(SslProvider.JDK)
        .protocols("TLSv1.3", "TLSv1.2")
        .trustManager(InsecureTrustManagerFactory.INSTANCE);
  }

  private Seen stranger(SslContextBuilder stranger, Node server) throws Exception {
    SslContext context = open(stranger).endpointIdentificationAlgorithm(null).build();
    return loopback.connect(
        (channel, peer) -> context.newHandler(channel.alloc()),
        new ChannelInboundHandlerAdapter(),
        channel -> server.tls.serverHandler(channel),
        server.tls.linkWatch(PeerPort.LINK_IN));
  }

  private Seen strangeServer(Node client, NodeCertificate certificate) throws Exception {
    SslContext context =
        open(SslContextBuilder.forServer(certificate.key(), certificate.certificate()))
            .clientAuth(ClientAuth.REQUIRE)
            .build();
    return loopback.connect(
        (channel, peer) -> client.tls.clientHandler(channel, peer),
        client.tls.linkWatch(PeerPort.LINK_OUT),
        channel -> context.newHandler(channel.alloc()),
        new ChannelInboundHandlerAdapter());
  }

  private static ClusterAuthority authority(String token) {
    return ClusterAuthority.of(ClusterToken.parse(token));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void gatewaysWithTheSameTokenKnowWhoTheOtherIs(SslProvider one, SslProvider other)
      throws Exception {
    Node client = first(one);
    Node server = node("second", other, NOW, Node.TOKEN);
    assertEquals(new Seen(server.identity, client.identity), loopback.connect(client, server));
    assertEquals(0, client.refused() + server.refused());
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void gatewayWithAnotherTokenIsRefusedByBothSides(SslProvider one, SslProvider other)
      throws Exception {
    Node client = node("stranger", one, NOW, Node.OTHER_TOKEN);
    Node server = node("second", other, NOW, Node.TOKEN);
    assertFalse(loopback.connect(client, server).connected());
    assertEquals(1, server.refused(RefusalReason.WRONG_TOKEN));
    assertEquals(1, client.refused(RefusalReason.WRONG_TOKEN));
    assertEquals(2, client.refused() + server.refused());
  }

  @ParameterizedTest
  @MethodSource("providers")
  void certificateOfAnotherTokenIsRefusedEvenIfItsOwnerTakesUs(SslProvider provider)
      throws Exception {
    Node node = first(provider);
    NodeCertificate forged = NodeCertificate.mint(authority(Node.OTHER_TOKEN), node.identity, NOW);
    Seen seen =
        stranger(
            SslContextBuilder.forClient().keyManager(forged.key(), forged.certificate()), node);
    assertEquals(null, seen.byServer());
    assertEquals(null, seen.byClient());
    assertEquals(1, node.refused(RefusalReason.WRONG_TOKEN));
    assertFalse(strangeServer(node, forged).connected());
    assertEquals(2, node.refused(RefusalReason.WRONG_TOKEN));
  }

  @ParameterizedTest
  @MethodSource("providers")
  void peerWithoutACertificateIsRefused(SslProvider provider) throws Exception {
    Node server = first(provider);
    assertEquals(null, stranger(SslContextBuilder.forClient(), server).byServer());
    assertEquals(1, server.refused(RefusalReason.NO_CERTIFICATE));
    assertEquals(1, server.refused());
  }

  @ParameterizedTest
  @MethodSource("providers")
  void olderVersionOfTlsIsRefused(SslProvider provider) throws Exception {
    Node server = first(provider);
    NodeCertificate good = NodeCertificate.mint(authority(Node.TOKEN), server.identity, NOW);
    SslContext context =
        open(SslContextBuilder.forClient().keyManager(good.key(), good.certificate()))
            .protocols("TLSv1.2")
            .endpointIdentificationAlgorithm(null)
            .build();
    Seen seen =
        loopback.connect(
            (channel, peer) -> context.newHandler(channel.alloc()),
            new ChannelInboundHandlerAdapter(),
            channel -> server.tls.serverHandler(channel),
            server.tls.linkWatch(PeerPort.LINK_IN));
    assertFalse(seen.connected());
    assertEquals(1, server.refused(RefusalReason.OTHER));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void expiredCertificateIsRefusedAndTheClockIsNamed(SslProvider one, SslProvider other)
      throws Exception {
    Node expired = node("late", one, NOW.minus(Duration.ofDays(8)), Node.TOKEN);
    expired.clock.passes(Duration.ofDays(8)); // its certificate is the old one: nobody looked
    Node good = node("good", other, NOW, Node.TOKEN);
    assertFalse(loopback.connect(expired, good).connected());
    assertEquals(1, good.refused(RefusalReason.NOT_VALID_NOW));
    assertEquals(1, expired.refused(told(other)), "the alert says it");
    assertFalse(loopback.connect(good, expired).connected());
    assertEquals(2, good.refused(RefusalReason.NOT_VALID_NOW));
    assertEquals(2, expired.refused(told(other)));
    assertEquals(4, good.refused() + expired.refused());
    expired.tls.look();
    assertTrue(loopback.connect(expired, good).connected());
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void clockThatIsDaysLateIsTold(SslProvider one, SslProvider other) throws Exception {
    Node late = node("late", one, NOW.minus(Duration.ofHours(25)), Node.TOKEN);
    Node good = node("good", other, NOW, Node.TOKEN);
    assertFalse(loopback.connect(late, good).connected());
    assertEquals(1, late.refused(RefusalReason.NOT_VALID_NOW));
    assertEquals(1, good.refused(told(one)));
  }

  /** What the alert tells of a certificate that is not valid now: the JDK does not say so much. */
  private static RefusalReason told(SslProvider by) {
    return by == SslProvider.JDK ? RefusalReason.WRONG_TOKEN : RefusalReason.NOT_VALID_NOW;
  }

  @Test
  void clockThatIsWrongByAnHourOrAlmostADayChangesNothing() throws Exception {
    Node good = first(SslProvider.JDK);
    for (Duration off : List.of(Duration.ofHours(-23), Duration.ofHours(-1), Duration.ofHours(1))) {
      Node wrong = node("wrong" + off.toHours(), SslProvider.JDK, NOW.plus(off), Node.TOKEN);
      assertTrue(loopback.connect(wrong, good).connected(), off.toString());
      assertTrue(loopback.connect(good, wrong).connected(), off.toString());
    }
  }

  @ParameterizedTest
  @MethodSource("providers")
  void certificateOfOurAuthorityWithAnotherNameIsRefused(SslProvider provider) throws Exception {
    Node node = first(provider);
    NodeCertificate other =
        NodeCertificate.mint(authority(Node.TOKEN), node.identity, NOW, "other.warren.internal");
    assertFalse(strangeServer(node, other).connected());
    assertEquals(1, node.refused(RefusalReason.OTHER));
    Seen seen =
        stranger(SslContextBuilder.forClient().keyManager(other.key(), other.certificate()), node);
    assertEquals(null, seen.byServer());
    assertEquals(2, node.refused(RefusalReason.OTHER));
  }

  @ParameterizedTest
  @MethodSource("providers")
  void plainTextGarbageAndHangingUpAreKeptOutAndCounted(SslProvider provider) throws Exception {
    Node server = first(provider);
    Node client = node("second", provider, NOW, Node.TOKEN);
    byte[] garbage = new byte[300];
    new Random(5).nextBytes(garbage);
    garbage[0] = (byte) 0xfe;
    assertEquals(0, answer(server, "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    assertEquals(1, server.refused(RefusalReason.NOT_TLS));
    answer(server, garbage);
    assertEquals(2, server.refused(RefusalReason.NOT_TLS));
    answer(server, new byte[0]);
    assertEquals(1, server.refused(RefusalReason.STOPPED), server.refusals.snapshot().toString());
    assertEquals(3, server.refused());
    assertTrue(loopback.connect(client, server).connected(), "nothing else is disturbed");
  }

  /** Sends bytes, closes our half, and returns how many bytes of TLS's data came back. */
  private long answer(Node server, byte[] bytes) throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    Channel listener =
        loopback.listen(
            channel -> server.tls.serverHandler(channel),
            server.tls.linkWatch(PeerPort.LINK_IN),
            new Loopback.End(closed));
    try (Socket socket = new Socket()) {
      socket.connect((InetSocketAddress) listener.localAddress(), 30_000);
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(bytes);
      socket.shutdownOutput();
      try (InputStream in = socket.getInputStream()) {
        int alert = in.readAllBytes().length;
        assertTrue(alert <= 16, "only an alert may come back, but " + alert + " bytes came");
        return 0;
      } catch (SocketException reset) {
        return 0;
      }
    } finally {
      assertTrue(closed.await(30, TimeUnit.SECONDS));
      listener.close().sync();
    }
  }

  @Test
  void tokenIsChangedWithoutAMomentOfDisagreement() throws Exception {
    List<Node> all =
        List.of(
            node("a", providers().get(0), NOW, Node.TOKEN),
            node("b", SslProvider.JDK, NOW, Node.TOKEN),
            node("c", providers().get(0), NOW, Node.TOKEN));
    String[][] steps = {
      {Node.TOKEN, Node.NEXT_TOKEN}, {Node.NEXT_TOKEN, Node.TOKEN}, {Node.NEXT_TOKEN}
    };
    for (String[] step : steps) {
      for (Node node : all) {
        node.tokens(step);
        everyPairConnects(all);
      }
    }
    Node old = node("old", SslProvider.JDK, NOW, Node.TOKEN);
    for (Node node : all) {
      assertFalse(loopback.connect(old, node).connected());
      assertEquals(1, node.refused(RefusalReason.WRONG_TOKEN));
      assertFalse(loopback.connect(node, old).connected());
    }
  }

  private void everyPairConnects(List<Node> all) throws Exception {
    for (Node client : all) {
      for (Node server : all) {
        if (client != server) {
          assertTrue(loopback.connect(client, server).connected());
        }
      }
    }
  }

  @Test
  void badTokenFileKeepsWhatWasGoodAndNoLogShowsAToken() throws Exception {
    Logger everything = (Logger) LoggerFactory.getLogger("dev.warren");
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    Level before = everything.getLevel();
    everything.setLevel(Level.INFO);
    everything.addAppender(logged);
    try {
      Node node = first(SslProvider.JDK);
      Node peer = node("second", SslProvider.JDK, NOW, Node.TOKEN);
      node.tokens("our-little-secret");
      node.tokens("# nothing");
      assertTrue(loopback.connect(node, peer).connected());
      peer.tokens(Node.NEXT_TOKEN);
      assertFalse(loopback.connect(node, peer).connected());
    } finally {
      everything.detachAppender(logged);
      everything.setLevel(before);
    }
    List<String> lines =
        logged.list.stream()
            .map(event -> event.getFormattedMessage() + event.getKeyValuePairs())
            .toList();
    for (String expected : List.of("file.refused", "cluster.token-changed", "peer.handshake")) {
      assertTrue(lines.stream().anyMatch(line -> line.startsWith(expected)), lines.toString());
    }
    for (String secret : List.of("our-little-secret", Node.TOKEN, Node.NEXT_TOKEN)) {
      assertTrue(lines.stream().noneMatch(line -> line.contains(secret)), secret);
    }
  }

  @Test
  void weakTokenIsRefusedAtTheStart() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> node("weak", SslProvider.JDK, NOW, "# ours", "our-little-secret"))
            .getMessage();
    assertTrue(message.startsWith("--cluster-token-file: "), message);
    assertTrue(message.contains("line 2") && message.contains("./warren token cluster"), message);
    assertFalse(message.contains("our-little-secret"), message);
  }

  @Test
  void keysOfAllTokensAreThereAndAChangeIsTold() {
    Node node = first(SslProvider.JDK);
    AtomicInteger told = new AtomicInteger();
    node.tls.onTokensChanged(
        () -> {
          told.incrementAndGet();
          assertEquals(2, node.tls.keys("ranks").size());
        });
    byte[] before = node.tls.keys("ranks").get(0);
    node.tokens(Node.NEXT_TOKEN, Node.TOKEN);
    assertEquals(1, told.get());
    assertArrayEquals(authority(Node.NEXT_TOKEN).key("ranks"), node.tls.keys("ranks").get(0));
    assertArrayEquals(before, node.tls.keys("ranks").get(1));
    node.tokens("# only a comment is new", Node.NEXT_TOKEN, Node.TOKEN);
    assertEquals(1, told.get());
  }

  @Test
  void certificateIsMintedAnewEveryDay() throws Exception {
    Node node = first(SslProvider.JDK);
    X509Certificate first = node.tls.certificate();
    assertEquals(NOW.minus(Duration.ofHours(24)), first.getNotBefore().toInstant());
    assertEquals(NOW.plus(Duration.ofDays(7)), first.getNotAfter().toInstant());
    assertEquals(1, first.getSerialNumber().signum());
    assertEquals(node.identity, PeerCertificate.identityOf(first));
    node.clock.passes(Duration.ofDays(1).minusMillis(1));
    node.tls.look();
    assertSame(first, node.tls.certificate());
    node.clock.passes(Duration.ofMillis(1));
    node.tls.look();
    X509Certificate second = node.tls.certificate();
    assertEquals(NOW.plus(Duration.ofDays(8)), second.getNotAfter().toInstant());
    assertNotEquals(first.getPublicKey(), second.getPublicKey());
    assertNotEquals(first.getSerialNumber(), second.getSerialNumber());
    node.clock.passes(Duration.ofHours(-2)); // it was set right
    node.tls.look();
    assertNotEquals(second, node.tls.certificate());
  }

  @Test
  void clusterOfTwoLivesForAMonthOnCertificatesOfAWeek() throws Exception {
    Node one = first(providers().get(0));
    Node two = node("second", SslProvider.JDK, NOW, Node.TOKEN);
    for (int day = 0; day < 30; day++) {
      for (Node node : List.of(one, two)) {
        node.clock.passes(Duration.ofDays(1));
        node.tls.look();
      }
      if (day % 7 == 0) {
        assertTrue(loopback.connect(one, two).connected());
        assertTrue(loopback.connect(two, one).connected());
      }
    }
  }

  @Test
  void openConnectionsGoOnWhenTheTokenChanges() throws Exception {
    // A handler keeps the context that it was made from: made before, used after.
    Node client = first(SslProvider.JDK);
    Node server = node("second", SslProvider.JDK, NOW, Node.TOKEN);
    Function<Channel, SslHandler> madeBefore =
        channel -> {
          SslHandler handler = server.tls.serverHandler(channel);
          server.tokens(Node.NEXT_TOKEN);
          return handler;
        };
    ChannelHandler watch = server.tls.linkWatch(PeerPort.LINK_IN);
    Seen seen =
        loopback.connect(
            (channel, peer) -> client.tls.clientHandler(channel, peer),
            client.tls.linkWatch(PeerPort.LINK_OUT),
            madeBefore,
            watch);
    assertTrue(seen.connected());
    assertFalse(loopback.connect(client, server).connected());
  }
}

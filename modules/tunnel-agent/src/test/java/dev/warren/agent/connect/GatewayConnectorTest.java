package dev.warren.agent.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.ScriptedGateway;
import dev.warren.agent.ScriptedNames;
import dev.warren.agent.connect.ConnectOutcome.Connected;
import dev.warren.agent.connect.ConnectOutcome.Failed;
import dev.warren.agent.connect.ConnectOutcome.Refused;
import dev.warren.agent.connect.ConnectOutcome.Stage;
import dev.warren.agent.net.Transport;
import dev.warren.protocol.SessionKey;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GatewayConnectorTest {
  private static final String SECRET = "s3cret-token";
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(300);

  @TempDir Path directory;

  private final Transport transport = Transport.best();
  private final ScriptedNames names = new ScriptedNames();
  private final List<AutoCloseable> closeables = new ArrayList<>();
  private ProxyRules proxies = ProxyRules.NONE;
  private Optional<Path> caFile = Optional.empty();
  private TokenSource token = TokenSource.literal(SECRET);
  private Duration limit = LONG;
  private EventLoopGroup group;
  private EventLoop loop;

  @BeforeEach
  void startLoop() {
    group = transport.eventLoops(1);
    loop = group.next();
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable closeable : closeables) {
      closeable.close();
    }
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
  }

  @Test
  void theHandshakeSaysWhoWeAreAndNothingElse() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    connected(connect(gateway.address())).close().sync();
    ScriptedGateway.Request request = gateway.request();
    assertEquals("/connect", request.uri());
    assertEquals("Bearer " + SECRET, request.headers().get("Authorization"));
    assertEquals("foo", request.headers().get("X-Tunnel-ID"));
    assertEquals("warren.v1", request.headers().get("Sec-WebSocket-Protocol"));
    assertEquals("13", request.headers().get("Sec-WebSocket-Version"));
    assertEquals("127.0.0.1:" + gateway.port(), request.headers().get("Host"));
    assertEquals("warren-agent", request.headers().get("User-Agent"));
    assertNull(request.headers().get("Origin"));
    assertNull(request.headers().get("Sec-WebSocket-Extensions"));
  }

  @Test
  void withoutATokenNothingIsPresented() throws Exception {
    token = TokenSource.NONE;
    ScriptedGateway gateway = closing(new ScriptedGateway());
    connected(connect(gateway.address())).close().sync();
    assertNull(gateway.request().headers().get("Authorization"));
  }

  @Test
  void theTokenFileIsReadAtEachConnect() throws Exception {
    Path file = directory.resolve("token");
    Files.writeString(file, "first\n");
    token = TokenSource.file(file);
    ScriptedGateway gateway = closing(new ScriptedGateway());
    connected(connect(gateway.address())).close().sync();
    assertEquals("Bearer first", gateway.request().headers().get("Authorization"));
    Files.writeString(file, "second");
    connected(connect(gateway.address())).close().sync();
    assertEquals("Bearer second", gateway.request().headers().get("Authorization"));
    Files.delete(file);
    assertEquals(
        new Failed(Stage.TOKEN, "token file " + file + " does not exist"),
        failed(connect(gateway.address())));
  }

  @ParameterizedTest
  @CsvSource({
    "401, , 0, false",
    "403, , 0, false",
    "404, , 0, true",
    "409, 17, 17, true",
    "429, 5, 5, true",
    "503, 3, 3, true",
    "500, soon, 0, true",
    "200, , 0, true",
    "302, -1, 0, true"
  })
  void aRefusalIsTypedWithStatusReasonAndRetryAfter(
      int status, String retryAfter, int seconds, boolean heals) throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.next(
        (ctx, request) -> {
          FullHttpResponse response = response(status, "agent foo: no\nand more");
          if (retryAfter != null) {
            response.headers().set(HttpHeaderNames.RETRY_AFTER, retryAfter);
          }
          ctx.writeAndFlush(response);
        });
    Refused refused = refused(connect(gateway.address()));
    assertEquals(status, refused.status());
    assertEquals(
        HttpResponseStatus.valueOf(status).reasonPhrase() + ": agent foo: no", refused.reason());
    assertEquals(Duration.ofSeconds(seconds), refused.retryAfter());
    assertEquals(heals, refused.waitingHeals());
  }

  @Test
  void ofARefusalsBodyOnlyTheBeginningIsReadAndLess() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.next(
        (ctx, request) ->
            ctx.writeAndFlush(response(403, "\u0007" + "x".repeat(1 << 20)))
                .addListener(written -> ctx.close()));
    String reason = refused(connect(gateway.address())).reason();
    assertTrue(reason.startsWith("Forbidden: ?xxx"), reason);
    assertEquals(UpgradeHandler.MAX_REASON_CHARS + 3, reason.length());
  }

  @Test
  void aRedirectIsNamedAndNotFollowed() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    gateway.next(
        (ctx, request) -> {
          FullHttpResponse response = response(302, "<html>");
          response.headers().set(HttpHeaderNames.LOCATION, "https://login.example/?key=1");
          ctx.writeAndFlush(response);
        });
    assertEquals(
        "Found, to https://login.example/ (redirects are not followed)",
        refused(connect(gateway.address())).reason());
  }

  @Test
  void anUpgradeWithoutOurProtocolIsNone() throws Exception {
    int port =
        rawServer(
            (request, out) ->
                out.write(
                    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            + "Connection: Upgrade\r\nSec-WebSocket-Accept: "
                            + accept(request)
                            + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII)));
    Failed failed = failed(connect(address("ws", port)));
    assertEquals(Stage.UPGRADE, failed.stage());
    assertTrue(failed.reason().contains("warren.v1"), failed.reason());
  }

  @Test
  void anUpgradeThatDoesNotKnowOurKeyIsNone() throws Exception {
    int port =
        rawServer(
            (request, out) ->
                out.write(
                    String.join(
                            "\r\n",
                            "HTTP/1.1 101 Switching Protocols",
                            "Upgrade: websocket",
                            "Connection: Upgrade",
                            "Sec-WebSocket-Protocol: warren.v1",
                            "Sec-WebSocket-Accept: bm8=",
                            "",
                            "")
                        .getBytes(StandardCharsets.US_ASCII)));
    assertEquals(Stage.UPGRADE, failed(connect(address("ws", port))).stage());
  }

  @Test
  void whatIsNoHttpIsNamed() throws Exception {
    int port =
        rawServer(
            (request, out) ->
                out.write("SSH-2.0-OpenSSH_9\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    Failed failed = failed(connect(address("ws", port)));
    assertEquals(Stage.UPGRADE, failed.stage());
    assertTrue(failed.reason().startsWith("no HTTP answer"), failed.reason());
  }

  @Test
  void aServerThatHangsUpIsNamed() throws Exception {
    int port = rawServer((request, out) -> {});
    assertEquals(
        new Failed(Stage.UPGRADE, "the connection was closed before an answer came"),
        failed(connect(address("ws", port))));
  }

  /** The first frames may come in the same packet as the 101. */
  @Test
  void bytesBehindTheAnswerReachWhoeverIsPutBehindTheCodec() throws Exception {
    int port =
        rawServer(
            (request, out) -> {
              out.write(
                  ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          + "Connection: Upgrade\r\nSec-WebSocket-Protocol: warren.v1\r\n"
                          + "Sec-WebSocket-Accept: "
                          + accept(request)
                          + "\r\n\r\n\u0082\u0003abc")
                      .getBytes(StandardCharsets.ISO_8859_1));
            });
    CompletableFuture<String> frame = new CompletableFuture<>();
    CompletableFuture<ConnectOutcome> outcome = new CompletableFuture<>();
    connector()
        .connect(
            address("ws", port),
            loop,
            result -> {
              if (result instanceof Connected connected) {
                connected.channel().pipeline().addLast(new FirstFrame(frame));
              }
              outcome.complete(result);
            });
    Channel channel = connected(outcome);
    assertEquals("abc", frame.get(30, TimeUnit.SECONDS));
    channel.close().sync();
  }

  @Test
  void aServerThatDoesNotAnswerIsGivenUpAtTheLimit() throws Exception {
    limit = SHORT;
    ServerSocket silent = closing(new ServerSocket(0, 8, InetAddress.getLoopbackAddress()));
    assertEquals(
        new Failed(Stage.UPGRADE, "no answer within 300 ms"),
        failed(connect(address("ws", silent.getLocalPort()))));
    assertEquals(
        new Failed(Stage.TLS, "no answer within 300 ms"),
        failed(connect(address("wss", silent.getLocalPort()))));
    names.hold("slow.example");
    assertEquals(
        new Failed(Stage.NAME, "no answer within 300 ms"),
        failed(connect(GatewayAddress.parse("ws://slow.example"))));
    proxies = ProxyRules.of(Map.of("HTTP_PROXY", "127.0.0.1:" + silent.getLocalPort()));
    assertEquals(
        new Failed(Stage.PROXY, "no answer within 300 ms"),
        failed(connect(GatewayAddress.parse("ws://gateway.example"))));
  }

  @Test
  void aGatewayThatIsNotThereIsNamedWithAllItsAddresses() throws Exception {
    int port = closedPort();
    names.answer("gateway.example", "127.0.0.1", "127.0.0.2");
    Failed failed = failed(connect(GatewayAddress.parse("ws://gateway.example:" + port)));
    assertEquals(Stage.CONNECT, failed.stage());
    assertTrue(
        failed.reason().contains("127.0.0.1:" + port + ": Connection refused"), failed.reason());
    assertTrue(failed.reason().contains("127.0.0.2:" + port + ": "), failed.reason());
    assertEquals(
        new Failed(Stage.NAME, "the name nowhere.example is unknown"),
        failed(connect(GatewayAddress.parse("ws://nowhere.example"))));
  }

  @Test
  void aCancelledTryClosesItsConnectionAndTellsNobody() throws Exception {
    ServerSocket silent = closing(new ServerSocket(0, 8, InetAddress.getLoopbackAddress()));
    CompletableFuture<ConnectOutcome> outcome = new CompletableFuture<>();
    ConnectAttempt attempt =
        connector().connect(address("ws", silent.getLocalPort()), loop, outcome::complete);
    try (Socket came = silent.accept()) {
      InputStream in = came.getInputStream();
      assertEquals('G', in.read());
      loop.submit(attempt::cancel).sync();
      while (in.read() >= 0) {
        // the rest of the request, and then the end
      }
    }
    assertFalse(outcome.isDone());
  }

  // ---- TLS

  @Test
  void aCertificateUnderTheGivenCaForTheHostIsAccepted() throws Exception {
    X509Bundle ca = authority();
    names.answer("gateway.example", "127.0.0.1");
    ScriptedGateway gateway = closing(new ScriptedGateway(server(ca, host("gateway.example"))));
    caFile = Optional.of(pem(ca));
    connected(connect(tlsAddress(gateway))).close().sync();
  }

  @Test
  void anAddressIsVerifiedToo() throws Exception {
    X509Bundle ca = authority();
    ScriptedGateway gateway =
        closing(new ScriptedGateway(server(ca, subject().addSanIpAddress("127.0.0.1"))));
    caFile = Optional.of(pem(ca));
    connected(connect(gateway.address())).close().sync();
  }

  @Test
  void atAnAdvertisedAddressNameHostAndCertificateStayThoseOfTheConnectUrl() throws Exception {
    X509Bundle ca = authority();
    caFile = Optional.of(pem(ca));
    ScriptedGateway gateway = closing(new ScriptedGateway(server(ca, host("gateway.example"))));
    GatewayAddress connect = GatewayAddress.parse("wss://gateway.example/connect");
    DirectAddress direct = new DirectAddress("127.0.0.1", gateway.port());
    GatewayRules rules = GatewayRules.parse(List.of("127.0.0.1"));
    connected(connect(connect, direct, rules)).close().sync();
    assertEquals("gateway.example", gateway.request().headers().get("Host"));
    // Whoever has another name, there, gets no token.
    GatewayAddress other = GatewayAddress.parse("wss://other.example/connect");
    assertEquals(Stage.TLS, failed(connect(other, direct, rules)).stage());
    assertEquals(0, gateway.requests());
  }

  @Test
  void anAdvertisedNameThatMeansThisMachineIsNotDialled() throws Exception {
    names.answer("evil.example", "127.0.0.1", "169.254.169.254");
    GatewayAddress connect = GatewayAddress.parse("wss://gateway.example/connect");
    Failed failed =
        failed(
            connect(
                connect,
                new DirectAddress("evil.example", 1),
                GatewayRules.near(List.of(connect))));
    assertEquals(
        "evil.example has no address that an agent may dial for a gateway", failed.reason());
  }

  @Test
  void aCertificateForAnotherHostIsRefused() throws Exception {
    X509Bundle ca = authority();
    names.answer("gateway.example", "127.0.0.1");
    ScriptedGateway gateway = closing(new ScriptedGateway(server(ca, host("other.example"))));
    caFile = Optional.of(pem(ca));
    Failed failed = failed(connect(tlsAddress(gateway)));
    assertEquals(Stage.TLS, failed.stage());
    assertTrue(failed.reason().contains("gateway.example"), failed.reason());
  }

  @Test
  void aCertificateOfAnUnknownCaIsRefused() throws Exception {
    names.answer("gateway.example", "127.0.0.1");
    ScriptedGateway gateway =
        closing(new ScriptedGateway(server(authority(), host("gateway.example"))));
    caFile = Optional.of(pem(authority()));
    Failed failed = failed(connect(tlsAddress(gateway)));
    assertEquals(Stage.TLS, failed.stage());
    assertFalse(failed.reason().isBlank());
    caFile = Optional.empty();
    assertEquals(Stage.TLS, failed(connect(tlsAddress(gateway))).stage());
  }

  @Test
  void anExpiredCertificateIsRefused() throws Exception {
    X509Bundle ca = authority();
    names.answer("gateway.example", "127.0.0.1");
    Instant now = Instant.now();
    ScriptedGateway gateway =
        closing(
            new ScriptedGateway(
                server(
                    ca,
                    host("gateway.example")
                        .notBefore(now.minus(Duration.ofDays(2)))
                        .notAfter(now.minus(Duration.ofDays(1))))));
    caFile = Optional.of(pem(ca));
    Failed failed = failed(connect(tlsAddress(gateway)));
    assertEquals(Stage.TLS, failed.stage());
    assertFalse(failed.reason().isBlank());
  }

  @Test
  void aPlainGatewayIsNotSpokenToWithoutTls() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    assertEquals(Stage.TLS, failed(connect(address("wss", gateway.port()))).stage());
  }

  // ---- proxies

  @Test
  void anHttpProxyIsAskedWithUserAndPasswordAndLooksTheNameUp() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ScriptedProxy proxy = closing(new ScriptedProxy(gateway.port()));
    proxies = ProxyRules.of(Map.of("http_proxy", "http://us%40er:p%3Aw@127.0.0.1:" + proxy.port()));
    connected(connect(GatewayAddress.parse("ws://gateway.internal:81/x"))).close().sync();
    String request = proxy.request();
    assertTrue(request.startsWith("CONNECT gateway.internal:81 HTTP/1.1\r\n"), request);
    String login = Base64.getEncoder().encodeToString("us@er:p:w".getBytes(StandardCharsets.UTF_8));
    assertTrue(request.toLowerCase(java.util.Locale.ROOT).contains("proxy-authorization: basic "));
    assertTrue(request.contains(login), request);
    assertFalse(request.contains(SECRET), request);
    assertEquals("/x", gateway.request().uri());
    assertEquals(0, names.questions());
  }

  @Test
  void tlsGoesThroughTheProxyToTheGateway() throws Exception {
    X509Bundle ca = authority();
    ScriptedGateway gateway = closing(new ScriptedGateway(server(ca, host("gateway.internal"))));
    ScriptedProxy proxy = closing(new ScriptedProxy(gateway.port()));
    caFile = Optional.of(pem(ca));
    proxies = ProxyRules.of(Map.of("HTTPS_PROXY", "127.0.0.1:" + proxy.port()));
    connected(connect(GatewayAddress.parse("wss://gateway.internal"))).close().sync();
    assertTrue(proxy.request().startsWith("CONNECT gateway.internal:443 HTTP/1.1\r\n"));
  }

  @Test
  void aProxyThatRefusesIsNamedWithItsStatusAndWithoutThePassword() throws Exception {
    ScriptedProxy proxy =
        closing(
            new ScriptedProxy(
                "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"));
    proxies = ProxyRules.of(Map.of("ALL_PROXY", "http://user:hunter2@127.0.0.1:" + proxy.port()));
    Failed failed = failed(connect(GatewayAddress.parse("ws://gateway.internal")));
    assertEquals(Stage.PROXY, failed.stage());
    assertTrue(failed.reason().contains("407"), failed.reason());
    assertFalse(failed.reason().contains("hunter2"), failed.reason());
  }

  @Test
  void aProxyThatIsNotThereOrHangsUpIsNamed() throws Exception {
    int port = closedPort();
    proxies = ProxyRules.of(Map.of("ALL_PROXY", "127.0.0.1:" + port));
    Failed absent = failed(connect(GatewayAddress.parse("ws://gateway.internal")));
    assertEquals(Stage.CONNECT, absent.stage());
    assertTrue(absent.reason().contains("127.0.0.1:" + port), absent.reason());
    ScriptedProxy hangsUp = closing(new ScriptedProxy(""));
    proxies = ProxyRules.of(Map.of("ALL_PROXY", "127.0.0.1:" + hangsUp.port()));
    assertEquals(
        Stage.PROXY, failed(connect(GatewayAddress.parse("ws://gateway.internal"))).stage());
  }

  @Test
  void aSocksProxyIsAskedByName() throws Exception {
    ScriptedGateway gateway = closing(new ScriptedGateway());
    ScriptedProxy proxy = closing(ScriptedProxy.socks(gateway.port()));
    proxies = ProxyRules.of(Map.of("ALL_PROXY", "socks5h://user:pw@127.0.0.1:" + proxy.port()));
    connected(connect(GatewayAddress.parse("ws://gateway.internal:81"))).close().sync();
    assertEquals("user:pw gateway.internal:81", proxy.request());
    assertEquals(0, names.questions());
  }

  // ---- what the sentences above are made of

  private GatewayConnector connector() {
    return new GatewayConnector(
        transport,
        names,
        proxies,
        new ClientTls(caFile),
        SessionKey.of("foo"),
        token,
        limit,
        "warren-agent");
  }

  private CompletableFuture<ConnectOutcome> connect(GatewayAddress address) {
    CompletableFuture<ConnectOutcome> outcome = new CompletableFuture<>();
    connector().connect(address, loop, outcome::complete);
    return outcome;
  }

  private CompletableFuture<ConnectOutcome> connect(
      GatewayAddress address, DirectAddress direct, GatewayRules rules) {
    CompletableFuture<ConnectOutcome> outcome = new CompletableFuture<>();
    loop.execute(() -> connector().connect(address, direct, rules, loop, outcome::complete));
    return outcome;
  }

  private static Channel connected(CompletableFuture<ConnectOutcome> outcome) throws Exception {
    ConnectOutcome result = outcome.get(30, TimeUnit.SECONDS);
    return assertInstanceOf(Connected.class, result, result::toString).channel();
  }

  private static Refused refused(CompletableFuture<ConnectOutcome> outcome) throws Exception {
    ConnectOutcome result = outcome.get(30, TimeUnit.SECONDS);
    return assertInstanceOf(Refused.class, result, result::toString);
  }

  private static Failed failed(CompletableFuture<ConnectOutcome> outcome) throws Exception {
    ConnectOutcome result = outcome.get(30, TimeUnit.SECONDS);
    return assertInstanceOf(Failed.class, result, result::toString);
  }

  private static FullHttpResponse response(int status, String body) {
    ByteBuf content = Unpooled.copiedBuffer(body, StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), content);
    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
    return response;
  }

  private static GatewayAddress address(String scheme, int port) {
    return GatewayAddress.parse(scheme + "://127.0.0.1:" + port);
  }

  private static GatewayAddress tlsAddress(ScriptedGateway gateway) {
    return GatewayAddress.parse("wss://gateway.example:" + gateway.port());
  }

  private static int closedPort() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return server.getLocalPort();
    }
  }

  private <T extends AutoCloseable> T closing(T closeable) {
    closeables.add(closeable);
    return closeable;
  }

  /** What a server writes when it has read a request's head; then it hangs up. */
  private interface RawAnswer {
    void write(String request, OutputStream out) throws IOException;
  }

  private int rawServer(RawAnswer answer) throws IOException {
    ServerSocket server = closing(new ServerSocket(0, 8, InetAddress.getLoopbackAddress()));
    Thread thread =
        new Thread(
            () -> {
              try (Socket came = server.accept()) {
                answer.write(ScriptedProxy.head(came.getInputStream()), came.getOutputStream());
                came.shutdownOutput();
                while (came.getInputStream().read() >= 0) {
                  // until the agent hangs up, so that what was written arrives
                }
              } catch (IOException e) {
                // the test is over
              }
            });
    thread.setDaemon(true);
    thread.start();
    return server.getLocalPort();
  }

  private static String accept(String request) {
    String key =
        request
            .lines()
            .filter(
                line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("sec-websocket-key:"))
            .map(line -> line.substring(line.indexOf(':') + 1).trim())
            .findFirst()
            .orElseThrow();
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1")
              .digest(
                  (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
                      .getBytes(StandardCharsets.US_ASCII));
      return Base64.getEncoder().encodeToString(hash);
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Bundle authority() throws Exception {
    return new CertificateBuilder()
        .algorithm(CertificateBuilder.Algorithm.ecp256)
        .subject("CN=test authority")
        .setIsCertificateAuthority(true)
        .buildSelfSigned();
  }

  private static CertificateBuilder subject() {
    return new CertificateBuilder()
        .algorithm(CertificateBuilder.Algorithm.ecp256)
        .subject("CN=gateway");
  }

  private static CertificateBuilder host(String name) {
    return subject().addSanDnsName(name);
  }

  private static SslContext server(X509Bundle ca, CertificateBuilder certificate) throws Exception {
    X509Bundle signed = certificate.buildIssuedBy(ca);
    return SslContextBuilder.forServer(signed.toKeyManagerFactory())
        .sslProvider(io.netty.handler.ssl.SslProvider.JDK)
        .build();
  }

  private Path pem(X509Bundle ca) throws IOException {
    return Files.writeString(
        Files.createTempFile(directory, "ca", ".pem"), ca.getRootCertificatePEM());
  }

  private static final class FirstFrame extends ChannelInboundHandlerAdapter {
    private final CompletableFuture<String> frame;

    FirstFrame(CompletableFuture<String> frame) {
      this.frame = frame;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      BinaryWebSocketFrame binary = (BinaryWebSocketFrame) message;
      frame.complete(binary.content().toString(StandardCharsets.US_ASCII));
      binary.release();
    }
  }
}

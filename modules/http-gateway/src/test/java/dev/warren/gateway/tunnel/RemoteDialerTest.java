package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.testing.RemoteDialerClient;
import dev.warren.protocol.testing.RemoteDialerWire;
import dev.warren.protocol.testing.RemoteDialerWire.Message;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Remotedialer clients at a gateway: one that behaves as a stock one does, and ones that do not.
 */
@Timeout(120)
class RemoteDialerTest {
  private static final HttpClient CALLER =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private TunnelGateway gateway;
  private HttpServer origin;
  private ExecutorService threads;

  @BeforeEach
  void start() throws IOException {
    gateway = TunnelGateway.start(MuxSettings.DEFAULT, 1L << 30);
    threads = Executors.newCachedThreadPool();
    origin = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 200);
    origin.setExecutor(threads);
    origin.createContext(
        "/echo",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
          try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
          }
        });
    origin.start();
  }

  @AfterEach
  void stopAndFindNothingLeft() {
    origin.stop(0);
    threads.shutdownNow();
    gateway.awaitTunnels(0);
    gateway.awaitNoCredit();
    gateway.close();
  }

  private RemoteDialerClient client(String id) throws IOException {
    RemoteDialerClient client =
        RemoteDialerClient.connect(gateway.address(), "/connect", "X-Tunnel-ID: " + id);
    gateway.awaitOnline(SessionKey.of(id));
    return client;
  }

  private RemoteDialerWire wire(String id) throws IOException {
    RemoteDialerWire wire =
        RemoteDialerWire.dial(gateway.address(), "/connect", "X-Tunnel-ID: " + id);
    wire.socket().setSoTimeout(20_000);
    gateway.awaitOnline(SessionKey.of(id));
    return wire;
  }

  private HttpRequest.Builder request(String segment, int port) {
    return HttpRequest.newBuilder(
        URI.create(
            "http://127.0.0.1:"
                + gateway.address().getPort()
                + "/client/"
                + segment
                + "/http/127.0.0.1:"
                + port
                + "/echo"));
  }

  private HttpResponse<byte[]> post(String segment, byte[] body) throws Exception {
    return CALLER.send(
        request(segment, origin.getAddress().getPort())
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  // ---- a client that behaves ----

  @Test
  void bodiesOfAllSizesComeBackEqual() throws Exception {
    long seed = System.nanoTime();
    try (RemoteDialerClient client = client("foo")) {
      List<Future<Void>> calls = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        Random random = new Random(seed + i);
        Callable<Void> call =
            () -> {
              byte[] body = new byte[random.nextInt(1 << 20)];
              random.nextBytes(body);
              HttpResponse<byte[]> answer = post("foo", body);
              assertEquals(200, answer.statusCode(), "seed " + seed);
              assertArrayEquals(body, answer.body(), "seed " + seed);
              return null;
            };
        calls.add(threads.submit(call));
      }
      for (Future<Void> call : calls) {
        call.get(60, TimeUnit.SECONDS);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Foo:Bar_1", "c-m-x:m-7@Host=1+2~3!", "UPPER", "a--b"})
  void idsThatAreNoNativeOnesWork(String id) throws Exception {
    try (RemoteDialerClient client = client(id)) {
      String encoded = java.net.URLEncoder.encode(id, StandardCharsets.UTF_8);
      assertEquals(200, post(encoded, new byte[10]).statusCode());
    }
  }

  @Test
  void theLongestIdHasAHundredCharacters() throws Exception {
    String longest = "Z".repeat(100);
    try (RemoteDialerClient client = client(longest)) {
      assertEquals(200, post(longest, new byte[10]).statusCode());
    }
    IOException refused = assertThrows(IOException.class, () -> wire(longest + "Z"));
    assertTrue(refused.getMessage().contains("400"), refused.getMessage());
  }

  @Test
  void aFurtherPathServesThemToo() throws Exception {
    try (RemoteDialerClient client =
        RemoteDialerClient.connect(gateway.address(), "/v3/connect", "X-Tunnel-ID: foo")) {
      gateway.awaitOnline(SessionKey.of("foo"));
      assertEquals(200, post("foo", new byte[10]).statusCode());
    }
  }

  @Test
  void aDialThatFailsAtTheClientIs502WithItsReason() throws Exception {
    try (RemoteDialerClient client = client("foo")) {
      HttpResponse<String> answer =
          CALLER.send(
              request("foo", 1).GET().build(),
              HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      assertEquals(502, answer.statusCode());
      assertTrue(answer.body().contains("refused"), answer.body());
    }
  }

  @Test
  void oneThatComesAgainTakesThePlaceOfItsOldConnection() throws Exception {
    try (RemoteDialerClient first = client("foo");
        RemoteDialerClient second = client("foo")) {
      TunnelGateway.await("the first never ended", first.ended());
      assertEquals(200, post("foo", new byte[10]).statusCode());
    }
  }

  @Test
  void bothDirectionsOfSlowReadersLoseNothing() throws Exception {
    byte[] much = new byte[24 << 20];
    new Random(5).nextBytes(much);
    try (RemoteDialerClient client = client("foo");
        ServerSocket target = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Caller slow = dial("foo", target.getLocalPort());
      try (var peer = target.accept()) {
        Future<?> writing =
            threads.submit(
                () -> {
                  peer.getOutputStream().write(much);
                  return null;
                });
        TunnelGateway.await("no PAUSE to the client", () -> client.pausesSeen() > 0);
        slow.channel.writeAndFlush(Unpooled.wrappedBuffer(much));
        TunnelGateway.await("no PAUSE from the client", () -> client.pausesSent() > 0);
        assertEquals(200, post("foo", new byte[200_000]).statusCode()); // nobody else waits
        slow.channel.config().setAutoRead(true);
        assertArrayEquals(much, peer.getInputStream().readNBytes(much.length));
        assertArrayEquals(much, slow.bytes(much.length));
        writing.get(20, TimeUnit.SECONDS);
        slow.channel.close().sync();
      }
    }
  }

  @Test
  void anEndOfTheTargetReachesTheCallerBehindAllBytes() throws Exception {
    try (RemoteDialerClient client = client("foo");
        ServerSocket target = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Caller caller = dial("foo", target.getLocalPort());
      caller.channel.config().setAutoRead(true);
      try (var peer = target.accept()) {
        peer.getOutputStream().write(new byte[3_000_000]);
      }
      caller.bytes(3_000_000);
      assertEquals(ChannelInputShutdownEvent.INSTANCE, caller.next());
      caller.channel.close().sync();
    }
  }

  @Test
  void aCallerThatHasSaidAllStillGetsItsAnswer() throws Exception {
    try (RemoteDialerClient client = client("foo");
        ServerSocket target = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Caller caller = dial("foo", target.getLocalPort());
      caller.channel.config().setAutoRead(true);
      try (var peer = target.accept()) {
        caller.channel.writeAndFlush(Unpooled.copiedBuffer("question", StandardCharsets.US_ASCII));
        caller.channel.shutdownOutput();
        peer.getInputStream().readNBytes(8);
        peer.getOutputStream().write(new byte[100_000]);
      }
      caller.bytes(100_000);
      assertEquals(ChannelInputShutdownEvent.INSTANCE, caller.next());
    }
  }

  @Test
  void whenTheGatewayGoesTheWebSocketEndsBehindItsLastConnection() throws Exception {
    try (RemoteDialerClient client = client("foo");
        ServerSocket target = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Caller caller = dial("foo", target.getLocalPort());
      caller.channel.config().setAutoRead(true);
      try (var peer = target.accept()) {
        gateway.drain(SessionKey.of("foo"));
        peer.getOutputStream().write(new byte[10_000]);
        caller.bytes(10_000);
        assertTrue(!client.isEnded());
        caller.channel.close().sync();
        TunnelGateway.await("the WebSocket never ended", client.ended());
      }
    }
  }

  @Test
  void aThousandConnectionsAtOnceDoNotMixUpTheirBytes() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      threads.submit(() -> echo(wire));
      List<Future<OpenedStream>> dials = new ArrayList<>();
      SessionKey session = SessionKey.of("foo");
      for (int i = 0; i < 1_000; i++) {
        dials.add(gateway.opener().open(wish(session, 8_000 + i), gateway.tunnelLoop(session)));
      }
      List<Caller> callers = new ArrayList<>();
      for (Future<OpenedStream> dial : dials) {
        callers.add(new Caller(dial.get(30, TimeUnit.SECONDS).channel()));
      }
      Random random = new Random(17);
      List<byte[]> sent = new ArrayList<>();
      for (Caller caller : callers) {
        byte[] bytes = new byte[random.nextInt(20_000)];
        random.nextBytes(bytes);
        sent.add(bytes);
        caller.channel.config().setAutoRead(true);
        caller.channel.writeAndFlush(Unpooled.wrappedBuffer(bytes));
      }
      for (int i = 0; i < callers.size(); i++) {
        assertArrayEquals(sent.get(i), callers.get(i).bytes(sent.get(i).length));
        callers.get(i).channel.close();
      }
    }
  }

  private static Void echo(RemoteDialerWire wire) throws IOException {
    for (Message next = wire.receive(); next != null; next = wire.receive()) {
      if (next.type() == RemoteDialerWire.DATA) {
        wire.data(next.connection(), next.body());
      }
    }
    return null;
  }

  // ---- the wire, message by message ----

  @Test
  void aDialBecomesConnectAndBytesBecomeData() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      Future<Caller> dialled = threads.submit(() -> dial("foo", 8125));
      Message connect = next(wire, RemoteDialerWire.CONNECT);
      assertEquals("tcp/127.0.0.1:8125", connect.text());
      assertTrue(connect.connection() > 0);
      wire.data(connect.connection(), "hello".getBytes(StandardCharsets.US_ASCII));
      Caller caller = dialled.get(10, TimeUnit.SECONDS);
      caller.channel.config().setAutoRead(true);
      assertArrayEquals("hello".getBytes(StandardCharsets.US_ASCII), caller.bytes(5));
      caller.channel.writeAndFlush(Unpooled.copiedBuffer("hi", StandardCharsets.US_ASCII));
      assertEquals("hi", next(wire, RemoteDialerWire.DATA).text());
      wire.error(connect.connection(), "EOF");
      assertEquals(ChannelInputShutdownEvent.INSTANCE, caller.next());
      caller.channel.close().sync();
      Future<Caller> second = threads.submit(() -> dial("foo", 8126));
      assertEquals(connect.connection() + 1, next(wire, RemoteDialerWire.CONNECT).connection());
      second.get(10, TimeUnit.SECONDS).channel.close().sync(); // nothing bad was heard
      assertNotNull(next(wire, RemoteDialerWire.ERROR));
    }
  }

  @Test
  void oneThatDoesNotStopOnPauseCostsItsOwnConnection() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      Caller stuck = dialUnanswered(wire);
      wire.data(1, new byte[1]);
      byte[] block = new byte[32 << 10];
      Future<?> flood =
          threads.submit(
              () -> {
                for (int i = 0; i < 1_000; i++) { // 32 MB
                  wire.data(1, block);
                }
                return null;
              });
      assertEquals(1, next(wire, RemoteDialerWire.PAUSE).connection());
      assertEquals(1, next(wire, RemoteDialerWire.ERROR).connection());
      flood.get(20, TimeUnit.SECONDS);
      Caller other = dialUnanswered(wire);
      other.channel.close().sync();
      stuck.channel.close().sync();
    }
  }

  @Test
  void connectionsThatAClientDoesNotListAreDroppedWithoutAWord() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      Caller lost = dialUnanswered(wire);
      Caller kept = dialUnanswered(wire);
      lost.channel.config().setAutoRead(true);
      wire.data(1, new byte[1]);
      wire.data(2, new byte[1]);
      lost.bytes(1);
      wire.sync(2, 77);
      assertTrue(lost.next() instanceof Throwable);
      assertTrue(kept.channel.isActive());
      kept.channel.close().sync();
      assertEquals(2, next(wire, RemoteDialerWire.ERROR).connection());
      lost.channel.close().sync();
    }
  }

  @Test
  void dataOfAnUnknownConnectionIsAnsweredAndAnErrorIsNot() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      wire.error(50, "EOF");
      wire.send(RemoteDialerWire.PAUSE, 51, new byte[0]);
      wire.data(52, new byte[9_000]);
      Message answer = next(wire, RemoteDialerWire.ERROR);
      assertEquals(52, answer.connection());
      assertTrue(answer.text().startsWith("connection not found"), answer.text());
      wire.connect(53, "tcp/127.0.0.1:80");
      assertEquals(53, next(wire, RemoteDialerWire.ERROR).connection());
    }
  }

  @Test
  void pingsAreAnsweredAlsoWithinAMessageAndOursCome() throws Exception {
    try (RemoteDialerWire wire = wire("foo")) {
      Caller caller = dialUnanswered(wire);
      caller.channel.config().setAutoRead(true);
      wire.frame(2, false, new byte[] {2, 2, 2, 2, 'a'});
      wire.ping();
      wire.frame(0, false, new byte[0]);
      wire.ping();
      wire.frame(0, true, new byte[] {'b'});
      assertArrayEquals(new byte[] {'a', 'b'}, caller.bytes(2));
      caller.channel.close().sync();
      next(wire, RemoteDialerWire.ERROR);
      assertTrue(wire.pings() > 0);
    }
  }

  @Test
  void aTextMessageEndsTheSession() throws Exception {
    breach(wire -> wire.frame(1, true, new byte[] {'x'}), 1003);
  }

  @Test
  void aNumberOfElevenBytesEndsTheSession() throws Exception {
    byte[] long11 = new byte[11];
    Arrays.fill(long11, (byte) 0x81);
    breach(wire -> wire.frame(2, true, long11), 1002);
  }

  @Test
  void anUnknownTypeEndsTheSession() throws Exception {
    breach(wire -> wire.send(9, 1, new byte[0]), 1002);
  }

  @Test
  void connectionsThatAreNoWholeNumbersEndTheSession() throws Exception {
    breach(wire -> wire.send(RemoteDialerWire.SYNC, 0, new byte[9]), 1002);
  }

  @Test
  void aHundredThousandFragmentsEndTheSession() throws Exception {
    breach(
        wire -> {
          wire.frame(2, false, new byte[] {2, 2, 2, 2});
          for (int i = 0; i < 100_000; i++) {
            wire.frame(0, false, new byte[0]);
          }
        },
        1002);
  }

  @Test
  void aMessageOfAHundredMegabytesEndsTheSession() throws Exception {
    breach(
        wire -> {
          wire.frame(2, false, new byte[] {2, 4, 2, 2});
          for (int i = 0; i < 100; i++) {
            wire.frame(0, false, new byte[1 << 20]);
          }
        },
        1002);
  }

  @Test
  void aFrameOfAHundredMegabytesEndsTheSession() throws Exception {
    breach(wire -> wire.announce(100 << 20), 1009);
  }

  private interface Deed {
    void on(RemoteDialerWire wire) throws IOException;
  }

  /** The session ends, with its streams, and nobody else notices. */
  private void breach(Deed deed, int status) throws Exception {
    try (RemoteDialerClient bystander = client("bystander");
        RemoteDialerWire wire = wire("foo")) {
      Caller caller = dialUnanswered(wire);
      caller.channel.config().setAutoRead(true);
      threads.submit(
          () -> {
            deed.on(wire);
            return null;
          });
      assertTrue(caller.next() instanceof Throwable);
      try {
        for (Message next = wire.receive(); next != null; next = wire.receive()) {
          assertEquals(RemoteDialerWire.ERROR, next.type());
        }
        if (wire.closeStatus() >= 0) { // a reset may overtake it where much was not read
          assertEquals(status, wire.closeStatus());
        }
      } catch (IOException e) {
        assertNull(e.getCause()); // reset, since much was not read
      }
      gateway.awaitTunnels(1);
      assertEquals(200, post("bystander", new byte[100_000]).statusCode());
    }
  }

  private static Message next(RemoteDialerWire wire, int type) throws IOException {
    Message next = wire.receive();
    assertNotNull(next, "the WebSocket has ended");
    assertEquals(type, next.type(), next.connection() + " " + next.text());
    return next;
  }

  /** A connection of which the client says nothing, so that it counts as accepted. */
  private Caller dialUnanswered(RemoteDialerWire wire) throws Exception {
    Future<Caller> dialled = threads.submit(() -> dial("foo", 8125));
    next(wire, RemoteDialerWire.CONNECT);
    return dialled.get(10, TimeUnit.SECONDS);
  }

  private Caller dial(String id, int port) throws Exception {
    SessionKey session = SessionKey.of(id);
    try {
      OpenedStream opened =
          gateway
              .opener()
              .open(wish(session, port), gateway.tunnelLoop(session))
              .get(10, TimeUnit.SECONDS);
      return new Caller(opened.channel());
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  private static Dial wish(SessionKey session, int port) {
    return new Dial(
        StreamId.random(),
        session,
        new Target.Tcp("127.0.0.1", port),
        Duration.ofSeconds(10),
        "",
        "");
  }

  /** What happened on a stream's channel, in order; it reads when it is told to. */
  private static final class Caller extends ChannelInboundHandlerAdapter {
    private final DuplexChannel channel;
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    Caller(DuplexChannel channel) {
      this.channel = channel;
      channel.pipeline().addLast(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      events.add(io.netty.buffer.ByteBufUtil.getBytes(bytes));
      bytes.release();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      events.add(event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      events.add(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      events.add("inactive");
    }

    Object next() throws InterruptedException {
      Object event = events.poll(20, TimeUnit.SECONDS);
      assertNotNull(event, "nothing happened within 20 s");
      return event;
    }

    byte[] bytes(int length) throws InterruptedException {
      byte[] all = new byte[length];
      for (int at = 0; at < length; ) {
        Object next = next();
        if (!(next instanceof byte[] part)) {
          throw new AssertionError(next + " after " + at + " bytes");
        }
        System.arraycopy(part, 0, all, at, part.length);
        at += part.length;
      }
      return all;
    }
  }
}

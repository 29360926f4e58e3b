package dev.warren.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.client.DialException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams of the library, from the gateway that holds the agent (no hop) and from another. */
@Timeout(120)
class StreamsTest {
  private static final InetSocketAddress FREE =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  @TempDir static Path directory;
  private static Site site;
  private static List<Warren> warrens;

  @BeforeAll
  static void start() throws Exception {
    site = new Site(directory);
    warrens = List.of(Warren.connect(site.url(0), ""), Warren.connect(site.url(1), null));
  }

  @AfterAll
  static void stop() {
    warrens.forEach(Warren::close);
    site.close();
  }

  private static Session session(int hops) {
    return warrens.get(hops).session(Site.AGENT);
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(7).nextBytes(bytes);
    return bytes;
  }

  private static void inBackground(Peer.Script work, Socket socket) {
    CompletableFuture.runAsync(
        () -> {
          try {
            work.run(socket);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void bytesComeBackEqualAndEachSideEndsByItself(int hops) throws Exception {
    byte[] bytes = random(3 << 20);
    try (Peer echo = Peer.echo();
        Socket socket = session(hops).connect(echo.target())) {
      inBackground(
          open -> {
            open.getOutputStream().write(bytes);
            open.shutdownOutput();
            return null;
          },
          socket);
      assertArrayEquals(bytes, socket.getInputStream().readAllBytes());
      assertEquals("ended", echo.outcome());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aTargetThatEndsItsSideStillGetsBytes(int hops) throws Exception {
    try (Peer target =
            Peer.of(
                connection -> {
                  connection.shutdownOutput();
                  return new String(connection.getInputStream().readAllBytes(), UTF_8);
                });
        Socket socket = session(hops).connect(target.target())) {
      assertEquals(-1, socket.getInputStream().read());
      socket.getOutputStream().write("still there".getBytes(UTF_8));
      socket.shutdownOutput();
      assertEquals("still there", target.outcome());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aResetOfTheTargetBreaksTheSocket(int hops) throws Exception {
    try (Peer target =
            Peer.of(
                connection -> {
                  connection.getInputStream().read();
                  connection.setSoLinger(true, 0);
                  return "reset";
                });
        Socket socket = session(hops).connect(target.target())) {
      socket.getOutputStream().write(1);
      InputStream in = socket.getInputStream();
      assertThrows(SocketException.class, in::read);
      assertThrows(SocketException.class, in::read);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aSocketThatLingersNotResetsTheTarget(int hops) throws Exception {
    try (Peer target = Peer.of(connection -> connection.getInputStream().readAllBytes())) {
      Socket socket = session(hops).connect(target.target());
      socket.setSoLinger(true, 0);
      socket.close();
      assertInstanceOf(SocketException.class, target.outcome());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void whatWasWrittenBeforeACloseArrives(int hops) throws Exception {
    byte[] bytes = random(1 << 20);
    try (Peer target = Peer.of(connection -> connection.getInputStream().readAllBytes())) {
      Socket socket = session(hops).connect(target.target());
      socket.getOutputStream().write(bytes);
      socket.close();
      assertArrayEquals(bytes, (byte[]) target.outcome());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void whyThereIsNoStreamIsTold(int hops) throws Exception {
    int closed;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = free.getLocalPort();
    }
    assertReason(Reason.REFUSED, session(hops), "127.0.0.1:" + closed);
    assertReason(Reason.FORBIDDEN, session(hops), "192.0.2.1:80");
  }

  @Test
  void anUnknownSessionIsSaid() {
    try (Warren alone = Warren.connect(site.url(Site.ALONE), "")) {
      assertReason(Reason.UNKNOWN_SESSION, alone.session("nobody"), "127.0.0.1:1");
    }
  }

  private static void assertReason(Reason reason, Session session, String target) {
    DialException why = assertThrows(DialException.class, () -> session.connect(target));
    assertEquals(reason, why.reason(), why.getMessage());
    assertTrue(why.getMessage().contains("session " + session.id()), why.getMessage());
  }

  @Test
  void aGatewayThatIsNotThereIsSaidAndTheNextIsTried() throws Exception {
    String nobody;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = "http://127.0.0.1:" + free.getLocalPort();
    }
    try (Warren alone = Warren.connect(nobody, "")) {
      Session session = alone.session(Site.AGENT);
      DialException why = assertThrows(DialException.class, () -> session.connect("127.0.0.1:1"));
      assertEquals(Reason.GATEWAY_UNREACHABLE, why.reason());
    }
    try (Warren two = Warren.connect(nobody + "," + site.url(0), "");
        Peer echo = Peer.echo();
        Socket socket = two.session(Site.AGENT).connect(echo.target())) {
      assertTrue(socket.isConnected());
    }
  }

  @Test
  void aReadThatTimesOutLosesNothing() throws Exception {
    CompletableFuture<Void> go = new CompletableFuture<>();
    try (Peer target =
            Peer.of(
                connection -> {
                  go.get(30, TimeUnit.SECONDS);
                  connection.getOutputStream().write("late".getBytes(UTF_8));
                  return null;
                });
        Socket socket = session(0).connect(target.target())) {
      socket.setSoTimeout(20);
      assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
      socket.setSoTimeout(30_000);
      go.complete(null);
      assertEquals("late", new String(socket.getInputStream().readNBytes(4), UTF_8));
      assertEquals(-1, socket.getInputStream().read());
      assertEquals(0, socket.getInputStream().available());
    }
  }

  @Test
  void aCloseWakesWhoWaits() throws Exception {
    try (Peer silent = Peer.of(connection -> connection.getInputStream().read());
        Socket socket = session(0).connect(silent.target())) {
      ExecutorService reader = Executors.newSingleThreadExecutor();
      try {
        InputStream in = socket.getInputStream();
        Future<Throwable> read = reader.submit(() -> assertThrows(SocketException.class, in::read));
        socket.close();
        assertTrue(read.get(30, TimeUnit.SECONDS) instanceof SocketException);
        assertEquals(-1, silent.outcome());
        assertThrows(SocketException.class, socket::getInputStream);
      } finally {
        reader.shutdownNow();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aReaderThatStopsStallsItsOwnStreamOnly(int hops) throws Exception {
    AtomicLong written = new AtomicLong();
    try (Peer endless =
            Peer.of(
                connection -> {
                  byte[] piece = new byte[64 * 1024];
                  while (true) {
                    connection.getOutputStream().write(piece);
                    written.addAndGet(piece.length);
                  }
                });
        Peer echo = Peer.echo();
        Socket stalled = session(hops).connect(endless.target());
        Socket other = session(hops).connect(echo.target())) {
      assertEquals(0, stalled.getInputStream().read());
      long[] last = {-1, 0};
      Site.await(
          "the writer stalls",
          () -> {
            long now = written.get();
            last[1] = now == last[0] ? last[1] + 1 : 0;
            last[0] = now;
            return last[1] >= 30;
          });
      other.getOutputStream().write(5);
      assertEquals(5, other.getInputStream().read());
      stalled.getInputStream().readNBytes(8 << 20);
      assertTrue(written.get() > last[0]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aByteChannelAndAPortAndASocksPortLeadThere(int hops) throws Exception {
    try (Peer echo = Peer.echo()) {
      try (StreamByteChannel channel = session(hops).open(echo.target())) {
        channel.write(ByteBuffer.wrap("hello".getBytes(UTF_8)));
        channel.shutdownOutput();
        ByteBuffer into = ByteBuffer.allocate(100);
        while (channel.read(into) >= 0) {}
        assertEquals("hello", new String(into.array(), 0, into.position(), UTF_8));
      }
      try (LocalPort port = session(hops).forward(FREE, echo.target());
          Socket socket = new Socket()) {
        socket.connect(port.address());
        assertEchoes(socket);
      }
      try (LocalPort port = session(hops).socks(FREE);
          Socket socket = new Socket(new Proxy(Proxy.Type.SOCKS, port.address()))) {
        socket.connect(new InetSocketAddress("127.0.0.1", echo.port()));
        assertEchoes(socket);
      }
    }
  }

  private static void assertEchoes(Socket socket) throws IOException {
    byte[] bytes = random(1 << 20);
    inBackground(
        open -> {
          open.getOutputStream().write(bytes);
          open.shutdownOutput();
          return null;
        },
        socket);
    assertArrayEquals(bytes, socket.getInputStream().readAllBytes());
  }

  @Test
  void aSocksCallerIsToldOfARefusal() throws Exception {
    try (LocalPort port = session(0).socks(FREE);
        Socket socket = new Socket(new Proxy(Proxy.Type.SOCKS, port.address()))) {
      assertThrows(
          SocketException.class,
          () -> socket.connect(InetSocketAddress.createUnresolved("192.0.2.1", 80)));
    }
  }

  @Test
  void aForwardedConnectionWithoutAStreamIsReset() throws Exception {
    try (LocalPort port = session(0).forward(FREE, "192.0.2.1:80");
        Socket socket = new Socket()) {
      socket.connect(port.address());
      assertThrows(SocketException.class, () -> socket.getInputStream().read());
    }
  }

  @Test
  void theSocketFactoryForDriversTakesOneText() throws Exception {
    try (Peer echo = Peer.echo();
        Socket socket =
            new WarrenSocketFactory("session=foo;gateways=" + site.url(1)).createSocket()) {
      socket.setTcpNoDelay(true);
      socket.setKeepAlive(true);
      socket.connect(new InetSocketAddress("127.0.0.1", echo.port()), 10_000);
      assertEquals("127.0.0.1", socket.getInetAddress().getHostAddress());
      assertEquals(echo.port(), socket.getPort());
      assertEchoes(socket);
    }
    for (String wrong :
        List.of(
            "", "session=foo;gateways=ftp://x", "gateways=http://x", "session=a;token=secret")) {
      IllegalArgumentException why =
          assertThrows(
              IllegalArgumentException.class,
              () -> new WarrenSocketFactory(wrong, java.util.Map.of()));
      assertTrue(why.getMessage().contains("expected"), why.getMessage());
      assertTrue(!why.getMessage().contains("secret"), why.getMessage());
    }
  }

  @Test
  void manyStreamsAtOnceComeAndGo() throws Exception {
    try (Peer echo = Peer.echo()) {
      List<CompletableFuture<Socket>> all = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        all.add(session(i % 2).openAsync(echo.target()));
      }
      for (CompletableFuture<Socket> one : all) {
        try (Socket socket = one.get(60, TimeUnit.SECONDS)) {
          socket.getOutputStream().write(7);
          assertEquals(7, socket.getInputStream().read());
        }
      }
    }
    Site.await("no credit is left at the gateways", () -> site.gateway(0).creditInUse() == 0);
    Site.await("no credit is left at the gateways", () -> site.gateway(1).creditInUse() == 0);
  }

  @Test
  void aLineWithoutStreamsEndsAndTheNextStreamMakesAnother() throws Exception {
    WarrenSettings settings = WarrenSettings.of(site.url(0)).withIdle(Duration.ofMillis(50));
    try (Warren warren = Warren.connect(settings);
        Peer echo = Peer.echo()) {
      for (int i = 0; i < 2; i++) {
        int before = site.gateway(0).connections();
        try (Socket socket = warren.session(Site.AGENT).connect(echo.target())) {
          assertEquals(before + 1, site.gateway(0).connections());
          socket.getOutputStream().write(1);
          assertEquals(1, socket.getInputStream().read());
        }
        Site.await("the line ends", () -> site.gateway(0).connections() == before);
      }
    }
  }
}

package dev.warren.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.Upgrade;
import dev.warren.agent.pool.TunnelState;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.testing.RemoteDialerWire;
import dev.warren.protocol.testing.RemoteDialerWire.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Our agent as a client of a remotedialer server, which is a script. */
@Timeout(120)
class RemoteDialerAgentTest {
  private static final ReconnectSettings QUICK =
      new ReconnectSettings(
          Duration.ofMillis(1),
          Duration.ofMillis(5),
          Duration.ofMillis(10),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1));

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private ServerSocket listener;
  private ServerSocket target;
  private Agent agent;
  private RemoteDialerWire server;

  @BeforeEach
  void start() throws Exception {
    listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    target = new ServerSocket();
    target.setReceiveBufferSize(64 * 1024); // so that the kernel does not take it all
    target.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    target.setSoTimeout(20_000);
    agent =
        Agent.start(
            AgentSettings.builder(
                    SessionKey.of("Foo:1"),
                    List.of(
                        GatewayAddress.parse(
                            "ws://127.0.0.1:" + listener.getLocalPort() + "/v3/connect")))
                .upgrade(
                    new Upgrade(
                        Upgrade.Protocol.REMOTEDIALER, List.of(Upgrade.Header.parse("X-Key=a=b"))))
                .reconnect(QUICK)
                .build());
    server = accept();
  }

  @AfterEach
  void stop() throws Exception {
    agent.close();
    server.close();
    listener.close();
    target.close();
    threads.shutdownNow();
  }

  private RemoteDialerWire accept() throws IOException {
    RemoteDialerWire wire = RemoteDialerWire.accept(listener.accept());
    wire.socket().setSoTimeout(20_000);
    return wire;
  }

  private String address() {
    return "tcp/127.0.0.1:" + target.getLocalPort();
  }

  private Message next(int type) throws IOException {
    Message next = server.receive();
    assertNotNull(next, "the WebSocket has ended");
    assertEquals(type, next.type(), next.connection() + " " + next.text());
    return next;
  }

  @Test
  void theRequestIsAsTheirsIs() {
    assertEquals("GET /v3/connect HTTP/1.1", server.firstLine());
    assertEquals("Foo:1", server.header("x-tunnel-id"));
    assertEquals("a=b", server.header("x-key"));
    assertEquals("", server.header("sec-websocket-protocol"));
    agent.firstUp().orTimeout(20, TimeUnit.SECONDS).join();
    assertEquals(TunnelState.UP, agent.tunnel().state());
  }

  @Test
  void bytesPassBothWaysAlsoThoseThatCameBeforeTheDialWasOver() throws Exception {
    server.connect(1, address());
    byte[] much = new byte[3_000_000];
    new Random(3).nextBytes(much);
    Future<?> writing =
        threads.submit(
            () -> {
              for (int at = 0; at < much.length; at += 30_000) {
                server.data(1, java.util.Arrays.copyOfRange(much, at, at + 30_000));
              }
              return null;
            });
    try (Socket peer = target.accept()) {
      assertArrayEquals(much, peer.getInputStream().readNBytes(much.length));
      writing.get(20, TimeUnit.SECONDS);
      peer.getOutputStream().write(much);
    }
    ByteArrayOutputStream back = new ByteArrayOutputStream();
    Message message = server.receive();
    for (; message.type() != RemoteDialerWire.ERROR; message = server.receive()) {
      if (message.type() == RemoteDialerWire.DATA) {
        back.writeBytes(message.body());
      }
    }
    assertEquals("EOF", message.text());
    assertArrayEquals(much, back.toByteArray());
  }

  @Test
  void whatWasSentBeforeAnEndIsDelivered() throws Exception {
    server.connect(1, address());
    server.data(1, new byte[200_000]);
    server.error(1, "EOF");
    try (Socket peer = target.accept()) {
      assertEquals(200_000, peer.getInputStream().readAllBytes().length);
    }
  }

  @Test
  void aTargetThatTheRulesForbidCostsItsOwnConnection() throws Exception {
    server.connect(1, "tcp/192.0.2.1:80");
    Message refused = next(RemoteDialerWire.ERROR);
    assertEquals(1, refused.connection());
    server.connect(2, "udp/127.0.0.1:53");
    assertEquals(2, next(RemoteDialerWire.ERROR).connection());
    server.connect(3, "tcp/" + "a".repeat(300) + ":80");
    assertEquals(3, next(RemoteDialerWire.ERROR).connection());
    echoes(4);
  }

  @Test
  void anIdThatIsInUseCostsItsConnectionAndNoOther() throws Exception {
    server.connect(1, address());
    try (Socket first = target.accept()) {
      server.connect(1, address());
      assertEquals(1, next(RemoteDialerWire.ERROR).connection());
      echoes(2);
      first.setSoTimeout(20_000);
      assertTrue(isOver(first));
    }
  }

  @Test
  void pauseIsObeyedAndAskedFor() throws Exception {
    server.connect(1, address());
    server.send(RemoteDialerWire.PAUSE, 1, new byte[0]);
    try (Socket peer = target.accept()) {
      Future<?> writing =
          threads.submit(
              () -> {
                peer.getOutputStream().write(new byte[40 << 20]);
                return null;
              });
      for (int i = 0; i < 500; i++) {
        server.data(1, new byte[20_000]);
      }
      next(RemoteDialerWire.PAUSE); // and no DATA before it
      peer.getInputStream().readNBytes(500 * 20_000);
      next(RemoteDialerWire.RESUME);
      server.send(RemoteDialerWire.RESUME, 1, new byte[0]);
      long got = 0;
      while (got < 40 << 20) {
        Message message = server.receive();
        got += message.type() == RemoteDialerWire.DATA ? message.body().length : 0;
      }
      writing.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void aLostWebSocketIsDialledAgainAndItsTargetsAreLetGo() throws Exception {
    server.connect(1, address());
    try (Socket peer = target.accept()) {
      server.close();
      peer.setSoTimeout(20_000);
      assertTrue(isOver(peer));
    }
    server = accept();
    echoes(1);
  }

  @Test
  void pingsComeAndAreAnswered() throws Exception {
    echoes(1);
    assertTrue(server.pings() > 0);
    server.ping();
    echoes(2);
  }

  private static boolean isOver(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (java.net.SocketException e) {
      return true; // reset
    }
  }

  private void echoes(long id) throws IOException {
    byte[] hello = ("hello " + id).getBytes(StandardCharsets.US_ASCII);
    server.connect(id, address());
    server.data(id, hello);
    try (Socket peer = target.accept()) {
      assertArrayEquals(hello, peer.getInputStream().readNBytes(hello.length));
      peer.getOutputStream().write(hello);
      Message back = next(RemoteDialerWire.DATA);
      assertEquals(id, back.connection());
      assertArrayEquals(hello, back.body());
    }
    assertEquals("EOF", next(RemoteDialerWire.ERROR).text());
  }
}

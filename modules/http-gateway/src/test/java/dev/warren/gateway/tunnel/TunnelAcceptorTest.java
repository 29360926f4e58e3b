package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxSettings;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Agents that do it wrong, from their first line to their tunnel's frames. While they do, another
 * agent's tunnel notices nothing.
 */
@Timeout(60)
class TunnelAcceptorTest {
  private static final MuxSettings SWIFT =
      new MuxSettings(
          MuxSettings.DEFAULT.limits(),
          Duration.ofMillis(100),
          Duration.ofMillis(300),
          MuxSettings.DEFAULT.quantum());

  private TunnelGateway gateway;
  private TestAgent bystander;

  @BeforeEach
  void start() throws Exception {
    gateway = TunnelGateway.start();
    bystander = TestAgent.connect(gateway.address(), "bystander");
    bystander.welcome.get(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() {
    try {
      assertFalse(bystander.end.isDone(), () -> "the bystander: " + bystander.end.getNow(null));
      gateway.awaitTunnels(1);
    } finally {
      bystander.close();
      gateway.close();
    }
  }

  private static List<String> handshake(String name, String instead) {
    List<String> lines = new ArrayList<>();
    for (String line : RawAgent.HANDSHAKE) {
      if (!line.startsWith(name)) {
        lines.add(line);
      } else if (!instead.isEmpty()) {
        lines.addAll(Arrays.asList(instead.split("\n")));
      }
    }
    return lines;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "Sec-WebSocket-Key; ''; 400",
        "Sec-WebSocket-Key; Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0O; 400",
        "Sec-WebSocket-Key; Sec-WebSocket-Key: not base 64; 400",
        "Sec-WebSocket-Version; ''; 426",
        "Sec-WebSocket-Version; Sec-WebSocket-Version: 8; 426",
        "Sec-WebSocket-Protocol; Sec-WebSocket-Protocol: warren.v2, chat; 400",
        "X-Tunnel-ID; ''; 400",
        "X-Tunnel-ID; X-Tunnel-ID: not/an id; 400",
        "Upgrade; ''; 426",
        "Connection; Connection: keep-alive; 426",
        "GET; POST /connect HTTP/1.1; 426",
      })
  void aWrongHandshakeIsRefusedAndSaysWhatWasExpected(String name, String instead, int status)
      throws IOException {
    try (RawAgent agent = new RawAgent(gateway.address())) {
      String head = agent.handshake(handshake(name, instead));
      assertTrue(head.startsWith("HTTP/1.1 " + status + " "), head);
      if (status == 426) {
        assertTrue(head.toLowerCase(java.util.Locale.ROOT).contains("sec-websocket-version: 13"));
      }
      String line = agent.rest();
      assertTrue(line.contains("expected") || line.contains("X-Tunnel-ID"), line);
    }
  }

  @Test
  void theAnswerNamesTheGateway() throws IOException {
    try (RawAgent agent = new RawAgent(gateway.address())) {
      String head = agent.handshake(RawAgent.HANDSHAKE);
      assertTrue(head.contains("\r\nWarren-Gateway: gateway\r\n"), head);
    }
  }

  @Test
  void twoKeysAreNoKey() throws IOException {
    try (RawAgent agent = new RawAgent(gateway.address())) {
      List<String> lines = new ArrayList<>(RawAgent.HANDSHAKE);
      lines.add("Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==");
      String head = agent.handshake(lines);
      assertTrue(head.startsWith("HTTP/1.1 400 "), head);
    }
  }

  @Test
  void http10CannotBeUpgraded() throws IOException {
    try (RawAgent agent = new RawAgent(gateway.address())) {
      String head = agent.handshake(handshake("GET", "GET /connect HTTP/1.0"));
      assertFalse(head.contains(" 101 "), head);
      agent.rest();
    }
  }

  @Test
  void beyondTheLimitAgentsAreToldToComeLater() throws Exception {
    List<RawAgent> all = new ArrayList<>();
    try {
      for (int i = 1; i < TunnelGateway.MAX_TUNNELS; i++) {
        all.add(RawAgent.upgraded(gateway.address()));
      }
      try (RawAgent one = new RawAgent(gateway.address())) {
        String head = one.handshake(RawAgent.HANDSHAKE);
        assertTrue(head.startsWith("HTTP/1.1 503 "), head);
        assertTrue(head.toLowerCase(java.util.Locale.ROOT).contains("retry-after: "), head);
      }
      all.remove(0).close();
      gateway.awaitTunnels(TunnelGateway.MAX_TUNNELS - 1);
      all.add(RawAgent.upgraded(gateway.address()));
    } finally {
      for (RawAgent agent : all) {
        agent.close();
      }
    }
  }

  @Test
  void aTextMessageEndsTheConnectionWith1003() throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.TEXT, "hello".getBytes(StandardCharsets.UTF_8));
      assertEquals(1003, agent.closed());
    }
  }

  @Test
  void anUnmaskedFrameEndsTheConnectionWith1002() throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.send(new byte[] {(byte) 0x82, 1, 0});
      assertEquals(1002, agent.closed());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0x40, 0x20, 0x10})
  void reservedBitsEndTheConnectionWith1002(int bit) throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | bit | RawAgent.BINARY, new byte[4]);
      assertEquals(1002, agent.closed());
    }
  }

  @Test
  void aFrameThatClaimsTwoGibibytesAllocatesNothing() throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      long before = PlatformDependent.usedDirectMemory();
      agent.send(
          new byte[] {(byte) 0x82, (byte) 0xff, 0, 0, 0, 0, (byte) 0x80, 0, 0, 0, 1, 2, 3, 4});
      assertEquals(1009, agent.closed());
      assertTrue(PlatformDependent.usedDirectMemory() - before < 16 << 20);
    }
  }

  @Test
  void messageBoundariesHaveNoMeaning() throws IOException {
    byte[] hello = RawAgent.bytes(RawAgent.hello("raw"));
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.BINARY, Arrays.copyOfRange(hello, 0, 1));
      agent.sendFrame(RawAgent.CONTINUATION, Arrays.copyOfRange(hello, 1, 5));
      agent.sendFrame(RawAgent.FIN | RawAgent.PING, new byte[] {7}); // between the fragments
      agent.sendFrame(RawAgent.FIN | RawAgent.CONTINUATION, new byte[0]);
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, Arrays.copyOfRange(hello, 5, hello.length));
      RawAgent.WebSocketFrame pong = agent.frame();
      assertEquals(RawAgent.PONG, pong.kind());
      assertArrayEquals(new byte[] {7}, pong.payload());
      assertInstanceOf(Frame.Welcome.class, agent.frames(1).get(0));
    }
  }

  @Test
  void aCloseIsAnsweredWithOne() throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.CLOSE, new byte[] {3, (byte) 0xe8});
      assertEquals(1000, agent.closed());
    }
  }

  private static void assertGoAway(RawAgent agent, FaultCode code) throws IOException {
    Frame.GoAway end = assertInstanceOf(Frame.GoAway.class, agent.frames(1).get(0));
    assertEquals(code, end.code(), end.detail());
    assertEquals(1000, agent.closed());
  }

  @Test
  void framesBeforeHelloEndTheTunnel() throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, RawAgent.bytes(new Frame.Ping(1)));
      assertGoAway(agent, FaultCode.PROTOCOL);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"other", "bystander", "not/an id"})
  void aHelloThatNamesAnotherSessionEndsTheTunnel(String session) throws IOException {
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, RawAgent.bytes(RawAgent.hello(session)));
      assertGoAway(agent, FaultCode.UNAUTHORIZED);
    }
  }

  @Test
  void aSecondHelloEndsTheTunnel() throws IOException {
    byte[] hello = RawAgent.bytes(RawAgent.hello("raw"));
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, hello);
      assertInstanceOf(Frame.Welcome.class, agent.frames(1).get(0));
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, hello);
      assertGoAway(agent, FaultCode.PROTOCOL);
      assertTrue(gateway.isOffline(SessionKey.of("raw")));
    }
  }

  @Test
  void bytesThatAreNoFrameEndTheTunnel() throws IOException {
    byte[] garbage = new byte[100];
    Arrays.fill(garbage, (byte) 0xff);
    try (RawAgent agent = RawAgent.upgraded(gateway.address())) {
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, RawAgent.bytes(RawAgent.hello("raw")));
      assertInstanceOf(Frame.Welcome.class, agent.frames(1).get(0));
      agent.sendFrame(RawAgent.FIN | RawAgent.BINARY, garbage);
      assertGoAway(agent, FaultCode.PROTOCOL);
    }
  }

  @Test
  void anAgentThatNeverSaysHelloIsSentAway() throws IOException {
    try (TunnelGateway swift = TunnelGateway.start(SWIFT);
        RawAgent agent = RawAgent.upgraded(swift.address())) {
      assertGoAway(agent, FaultCode.HEARTBEAT);
      swift.awaitTunnels(0);
    }
  }
}

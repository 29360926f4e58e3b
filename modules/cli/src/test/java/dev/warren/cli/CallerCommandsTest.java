package dev.warren.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.protocol.SessionKey;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What callers type, against a gateway with an agent. */
@Timeout(60)
class CallerCommandsTest {
  private static Gateway gateway;
  private static Agent agent;
  private static ServerSocket echo;

  @BeforeAll
  static void start() throws Exception {
    gateway =
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(1)
                .build());
    agent =
        Agent.start(
            AgentSettings.builder(
                    SessionKey.of("foo"),
                    List.of(
                        GatewayAddress.parse(
                            "ws://127.0.0.1:" + gateway.address().getPort() + "/connect")))
                .eventLoops(1)
                .build());
    agent.firstUp().get(30, TimeUnit.SECONDS);
    echo = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread accept = new Thread(CallerCommandsTest::accept, "echo");
    accept.setDaemon(true);
    accept.start();
  }

  private static void accept() {
    while (true) {
      try (Socket connection = echo.accept()) {
        connection.getInputStream().transferTo(connection.getOutputStream());
      } catch (IOException e) {
        if (echo.isClosed()) {
          return;
        }
      }
    }
  }

  @AfterAll
  static void stop() throws IOException {
    agent.close();
    gateway.close();
    echo.close();
  }

  private static String url() {
    return "http://127.0.0.1:" + gateway.address().getPort();
  }

  @Test
  void dialJoinsStandardInputAndOutputToAStream() {
    byte[] bytes = new byte[1 << 20];
    new SplittableRandom(11).nextBytes(bytes);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Main.run(
            new String[] {"dial", "foo", "127.0.0.1:" + echo.getLocalPort()},
            new Terminal(
                new ByteArrayInputStream(bytes),
                new PrintStream(out, false, UTF_8),
                new PrintStream(err, true, UTF_8),
                Map.of("WARREN_GATEWAY", url())));
    assertEquals(ExitStatus.OK, status, err.toString(UTF_8));
    assertArrayEquals(bytes, out.toByteArray());
  }

  @ParameterizedTest
  @CsvSource({
    "foo, 127.0.0.1:1, 6, session foo",
    "foo, 192.0.2.1:80, 4, session foo",
    "nobody, 127.0.0.1:80, 5, session nobody"
  })
  void dialTellsByItsStatusWhyThereIsNoStream(
      String session, String target, int status, String text) {
    Run run = Run.of("dial", "--gateway", url(), session, target);
    assertEquals(status, run.status(), run.err());
    assertTrue(run.err().contains(text), run.err());
    assertEquals("", run.out());
  }

  @Test
  void dialTellsThatNoGatewayIsThere() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Run run = Run.of("dial", "--gateway", "http://127.0.0.1:" + port, "foo", "127.0.0.1:22");
    assertEquals(ExitStatus.GATEWAY_UNREACHABLE, run.status(), run.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dial foo | TARGET",
        "dial foo 127.0.0.1 | HOST:PORT",
        "dial a%b 127.0.0.1:22 | 1 to 100",
        "dial --gateway gw foo 127.0.0.1:22 | http://HOST",
        "forward 15432 | PORT=SESSION/TARGET",
        "forward 15432=foo | 15432=db-7/127.0.0.1:5432",
        "forward x=foo/127.0.0.1:1 | 15432=db-7/127.0.0.1:5432",
        "forward 15432=foo/127.0.0.1 | HOST:PORT",
      })
  void aWrongCommandLineSaysWhatWasExpected(String line, String expected) {
    Run run = Run.of(line.split(" "));
    assertEquals(ExitStatus.USAGE, run.status(), run.err());
    assertTrue(run.err().contains(expected), expected + " in " + run.err());
  }
}

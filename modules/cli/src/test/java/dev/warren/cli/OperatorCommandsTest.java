package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import dev.warren.protocol.SessionKey;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What operators type, against a gateway with an agent. */
@Timeout(60)
class OperatorCommandsTest {
  private static final String OPERATOR = Token.generate(TokenKind.ADMIN, new SecureRandom());
  private static final String STRANGER = Token.generate(TokenKind.ADMIN, new SecureRandom());

  @TempDir static Path directory;
  private static Path tokenFile;
  private static Gateway gateway;
  private static Agent agent;
  private static String admin;

  @BeforeAll
  static void start() throws Exception {
    tokenFile = Files.writeString(directory.resolve("admin.token"), OPERATOR + "\n");
    Path tokens = directory.resolve("admin.tokens");
    Files.writeString(tokens, Token.hash(OPERATOR) + " */* alice\n");
    InetSocketAddress free = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    gateway =
        Gateway.start(
            GatewaySettings.builder()
                .listen(free)
                .id("gw-1")
                .eventLoops(1)
                .admin(new GatewaySettings.Admin(Optional.of(free), Optional.of(tokens)))
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
    admin =
        "http://127.0.0.1:"
            + gateway.adminAddress().toCompletableFuture().get(30, TimeUnit.SECONDS).getPort();
  }

  @AfterAll
  static void stop() {
    agent.close();
    gateway.close();
  }

  private static Run asked(String... command) {
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(List.of("--admin", admin, "--token-file", tokenFile.toString()));
    return Run.of(arguments.toArray(String[]::new));
  }

  private static JsonNode json(Run run) throws Exception {
    assertEquals(ExitStatus.OK, run.status(), run.err());
    return new ObjectMapper().readTree(run.out());
  }

  private static void failed(Run run, String... parts) {
    assertEquals(ExitStatus.FAILED, run.status(), run.err());
    assertEquals("", run.out());
    for (String part : parts) {
      assertTrue(run.err().contains(part), part + " in " + run.err());
    }
  }

  @Test
  void statusIsATextForPeople() {
    Run run = asked("status");
    assertEquals(ExitStatus.OK, run.status(), run.err());
    assertTrue(run.out().startsWith("gateway        gw-1#"), run.out());
    assertTrue(run.out().contains("\nstate          ready\n"), run.out());
    assertTrue(run.out().contains("none: this gateway is alone"), run.out());
  }

  @Test
  void jsonIsTheAnswerAsItCame() throws Exception {
    JsonNode status = json(asked("status", "--json"));
    assertEquals("gw-1", status.path("gateway").path("id").asText());
    assertEquals("none", status.path("control").path("state").asText());
    JsonNode sessions = json(asked("sessions", "--json"));
    assertEquals("none", sessions.path("control").asText());
    assertTrue(sessions.path("sessions").isArray());
  }

  @Test
  void sessionsAreATableWithAlignedColumns() {
    Run run = asked("sessions");
    assertEquals(ExitStatus.OK, run.status(), run.err());
    List<String> lines = run.out().lines().toList();
    assertEquals(2, lines.size(), run.out());
    assertTrue(lines.get(0).startsWith("SESSION  STATUS  CHECKS  HOLDER  EPOCH  SINCE"), run.out());
    assertTrue(lines.get(1).matches("foo      online  [- ]{6}  gw-1    .*"), run.out());
    assertEquals(lines.get(0).indexOf("REMOTE"), lines.get(1).indexOf("127.0.0.1"), run.out());
    assertEquals(1, asked("sessions", "--after", "foo").out().lines().count());
  }

  @Test
  void watchingShowsThemAgainAndAgain() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            InputStream.nullInputStream(),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            System.err,
            Map.of("WARREN_TOKEN", OPERATOR));
    String[] command = {"sessions", "--watch", "--admin", admin};
    Thread watching = new Thread(() -> Main.run(command, terminal));
    watching.start();
    while (out.toString(StandardCharsets.UTF_8).split("SESSION  STATUS", -1).length < 3) {
      assertTrue(watching.isAlive(), out.toString(StandardCharsets.UTF_8));
      Thread.onSpinWait();
    }
    watching.interrupt();
    watching.join(30_000);
    assertFalse(watching.isAlive());
  }

  @Test
  void oneSessionIsShownWithItsTunnels() {
    Run run = asked("sessions", "show", "foo");
    assertEquals(ExitStatus.OK, run.status(), run.err());
    assertTrue(run.out().startsWith("session         foo\n"), run.out());
    assertTrue(run.out().contains("HOLDER  INCARNATION"), run.out());
    failed(
        asked("sessions", "show", "bar"),
        "warren sessions show failed: " + admin,
        "unknown session: bar");
    failed(asked("sessions", "show", "lab/bar"), "unknown session: lab/bar");
  }

  @Test
  void sessionThatIsClosedLosesItsTunnel() throws Exception {
    try (Agent other =
        Agent.start(
            AgentSettings.builder(
                    SessionKey.of("other"),
                    List.of(
                        GatewayAddress.parse(
                            "ws://127.0.0.1:" + gateway.address().getPort() + "/connect")))
                .eventLoops(1)
                .build())) {
      other.firstUp().get(30, TimeUnit.SECONDS);
      Run run = asked("sessions", "close", "other");
      assertEquals(ExitStatus.OK, run.status(), run.err());
      assertEquals("session other: 1 tunnel closed" + System.lineSeparator(), run.out());
    }
    failed(asked("sessions", "close", "bar"), "unknown session: bar");
  }

  @Test
  void gatewayThatIsAloneHasNoControlPlaneToRestart() {
    failed(
        asked("restart-control-plane", "--all"),
        "warren restart-control-plane failed",
        "gateway gw-1 is alone",
        "--cluster-token-file");
  }

  @Test
  void drainEndsTheGatewaysProcessInGoodOrder() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String at = "http://127.0.0.1:" + port;
    CompletableFuture<Run> ended =
        CompletableFuture.supplyAsync(
            () -> Run.of("gateway", "--listen", "127.0.0.1:0", "--admin-listen", at.substring(7)));
    while (Run.of("status", "--admin", at).status() != ExitStatus.OK) {
      assertFalse(ended.isDone(), "the gateway has ended");
    }
    Run order = Run.of("drain", "--admin", at);
    assertEquals(ExitStatus.OK, order.status(), order.err());
    assertTrue(order.out().contains("drains"), order.out());
    assertEquals(ExitStatus.OK, ended.get(30, TimeUnit.SECONDS).status());
    failed(Run.of("drain", "--admin", at), "cannot connect");
  }

  @Test
  void withoutAGoodTokenItSaysHowToGetOne() {
    failed(Run.of("status", "--admin", admin), "no token", "--token-file", "./warren token admin");
    Run stranger = Run.with("", Map.of("WARREN_TOKEN", STRANGER), "sessions", "--admin", admin);
    failed(stranger, "unknown token");
    assertFalse(stranger.err().contains(STRANGER));
    assertEquals(
        ExitStatus.OK,
        Run.with("", Map.of("WARREN_TOKEN", OPERATOR, "WARREN_ADMIN", admin), "sessions").status());
  }

  @Test
  void tokenOfAnotherKindIsNotEvenSent() {
    String agents = Token.generate(TokenKind.AGENT, new SecureRandom());
    Run run = Run.with("", Map.of("WARREN_TOKEN", agents), "status", "--admin", admin);
    assertEquals(ExitStatus.USAGE, run.status(), run.err());
    assertTrue(run.err().contains("an agent's token (expected: an operator's)"), run.err());
    assertFalse(run.err().contains(agents));
  }

  @Test
  void gatewayThatIsNotThereIsNamedWithWhatToCheck() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    failed(
        Run.of("status", "--admin", "http://127.0.0.1:" + port),
        "warren status failed: http://127.0.0.1:" + port + ": cannot connect",
        "--admin-listen",
        "--admin URL");
  }

  @Test
  void serverThatIsNoGatewayIsToldFromOne() throws Exception {
    HttpServer other =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    other.createContext(
        "/",
        exchange -> {
          byte[] body = "<html>".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    other.start();
    try {
      failed(
          Run.of("status", "--admin", "http://127.0.0.1:" + other.getAddress().getPort()),
          "status 200 without JSON",
          "a gateway's API for operators");
    } finally {
      other.stop(0);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"127.0.0.1:8129", "ftp://gw", "http://", "http://gw/api", "http://a:b@gw", "x y"})
  void wrongUrlIsRefused(String url) {
    Run run = Run.of("status", "--admin", url);
    assertEquals(ExitStatus.USAGE, run.status(), run.err());
    assertTrue(run.err().contains("--admin: \"" + url + "\""), run.err());
    assertTrue(run.err().contains("http://HOST:PORT"), run.err());
  }

  @Test
  void wrongOrMissingArgumentIsRefused() {
    for (String[] wrong :
        new String[][] {
          {"sessions", "show"},
          {"sessions", "close"},
          {"sessions", "show", "a*b"},
          {"sessions", "show", "a", "b"},
          {"sessions", "--limit", "0"},
          {"sessions", "--limit", "501"},
          {"sessions", "foo"},
        }) {
      Run run = Run.of(wrong);
      assertEquals(ExitStatus.USAGE, run.status(), String.join(" ", wrong) + ": " + run.err());
      assertEquals("", run.out());
    }
  }

  @Test
  void helpHasExamplesAndTheFlagsOfEachCommand() {
    for (String[] help :
        new String[][] {
          {"status", "--help"},
          {"sessions", "--help"},
          {"sessions", "show", "--help"},
          {"sessions", "close", "--help"},
          {"restart-control-plane", "--help"},
          {"drain", "--help"}
        }) {
      Run run = Run.of(help);
      assertEquals(ExitStatus.OK, run.status(), run.err());
      for (String part : List.of("--admin", "--token-file", "--json", "Examples:")) {
        assertTrue(run.out().contains(part), part + " in " + run.out());
      }
      assertTrue(run.out().contains("(default: http://127.0.0.1:8129)"), run.out());
    }
    assertTrue(Run.of("sessions", "show", "--help").out().contains("REALM/ID"));
    assertTrue(Run.of("restart-control-plane", "--help").out().contains("--all"));
  }
}

package dev.warren.gateway.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.OpenAuthorizer;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenFileAuthorizer;
import dev.warren.gateway.access.TokenKind;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.watch.FileWatch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The API as clients see it, over real connections. */
@Timeout(60)
class AdminServerTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String OPERATOR = Token.generate(TokenKind.ADMIN, RANDOM);
  private static final String OF_FOO_ONLY = Token.generate(TokenKind.ADMIN, RANDOM);
  private static final String STRANGER = Token.generate(TokenKind.ADMIN, RANDOM);
  private static final String AGENT = Token.generate(TokenKind.AGENT, RANDOM);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static final FakeOperations OPERATIONS = new FakeOperations();
  private static AdminServer open;
  private static AdminServer guarded;
  private static InetSocketAddress openAddress;
  private static InetSocketAddress guardedAddress;

  @TempDir static Path directory;

  @BeforeAll
  static void start() throws Exception {
    Path tokens = directory.resolve("admin.tokens");
    // An agent's token is no operator's, even where somebody put it into the file.
    Files.writeString(
        tokens,
        Token.hash(OPERATOR)
            + " */* alice\n"
            + Token.hash(OF_FOO_ONLY)
            + " foo bob\n"
            + Token.hash(AGENT)
            + " */* agent\n");
    open = AdminServer.start(loopback(Optional.empty()), new OpenAuthorizer(), OPERATIONS);
    Authorizer authorizer =
        TokenFileAuthorizer.ofOperators(Optional.of(tokens), FileWatch.manual());
    guarded = AdminServer.start(loopback(Optional.of(tokens)), authorizer, OPERATIONS);
    openAddress = open.address().toCompletableFuture().get(30, TimeUnit.SECONDS);
    guardedAddress = guarded.address().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private static GatewaySettings.Admin loopback(Optional<Path> tokens) {
    return new GatewaySettings.Admin(
        Optional.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)), tokens);
  }

  @AfterAll
  static void stop() throws Exception {
    open.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    guarded.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  @BeforeEach
  void forget() {
    OPERATIONS.asked.clear();
    OPERATIONS.failure = null;
  }

  private static HttpResponse<String> send(String method, String path) throws Exception {
    return send(openAddress, method, path, "");
  }

  private static HttpResponse<String> send(
      InetSocketAddress address, String method, String path, String authorization)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address.getPort() + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (!authorization.isEmpty()) {
      request.header("Authorization", authorization);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** For heads that java.net.http will not send. */
  private static String raw(InetSocketAddress address, String... lines) throws IOException {
    try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
      socket.setSoTimeout(20_000);
      String head = String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void problem(HttpResponse<String> response, int status, String part)
      throws IOException {
    assertEquals(status, response.statusCode(), response.body());
    assertEquals(
        "application/problem+json", response.headers().firstValue("Content-Type").orElse(""));
    JsonNode problem = JSON.readTree(response.body());
    assertEquals(status, problem.get("status").asInt());
    assertTrue(problem.get("detail").asText().contains(part), response.body());
  }

  @Test
  void statusHasItsDocumentedNames() throws Exception {
    HttpResponse<String> response = send("GET", "/api/v1/status");
    assertEquals(200, response.statusCode());
    assertEquals("application/json", response.headers().firstValue("Content-Type").orElse(""));
    assertEquals("no-store", response.headers().firstValue("Cache-Control").orElse(""));
    assertEquals(
        "{\"gateway\":{\"id\":\"gw-1\",\"incarnation\":\"aa\",\"version\":\"1.0\","
            + "\"since\":\"2026-03-01T10:00:00.123Z\",\"ready\":true,\"draining\":false,"
            + "\"listen\":\"127.0.0.1:8123\"},"
            + "\"control\":{\"state\":\"none\",\"members\":[],\"restarts\":0},"
            + "\"links\":[],"
            + "\"sessions\":{\"online\":1,\"ownTunnels\":1,\"waitingDials\":0,\"entitiesHere\":0},"
            + "\"dials\":{\"dials\":9,\"opened\":8,\"failed\":1,\"again\":0,\"hedged\":0,"
            + "\"waited\":0,\"askedControlPlane\":0,\"viaPeers\":0},"
            + "\"refusedHandshakes\":{\"total\":0,\"byReason\":{}},"
            + "\"memory\":{\"heapUsed\":1,\"heapMax\":2,\"creditInUse\":3,\"creditLimit\":4,"
            + "\"relayInUse\":5,\"relayLimit\":6}}\n",
        response.body());
  }

  @Test
  void sessionsHaveTheirDocumentedNames() throws Exception {
    assertEquals(
        "{\"sessions\":[{\"session\":\"foo\",\"realm\":\"_\",\"id\":\"foo\",\"status\":\"online\",\"since\":\"2026-03-01T10:00:00.123Z\","
            + "\"tunnels\":[{\"holder\":\"gw-1\",\"holderIncarnation\":\"aa\",\"instance\":\"bb\","
            + "\"connection\":3,\"epoch\":7,\"draining\":false,"
            + "\"since\":\"2026-03-01T10:00:00.123Z\",\"remote\":\"10.0.0.9:4711\","
            + "\"software\":\"warren-agent/1\",\"roundTripMillis\":1.25,\"streams\":2,"
            + "\"bytesReceived\":3,\"bytesSent\":4}],\"lastConnected\":\"2026-03-01T10:00:00.123Z\","
            + "\"entity\":{\"gateway\":\"gw-2\"}}],\"more\":false,\"silent\":[],"
            + "\"control\":\"answered\"}\n",
        send("GET", "/api/v1/sessions").body());
    send("GET", "/api/v1/sessions?after=lab/foo&limit=7");
    assertEquals(List.of("sessions null 500", "sessions lab/foo 7"), OPERATIONS.questions());
  }

  @Test
  void sessionIsNamedByItsIdOrByRealmAndIdInTwoWays() throws Exception {
    assertEquals(200, send("GET", "/api/v1/sessions/foo").statusCode());
    assertEquals(200, send("GET", "/api/v1/sessions/lab/foo").statusCode());
    assertEquals(200, send("GET", "/api/v1/sessions/lab%2Ffoo").statusCode());
    assertEquals(
        List.of("session foo", "session lab/foo", "session lab/foo"), OPERATIONS.questions());
  }

  @Test
  void unknownSessionIs404AndOneThatNobodyCanTellIs503() throws Exception {
    problem(send("GET", "/api/v1/sessions/bar"), 404, "unknown session: bar");
    problem(send("DELETE", "/api/v1/sessions/lab/bar"), 404, "unknown session: lab/bar");
    problem(send("GET", "/api/v1/sessions/unheard"), 503, "nobody answers");
  }

  @Test
  void closingSaysHowManyTunnelsWereEnded() throws Exception {
    HttpResponse<String> response = send("DELETE", "/api/v1/sessions/foo");
    assertEquals(200, response.statusCode());
    assertEquals("{\"closed\":2,\"unconfirmed\":0,\"control\":\"answered\"}\n", response.body());
  }

  @Test
  void restartIsAcceptedForThisGatewayOrForAll() throws Exception {
    HttpResponse<String> response = send("POST", "/api/v1/control-plane/restart");
    assertEquals(202, response.statusCode());
    assertEquals("{\"restarting\":\"this\"}\n", response.body());
    assertEquals(
        "{\"restarting\":\"all\"}\n",
        send("POST", "/api/v1/control-plane/restart?all=true").body());
    assertEquals(
        List.of("restart false by order of an operator", "restart true by order of an operator"),
        OPERATIONS.questions());
  }

  @Test
  void drainIsAcceptedForThisGateway() throws Exception {
    HttpResponse<String> response = send("POST", "/api/v1/drain");
    assertEquals(202, response.statusCode());
    assertEquals("{\"draining\":true}\n", response.body());
    assertEquals(List.of("drain"), OPERATIONS.questions());
    problem(send("GET", "/api/v1/drain"), 405, "POST");
    problem(send(guardedAddress, "POST", "/api/v1/drain", "Bearer " + OF_FOO_ONLY), 403, "");
  }

  @Test
  void eventsTellWhatBecomesOfSessionsWhileItHappens() throws Exception {
    List<InputStream> clients = new ArrayList<>();
    try {
      for (int i = 0; i < SessionFeed.MAX_LISTENERS; i++) {
        HttpResponse<InputStream> response = events();
        assertEquals(200, response.statusCode());
        assertTrue(
            response
                .headers()
                .firstValue("Content-Type")
                .orElse("")
                .startsWith("text/event-stream"));
        clients.add(response.body());
      }
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(clients.get(0), StandardCharsets.UTF_8));
      assertEquals(": still here", lines.readLine());
      while (OPERATIONS.feed.listeners() < clients.size()) {
        Thread.onSpinWait();
      }
      problem(send("GET", "/api/v1/events"), 503, "listen already");
      FakeTunnel tunnel = new FakeTunnel("foo", 0);
      OPERATIONS.table.admit(tunnel, tunnel.hello());
      OPERATIONS.table.welcomed(tunnel);
      assertEquals(
          List.of(
              "",
              "id: 1",
              "event: online",
              "data: {\"session\":\"foo\",\"realm\":\"_\",\"id\":\"foo\","
                  + "\"at\":\"2026-03-01T10:00:00.123Z\",\"holders\":[\"gw-1\"],\"before\":[]}",
              ""),
          lines.lines().limit(5).toList());
      OPERATIONS.table.lost(tunnel, RouteTable.Removal.LOST);
      assertEquals(List.of("id: 2", "event: offline"), lines.lines().limit(2).toList());
    } finally {
      for (InputStream client : clients) {
        client.close();
      }
    }
  }

  private static HttpResponse<InputStream> events() throws Exception {
    return CLIENT.send(
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + openAddress.getPort() + "/api/v1/events"))
            .build(),
        HttpResponse.BodyHandlers.ofInputStream());
  }

  @Test
  void restartWithoutAControlPlaneIs409() throws Exception {
    OPERATIONS.failure = new Operations.NoClusterException("gateway gw-1 is alone");
    problem(send("POST", "/api/v1/control-plane/restart"), 409, "gw-1 is alone");
  }

  @Test
  void whatBreaksInsideIsToldToTheLogAndNotToTheClient() throws Exception {
    OPERATIONS.failure = new IllegalStateException("a secret of the inside");
    HttpResponse<String> response = send("GET", "/api/v1/status");
    problem(response, 500, "log");
    assertFalse(response.body().contains("secret"), response.body());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/api/v1", "/api/v2/status", "/api/v1/sessions/a/b/c", "/status"})
  void unknownPathIs404(String path) throws Exception {
    problem(send("GET", path), 404, "no such path");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST | /api/v1/status | GET",
        "DELETE | /api/v1/sessions | GET",
        "PUT | /api/v1/sessions/foo | DELETE, GET",
        "GET | /api/v1/control-plane/restart | POST",
      })
  void methodThatAPathDoesNotHaveIs405(String method, String path, String allow) throws Exception {
    HttpResponse<String> response = send(method, path);
    problem(response, 405, allow);
    assertEquals(allow, response.headers().firstValue("Allow").orElse(""));
    assertEquals(List.of(), OPERATIONS.questions());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | /api/v1/sessions?limit=0 | limit: \"0\" (expected: 1 to 500)",
        "GET | /api/v1/sessions?limit=501 | limit: \"501\" (expected: 1 to 500)",
        "GET | /api/v1/sessions?limit=many | limit: \"many\"",
        "GET | /api/v1/sessions?after=a%2Ab | after: agent id \"a*b\"",
        "GET | /api/v1/sessions?befor=x | parameter: \"befor\" (expected: after or limit)",
        "GET | /api/v1/sessions/a*b | session: agent id \"a*b\"",
        "DELETE | /api/v1/sessions/,, | session: agent id \",,\"",
        "POST | /api/v1/control-plane/restart?all=yes | all: \"yes\" (expected: true or false)",
      })
  void badValueIs400AndNamed(String method, String path, String part) throws Exception {
    problem(send(method, path), 400, part);
    assertEquals(List.of(), OPERATIONS.questions());
  }

  @Test
  void bodyIsReadUpToItsLimitAndRefusedBeyond() throws Exception {
    URI uri =
        URI.create("http://127.0.0.1:" + openAddress.getPort() + "/api/v1/control-plane/restart");
    for (int over = 0; over <= 1; over++) {
      byte[] body = new byte[(int) AdminRoutes.MAX_BODY_BYTES + over];
      HttpResponse<String> response =
          CLIENT.send(
              HttpRequest.newBuilder(uri)
                  .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertEquals(over == 0 ? 202 : 413, response.statusCode(), response.body());
    }
  }

  // ---- web pages of others ----

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:8129, 200",
    "localhost, 200",
    "LOCALHOST:9999, 200",
    "127.9.9.9, 200",
    "[::1]:8129, 200",
    "evil.example, 403",
    "evil.example:8129, 403",
    "localhost.evil.example, 403",
    "10.0.0.1, 403",
    "127.0.0.1.evil.example:8129, 403",
  })
  void withoutTokensOnlyALoopbackHostIsAnswered(String host, int status) throws Exception {
    String answer = raw(openAddress, "GET /api/v1/status HTTP/1.1", "Host: " + host);
    assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
    assertEquals(status == 200 ? 1 : 0, OPERATIONS.questions().size());
  }

  @Test
  void requestWithoutAHostIsRefused() throws Exception {
    String answer = raw(openAddress, "POST /api/v1/control-plane/restart HTTP/1.0");
    assertTrue(answer.startsWith("HTTP/1.1 400 "), answer); // by Pekko itself
    assertEquals(List.of(), OPERATIONS.questions());
  }

  @Test
  void withTokensAnyHostIsAnswered() throws Exception {
    String answer =
        raw(
            guardedAddress,
            "GET /api/v1/status HTTP/1.1",
            "Host: gw.example.org",
            "Authorization: Bearer " + OPERATOR);
    assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
  }

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:8129, 202",
    "https://127.0.0.1:8129, 202",
    "http://127.0.0.1:8130, 403",
    "http://localhost:8129, 403",
    "http://evil.example, 403",
    "null, 403",
    "'', 403",
  })
  void pageOfAnotherOriginMayOrderNothing(String origin, int status) throws Exception {
    String answer =
        raw(
            openAddress,
            "POST /api/v1/control-plane/restart HTTP/1.1",
            "Host: 127.0.0.1:8129",
            "Origin: " + origin,
            "Content-Length: 0");
    assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
    assertEquals(status == 202 ? 1 : 0, OPERATIONS.questions().size());
  }

  @Test
  void pageOfAnotherOriginMayNotEvenWithAToken() throws Exception {
    String answer =
        raw(
            guardedAddress,
            "GET /api/v1/status HTTP/1.1",
            "Host: gw.example.org",
            "Origin: http://evil.example",
            "Authorization: Bearer " + OPERATOR);
    assertTrue(answer.startsWith("HTTP/1.1 403 "), answer);
  }

  // ---- tokens ----

  @Test
  void withoutAGoodTokenEveryPathIs401() throws Exception {
    for (String authorization :
        List.of("", "Bearer " + STRANGER, "Bearer " + AGENT, "Basic YTpi", "Bearer ", "x")) {
      for (String path : List.of("/api/v1/status", "/api/v1/sessions", "/api/v1/sessions/foo")) {
        HttpResponse<String> response = send(guardedAddress, "GET", path, authorization);
        problem(response, 401, "");
        assertEquals(
            Authorizer.CHALLENGE, response.headers().firstValue("WWW-Authenticate").orElse(""));
        assertFalse(response.body().contains(STRANGER), "the answer shows the token");
      }
      problem(
          send(guardedAddress, "POST", "/api/v1/control-plane/restart", authorization), 401, "");
      problem(send(guardedAddress, "DELETE", "/api/v1/sessions/foo", authorization), 401, "");
    }
    assertEquals(List.of(), OPERATIONS.questions());
  }

  @Test
  void operatorIsNamedInWhatTheyOrder() throws Exception {
    String authorization = "Bearer " + OPERATOR;
    assertEquals(
        202,
        send(guardedAddress, "POST", "/api/v1/control-plane/restart", authorization).statusCode());
    assertEquals(200, send(guardedAddress, "GET", "/api/v1/status", authorization).statusCode());
    assertEquals(List.of("restart false by order of alice", "status"), OPERATIONS.questions());
  }

  @Test
  void tokenForSomeSessionsSeesAndClosesTheseAndNothingElse() throws Exception {
    String authorization = "Bearer " + OF_FOO_ONLY;
    assertEquals(
        200, send(guardedAddress, "GET", "/api/v1/sessions/foo", authorization).statusCode());
    assertEquals(
        200, send(guardedAddress, "DELETE", "/api/v1/sessions/foo", authorization).statusCode());
    problem(
        send(guardedAddress, "GET", "/api/v1/sessions/bar", authorization),
        403,
        "the token of bob may not administer bar");
    for (String path : List.of("/api/v1/status", "/api/v1/sessions")) {
      problem(send(guardedAddress, "GET", path, authorization), 403, "*/*");
    }
    problem(
        send(guardedAddress, "POST", "/api/v1/control-plane/restart", authorization), 403, "*/*");
  }

  // ---- start and end ----

  @Test
  void addressThatIsTakenIsRefusedBeforeAnythingStarts() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      InetSocketAddress address = (InetSocketAddress) taken.getLocalSocketAddress();
      IOException refused =
          assertThrows(
              IOException.class,
              () ->
                  AdminServer.check(
                      new GatewaySettings.Admin(Optional.of(address), Optional.empty())));
      assertTrue(
          refused.getMessage().contains("--admin-listen: cannot bind 127.0.0.1:"),
          refused.getMessage());
    }
  }

  /** Whether or not the usual port is taken on this machine, the second finds another one. */
  @Test
  void withoutAnAddressTwoServersFindTheirPlaces() throws Exception {
    AdminServer first =
        AdminServer.start(GatewaySettings.Admin.DEFAULT, new OpenAuthorizer(), OPERATIONS);
    InetSocketAddress firstAddress =
        first.address().toCompletableFuture().get(30, TimeUnit.SECONDS);
    AdminServer second =
        AdminServer.start(GatewaySettings.Admin.DEFAULT, new OpenAuthorizer(), OPERATIONS);
    InetSocketAddress secondAddress =
        second.address().toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertTrue(firstAddress.getPort() != secondAddress.getPort());
    assertTrue(secondAddress.getAddress().isLoopbackAddress());
    assertEquals(200, send(secondAddress, "GET", "/api/v1/status", "").statusCode());
    first.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    second.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    assertThrows(IOException.class, () -> new Socket("127.0.0.1", secondAddress.getPort()).close());
  }

  @Test
  void closedBeforeItHasStartedItLeavesNothing() throws Exception {
    AdminServer server =
        AdminServer.start(loopback(Optional.empty()), new OpenAuthorizer(), OPERATIONS);
    server.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    server.close().toCompletableFuture().get(30, TimeUnit.SECONDS);
    Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("warren-admin"))
        .forEach(thread -> assertTrue(thread.isDaemon(), thread.getName()));
  }
}

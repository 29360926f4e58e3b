package dev.warren.cli.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.agent.connect.TokenSource;
import dev.warren.agent.pool.TunnelStatus;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With token files: who may attach, who may dial, and that no target sees a credential of ours. */
@Timeout(60)
class AccessTest {
  @TempDir private static Path directory;
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String AGENT = Token.generate(TokenKind.AGENT, RANDOM);
  private static final String CALLER = Token.generate(TokenKind.CALLER, RANDOM);
  private static final String STRANGER = Token.generate(TokenKind.CALLER, RANDOM);
  private static Stage stage;
  private static Origin origin;

  @BeforeAll
  static void start() throws Exception {
    Path agents = directory.resolve("agents.tokens");
    Path callers = directory.resolve("callers.tokens");
    Files.writeString(agents, Token.hash(AGENT) + " foo\n");
    Files.writeString(
        callers, Token.hash(CALLER) + " foo alice\n" + Token.hash(STRANGER) + " bar bob\n");
    stage =
        Stage.start(
            1,
            gateway ->
                gateway.tokens(
                    new GatewaySettings.Tokens(Optional.of(agents), Optional.of(callers))),
            agent -> agent.token(TokenSource.literal(AGENT)));
    origin =
        Origin.start(
            connection -> {
              while (true) {
                Message request = connection.message();
                origin.tell(request.start() + "\n" + String.join("\n", request.lines()));
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
              }
            });
  }

  @AfterAll
  static void stop() throws IOException {
    origin.close();
    stage.close();
  }

  private static Message get(String... headers) throws IOException {
    try (Wire caller = stage.caller()) {
      String[] lines = new String[headers.length + 2];
      lines[0] = "GET " + Stage.path(origin, "/x") + " HTTP/1.1";
      lines[1] = "Host: gateway";
      System.arraycopy(headers, 0, lines, 2, headers.length);
      Message answer = caller.head(lines).message();
      answer.body(caller.in);
      return answer;
    }
  }

  private static String basic(String token) {
    return Base64.getEncoder().encodeToString(("any:" + token).getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void aCallerWithoutATokenIs401AndOneOfAnotherSession403() throws Exception {
    Message none = get();
    assertEquals(401, none.status());
    assertNotNull(none.header("www-authenticate"));
    assertEquals(401, get("Authorization: Bearer " + CALLER).status()); // belongs to the target
    assertEquals(401, get("X-Warren-Authorization: Bearer " + CALLER + "x").status());
    assertEquals(401, get("X-Warren-Authorization: Bearer " + AGENT).status()); // another kind
    assertEquals(403, get("X-Warren-Authorization: Bearer " + STRANGER).status());
    assertTrue(origin.rest().isEmpty(), "the target saw " + origin.rest());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Proxy-Authorization: Bearer %s",
        "Proxy-Authorization: Basic %b",
        "X-Warren-Authorization: Bearer %s",
        "x-warren-authorization: bearer %s"
      })
  void theTargetSeesNoHeaderOfOurs(String header) throws Exception {
    String own = header.replace("%s", CALLER).replace("%b", basic(CALLER));
    assertEquals(200, get(own, "Authorization: Bearer its-own", "X-Tunnel-ID: foo").status());
    String seen = origin.told().toLowerCase(Locale.ROOT);
    assertFalse(seen.contains(CALLER.toLowerCase(Locale.ROOT)), seen);
    assertFalse(seen.contains(basic(CALLER).toLowerCase(Locale.ROOT)), seen);
    assertFalse(seen.contains("warren"), seen);
    assertFalse(seen.contains("x-tunnel"), seen);
    assertFalse(seen.contains("proxy-"), seen);
    assertTrue(seen.contains("authorization: bearer its-own"), seen);
  }

  /** What the gateway says to an agent, as that one tells it. */
  private static String refusal(String id, TokenSource token) throws Exception {
    BlockingQueue<TunnelStatus> changes = new LinkedBlockingQueue<>();
    try (Agent agent =
        Agent.start(
            Stage.agentSettings(stage.gateway.address().getPort(), id).token(token).build(),
            changes::add)) {
      while (true) {
        TunnelStatus change = changes.poll(30, TimeUnit.SECONDS);
        assertNotNull(change, "no change within 30 s");
        if (!change.reason().isEmpty()) {
          return change.reason();
        }
      }
    }
  }

  @Test
  void anAgentWithAWrongTokenIs401AndWithTheRightOneForAnotherId403() throws Exception {
    String wrong = refusal("foo", TokenSource.literal(Token.generate(TokenKind.AGENT, RANDOM)));
    assertTrue(wrong.contains("401"), wrong);
    String none = refusal("foo", TokenSource.NONE);
    assertTrue(none.contains("401"), none);
    String other = refusal("bar", TokenSource.literal(AGENT));
    assertTrue(other.contains("403"), other);
    assertEquals(1, stage.gateway.sessions());
  }
}

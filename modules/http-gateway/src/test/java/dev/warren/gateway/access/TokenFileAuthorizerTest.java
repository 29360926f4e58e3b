package dev.warren.gateway.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Decision.Allowed;
import dev.warren.gateway.access.Decision.Forbidden;
import dev.warren.gateway.access.Decision.Unauthenticated;
import dev.warren.peer.watch.FileWatch;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileAuthorizerTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String AGENT = Token.generate(TokenKind.AGENT, RANDOM);
  private static final String CALLER = Token.generate(TokenKind.CALLER, RANDOM);
  private static final Decision AS_PRINTER = new Allowed(new Principal("printer"));
  private static final Decision AS_CI = new Allowed(new Principal("ci"));

  private final FileWatch watch = FileWatch.manual();

  @TempDir Path directory;
  private Path agents;
  private Path callers;
  private Authorizer authorizer;

  @BeforeEach
  void files() throws IOException {
    agents = directory.resolve("agents.tokens");
    callers = directory.resolve("callers.tokens");
    Files.writeString(agents, Token.hash(AGENT) + " foo printer\n");
    Files.writeString(callers, Token.hash(CALLER) + " foo,web-* ci\n");
    authorizer = of(Optional.of(agents), Optional.of(callers));
  }

  private Authorizer of(Optional<Path> agentFile, Optional<Path> callerFile) {
    return TokenFileAuthorizer.of(new GatewaySettings.Tokens(agentFile, callerFile), watch);
  }

  private Decision attach(String session, String... headers) {
    return authorizer.judge(request(Action.ATTACH, session, headers));
  }

  private Decision dial(String session, String... headers) {
    return authorizer.judge(request(Action.DIAL, session, headers));
  }

  private static AccessRequest request(Action action, String session, String... headers) {
    HttpHeaders all = new DefaultHttpHeaders();
    for (int i = 0; i < headers.length; i += 2) {
      all.add(headers[i], headers[i + 1]);
    }
    HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/", all);
    return new AccessRequest(
        action,
        head,
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 1),
        SessionKey.of(session),
        action == Action.DIAL ? Target.parse("127.0.0.1:80") : null);
  }

  private static String basic(String pair) {
    return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void agentIsAdmittedByEitherHeader() {
    assertEquals(AS_PRINTER, attach("foo", "Authorization", "Bearer " + AGENT));
    assertEquals(AS_PRINTER, attach("foo", "authorization", "bearer  " + AGENT));
    assertEquals(AS_PRINTER, attach("foo", "X-Tunnel-Token", AGENT));
    assertEquals(AS_PRINTER, attach("foo", "X-Tunnel-Token", AGENT, "Authorization", "Basic eDp5"));
  }

  @Test
  void callerIsAdmittedByEachHeaderAndScheme() {
    assertEquals(AS_CI, dial("foo", "Proxy-Authorization", "Bearer " + CALLER));
    assertEquals(AS_CI, dial("web-1", "X-Warren-Authorization", "Bearer " + CALLER));
    assertEquals(AS_CI, dial("foo", "Proxy-Authorization", basic("anybody:" + CALLER)));
    assertEquals(AS_CI, dial("foo", "Proxy-Authorization", basic(":" + CALLER)));
    assertEquals(AS_CI, dial("foo", "Proxy-Authorization", basic(CALLER + ":")));
    assertEquals(
        AS_CI,
        dial(
            "foo", "Proxy-Authorization", "Bearer x", "X-Warren-Authorization", "Bearer " + CALLER),
        "ours counts first: the other may be meant for a proxy on the way");
  }

  @Test
  void authorizationOfACallerBelongsToTheTarget() {
    assertInstanceOf(Unauthenticated.class, dial("foo", "Authorization", "Bearer " + CALLER));
  }

  @Test
  void withoutATokenTheAnswerSaysHowToShowOne() {
    Unauthenticated agent = assertInstanceOf(Unauthenticated.class, attach("foo"));
    assertTrue(agent.detail().contains("X-Tunnel-Token"), agent.detail());
    Unauthenticated caller = assertInstanceOf(Unauthenticated.class, dial("foo"));
    assertTrue(caller.detail().contains("Proxy-Authorization"), caller.detail());
  }

  @Test
  void unknownOrUnreadableCredentialsAreUnauthenticatedAndNotShown() {
    for (String value :
        new String[] {
          "Bearer secret-guess",
          "Bearer",
          "Bearer ",
          "Digest secret-guess",
          basic("a:secret-guess"),
          "Basic ?secret-guess",
          "Bearer " + "secret-guess".repeat(100),
        }) {
      Unauthenticated refused =
          assertInstanceOf(Unauthenticated.class, dial("foo", "Proxy-Authorization", value), value);
      assertFalse(refused.detail().contains("secret-guess"), refused.detail());
    }
  }

  @Test
  void headerGivenTwiceIsRefused() {
    String bearer = "Bearer " + CALLER;
    assertInstanceOf(
        Unauthenticated.class,
        dial("foo", "Proxy-Authorization", bearer, "Proxy-Authorization", bearer));
  }

  @Test
  void rightTokenForAnotherSessionIsForbidden() {
    Forbidden agent = assertInstanceOf(Forbidden.class, attach("bar", "X-Tunnel-Token", AGENT));
    assertEquals("the token of printer may not attach as bar", agent.detail());
    Forbidden caller =
        assertInstanceOf(
            Forbidden.class, dial("staging/foo", "Proxy-Authorization", "Bearer " + CALLER));
    assertEquals("the token of ci may not dial through staging/foo", caller.detail());
  }

  @Test
  void tokenOfOneKindNeverServesForTheOtherEvenIfTheFileHasIt() throws IOException {
    Files.writeString(agents, Token.hash(CALLER) + " *\n");
    Files.writeString(callers, Token.hash(AGENT) + " *\n");
    watch.look();
    assertInstanceOf(Unauthenticated.class, attach("foo", "X-Tunnel-Token", CALLER));
    assertInstanceOf(Unauthenticated.class, dial("foo", "Proxy-Authorization", "Bearer " + AGENT));
  }

  @Test
  void changedFileHoldsAndABrokenOrLostOneKeepsTheOldRules() throws IOException {
    Files.writeString(agents, Token.hash(AGENT) + " bar printer\n");
    watch.look();
    assertEquals(AS_PRINTER, attach("bar", "X-Tunnel-Token", AGENT));
    assertInstanceOf(Forbidden.class, attach("foo", "X-Tunnel-Token", AGENT));

    Files.writeString(agents, "nonsense\n");
    watch.look();
    assertEquals(AS_PRINTER, attach("bar", "X-Tunnel-Token", AGENT));

    Files.delete(agents);
    watch.look();
    assertEquals(AS_PRINTER, attach("bar", "X-Tunnel-Token", AGENT));

    Files.writeString(agents, "# nobody any more\n");
    watch.look();
    assertInstanceOf(Unauthenticated.class, attach("bar", "X-Tunnel-Token", AGENT));
  }

  @Test
  void whereAFileIsNotGivenNobodyOfThatKindNeedsAToken() {
    Decision anybody = new Allowed(Principal.ANONYMOUS);
    authorizer = of(Optional.of(agents), Optional.empty());
    assertInstanceOf(Unauthenticated.class, attach("foo"));
    assertEquals(anybody, dial("foo"));
    authorizer = of(Optional.empty(), Optional.empty());
    assertInstanceOf(OpenAuthorizer.class, authorizer);
    assertEquals(anybody, attach("foo"));
    assertEquals(anybody, dial("foo"));
  }

  @Test
  void operatorsHaveNoTokensHere() {
    assertInstanceOf(
        Forbidden.class,
        authorizer.judge(request(Action.ADMIN, "foo", "Proxy-Authorization", "Bearer " + CALLER)));
  }

  @Test
  void wrongFileStopsTheStartAndNamesTheFlag() {
    Path missing = directory.resolve("missing");
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> of(Optional.of(missing), Optional.empty()))
            .getMessage();
    assertTrue(message.startsWith("--agent-tokens: there is no file " + missing), message);
  }

  @Test
  void noHeaderOfOursGoesOn() {
    HttpHeaders headers = new DefaultHttpHeaders();
    headers
        .add("X-Warren-Authorization", "a")
        .add("Proxy-Authorization", "b")
        .add("X-Tunnel-Token", "c")
        .add("X-Tunnel-ID", "d")
        .add("Authorization", "the target's");
    CredentialHeaders.stripFrom(headers);
    assertEquals(1, headers.size());
    assertEquals("the target's", headers.get("authorization"));
  }
}

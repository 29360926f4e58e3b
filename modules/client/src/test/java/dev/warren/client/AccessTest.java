package dev.warren.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.client.DialException.Reason;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may call, and what for: told before anything is dialled. */
@Timeout(60)
class AccessTest {
  private static final String TOKEN = Token.generate(TokenKind.CALLER, new SecureRandom());
  private static final String STRANGER = Token.generate(TokenKind.CALLER, new SecureRandom());

  @TempDir static Path directory;
  private static Gateway gateway;
  private static String url;

  @BeforeAll
  static void start() throws Exception {
    Path callers =
        Files.writeString(
            directory.resolve("callers.tokens"), Token.hash(TOKEN) + " foo,bar-* alice\n");
    gateway =
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(1)
                .tokens(new GatewaySettings.Tokens(Optional.empty(), Optional.of(callers)))
                .build());
    url = "http://127.0.0.1:" + gateway.address().getPort();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static DialException refused(CallerToken token, String session) {
    try (Warren warren = Warren.connect(WarrenSettings.of(url).withToken(token))) {
      Session wanted = warren.session(session);
      return assertThrows(DialException.class, () -> wanted.connect("127.0.0.1:1"));
    }
  }

  @Test
  void withoutATokenOrWithAWrongOneNobodyGetsALine() throws Exception {
    assertEquals(Reason.UNAUTHORIZED, refused(CallerToken.NONE, "foo").reason());
    DialException why = refused(CallerToken.of(STRANGER), "foo");
    assertEquals(Reason.UNAUTHORIZED, why.reason());
    assertTrue(!why.getMessage().contains(STRANGER), why.getMessage());
  }

  @Test
  void aTokenIsGoodForItsSessionsOnly() throws Exception {
    assertEquals(Reason.FORBIDDEN, refused(CallerToken.of(TOKEN), "other").reason());
    assertEquals(Reason.UNKNOWN_SESSION, refused(CallerToken.of(TOKEN), "foo").reason());
    Path file = Files.writeString(directory.resolve("token"), TOKEN + "\n");
    assertEquals(Reason.UNKNOWN_SESSION, refused(CallerToken.file(file), "bar-1").reason());
  }

  @Test
  void aTokenThatCannotBeReadIsNoToken() throws IOException {
    DialException why = refused(CallerToken.file(directory.resolve("missing")), "foo");
    assertEquals(Reason.UNAUTHORIZED, why.reason());
    assertThrows(IllegalArgumentException.class, () -> CallerToken.of("two words"));
  }

  @Test
  void gatewaysThatAreNoneAreRefusedAtOnce() {
    for (String wrong :
        new String[] {"", "gw:8123", "ftp://gw", "http://", "http://u:p@gw", "http://gw?x"}) {
      IllegalArgumentException why =
          assertThrows(IllegalArgumentException.class, () -> Warren.connect(wrong, ""), wrong);
      assertTrue(why.getMessage().contains("expected"), why.getMessage());
      assertTrue(!why.getMessage().contains("u:p"), why.getMessage());
    }
    assertEquals("wss://gw:443/x/dial", GatewayUrl.parse("https://gw/x/").uri().toString());
    assertEquals("ws://gw:80/dial", GatewayUrl.parse("http://gw").uri().toString());
  }
}

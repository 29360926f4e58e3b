package dev.warren.gateway;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.GatewaySettings.Limits;
import dev.warren.gateway.GatewaySettings.Proxies;
import dev.warren.gateway.GatewaySettings.Targets;
import dev.warren.gateway.GatewaySettings.Tls;
import dev.warren.gateway.GatewaySettings.Tokens;
import dev.warren.gateway.net.TrustedProxies;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GatewaySettingsTest {
  private static final InetSocketAddress EVERYWHERE = new InetSocketAddress("0.0.0.0", 8123);
  private static final Optional<Path> AGENTS = Optional.of(Path.of("agents.tokens"));
  private static final Optional<Path> CALLERS = Optional.of(Path.of("callers.tokens"));
  private static final Optional<Path> CERTIFICATE = Optional.of(Path.of("chain.pem"));
  private static final Optional<Path> KEY = Optional.of(Path.of("key.pem"));
  private static final Tokens BOTH = new Tokens(AGENTS, CALLERS);
  private static final Tls TLS = new Tls(CERTIFICATE, KEY, false);
  private static final Tls BEHIND = new Tls(Optional.empty(), Optional.empty(), true);

  private static String refusal(Executable made) {
    String message = assertThrows(IllegalArgumentException.class, made).getMessage();
    assertTrue(message.contains("expected"), message);
    return message;
  }

  private static void start(Tokens tokens, Tls tls) {
    GatewaySettings.builder().listen(EVERYWHERE).tokens(tokens).tls(tls).build();
  }

  @Test
  void defaultsAreSafe() {
    GatewaySettings settings = GatewaySettings.builder().build();
    assertTrue(settings.listen().getAddress().isLoopbackAddress());
    assertEquals(8123, settings.listen().getPort());
    assertFalse(settings.targets().insecure());
  }

  @Test
  void offLoopbackWithoutAnythingIsRefusedWithEveryCommandThatHelps() {
    String message = refusal(() -> start(Tokens.NONE, Tls.NONE));
    assertTrue(message.startsWith("--listen: 0.0.0.0:8123 "), message);
    assertTrue(message.contains("./warren token agent"), message);
    assertTrue(message.contains("./warren token caller"), message);
    assertTrue(message.contains("--behind-tls-proxy"), message);
  }

  @Test
  void offLoopbackOnlyWhatIsMissingIsNamed() {
    String callers = refusal(() -> start(new Tokens(AGENTS, Optional.empty()), TLS));
    assertFalse(callers.contains("--agent-tokens"), callers);
    assertTrue(callers.contains("--caller-tokens"), callers);
    String agents = refusal(() -> start(new Tokens(Optional.empty(), CALLERS), TLS));
    assertTrue(agents.contains("--agent-tokens"), agents);
    assertFalse(agents.contains("--caller-tokens"), agents);
    String tls = refusal(() -> start(BOTH, Tls.NONE));
    assertFalse(tls.contains("./warren token"), tls);
    assertTrue(tls.contains("--tls-cert"), tls);
  }

  @Test
  void offLoopbackWithTokensAndTlsOrAProxyIsFine() {
    assertDoesNotThrow(() -> start(BOTH, TLS));
    assertDoesNotThrow(() -> start(BOTH, BEHIND));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.8.9.10", "::1"})
  void loopbackNeedsNothing(String address) {
    InetSocketAddress listen = new InetSocketAddress(address, 0);
    assertDoesNotThrow(() -> GatewaySettings.builder().listen(listen).build());
  }

  @Test
  void unresolvedAddressIsRefused() {
    InetSocketAddress unresolved = InetSocketAddress.createUnresolved("nowhere.invalid", 1);
    assertTrue(
        refusal(() -> GatewaySettings.builder().listen(unresolved).build())
            .contains("nowhere.invalid"));
  }

  @Test
  void halvesAndContradictionsAreRefused() {
    assertTrue(
        refusal(() -> new Tls(CERTIFICATE, Optional.empty(), false)).contains("without --tls-key"));
    assertTrue(refusal(() -> new Tls(Optional.empty(), KEY, false)).contains("without --tls-cert"));
    assertTrue(refusal(() -> new Tls(CERTIFICATE, KEY, true)).contains("--behind-tls-proxy"));
    assertTrue(refusal(() -> new Tokens(AGENTS, AGENTS)).contains("two files"));
    assertTrue(refusal(() -> new Targets(CERTIFICATE, true)).contains("--insecure-targets"));
    assertTrue(refusal(() -> new Proxies(TrustedProxies.NONE, true)).contains("--trusted-proxies"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", "a-", "a b", "A", "a--b", "ü"})
  void wrongIdIsRefused(String id) {
    assertTrue(
        refusal(() -> GatewaySettings.builder().id(id).build()).startsWith("--id: \"" + id + "\""));
  }

  @Test
  void numbersAreCheckedAtTheirLimits() {
    for (int good : new int[] {0, 1, GatewaySettings.MAX_EVENT_LOOPS}) {
      assertDoesNotThrow(() -> GatewaySettings.builder().eventLoops(good).build());
    }
    for (int bad : new int[] {-1, GatewaySettings.MAX_EVENT_LOOPS + 1}) {
      refusal(() -> GatewaySettings.builder().eventLoops(bad).build());
    }
    long least = GatewaySettings.MIN_MEMORY_BUDGET_BYTES;
    assertDoesNotThrow(() -> GatewaySettings.builder().memoryBudgetBytes(least).build());
    refusal(() -> GatewaySettings.builder().memoryBudgetBytes(least - 1).build());
  }

  @Test
  void limitsAreAtLeastOne() {
    Duration second = Duration.ofSeconds(1);
    assertDoesNotThrow(() -> new Limits(1, 1, 1, 1, second, second));
    assertTrue(
        refusal(() -> new Limits(0, 1, 1, 1, second, second)).contains("streams-per-tunnel"));
    assertTrue(
        refusal(() -> new Limits(1, 0, 1, 1, second, second)).contains("pending-per-tunnel"));
    assertTrue(
        refusal(() -> new Limits(1, 1, 0, 1, second, second)).contains("streams-per-caller"));
    assertTrue(refusal(() -> new Limits(1, 1, 1, 0, second, second)).contains("max-tunnels"));
    assertTrue(
        refusal(() -> new Limits(1, 1, 1, 1, Duration.ZERO, second)).contains("dial-timeout"));
    assertTrue(
        refusal(() -> new Limits(1, 1, 1, 1, second, Duration.ofMinutes(61)))
            .contains("handshake-timeout"));
  }
}

package dev.warren.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.TokenSource;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class AgentSettingsTest {
  private static final GatewayAddress GATEWAY = GatewayAddress.parse("ws://gateway");

  @Test
  void whatIsNotSetHasItsDefault() {
    AgentSettings settings = builder().build();
    assertEquals(Duration.ofSeconds(10), settings.dialTimeout());
    assertEquals(Duration.ofSeconds(15), settings.connectLimit());
    assertEquals(Duration.ofSeconds(3), settings.heartbeat());
    assertEquals("127.0.0.0/8:* [::1]:*", settings.allow().toString());
    assertEquals(1, settings.eventLoops());
    assertEquals(1_024, settings.maxPendingDials());
    assertEquals(TokenSource.NONE, settings.token());
  }

  @Test
  void valuesAtTheirLimitsAreTakenAndBeyondAreNamed() {
    accepts(b -> b.dialTimeout(Duration.ofMillis(10)));
    accepts(b -> b.dialTimeout(AgentSettings.MAX_DIAL_TIMEOUT));
    refuses(
        "--dial-timeout 9 ms (expected: 10 to 300000 ms)",
        b -> b.dialTimeout(Duration.ofMillis(9)));
    refuses(
        "--dial-timeout 300001 ms (expected: 10 to 300000 ms)",
        b -> b.dialTimeout(AgentSettings.MAX_DIAL_TIMEOUT.plusMillis(1)));
    accepts(b -> b.heartbeat(Duration.ofMillis(100)));
    refuses(
        "--heartbeat 60001 ms (expected: 100 to 60000 ms)",
        b -> b.heartbeat(Duration.ofMillis(60_001)));
    accepts(b -> b.eventLoops(AgentSettings.MAX_EVENT_LOOPS));
    refuses("--event-loops 0 (expected: 1 to 1024)", b -> b.eventLoops(0));
    accepts(b -> b.maxOpenStreams(7).maxPendingDials(7));
    refuses(
        "--max-pending-dials 8 (expected: 1 to 7)", b -> b.maxOpenStreams(7).maxPendingDials(8));
    refuses("--max-streams 0 (expected: 1 to 1000000)", b -> b.maxOpenStreams(0));
    accepts(b -> b.memoryBudgetBytes(1 << 20));
    refuses(
        "--memory-budget 1048575 (expected: at least 1048576)",
        b -> b.memoryBudgetBytes((1 << 20) - 1));
  }

  @Test
  void theNumberOfGatewaysIsBounded() {
    of(AgentSettings.MAX_GATEWAYS).build();
    assertThrows(IllegalArgumentException.class, () -> of(0).build());
    assertThrows(IllegalArgumentException.class, () -> of(AgentSettings.MAX_GATEWAYS + 1).build());
  }

  @Test
  void theTokenIsNeverShown() {
    assertFalse(
        builder().token(TokenSource.literal("hunter2")).build().toString().contains("hunter2"));
  }

  private static AgentSettings.Builder of(int gateways) {
    return AgentSettings.builder(SessionKey.of("foo"), Collections.nCopies(gateways, GATEWAY));
  }

  private static AgentSettings.Builder builder() {
    return AgentSettings.builder(SessionKey.of("foo"), List.of(GATEWAY));
  }

  private static void accepts(UnaryOperator<AgentSettings.Builder> change) {
    change.apply(builder()).build();
  }

  private static void refuses(String message, UnaryOperator<AgentSettings.Builder> change) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> change.apply(builder()).build())
            .getMessage());
  }
}

package dev.warren.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.Eventually;
import dev.warren.agent.Loopback;
import dev.warren.agent.ScriptedGateway;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatusServerTest {
  private static String ask(StatusServer server, String request) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(server.address());
      socket
          .getOutputStream()
          .write((request + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String get(StatusServer server, String path) throws IOException {
    return ask(server, "GET " + path + " HTTP/1.1\r\nHost: localhost:1");
  }

  @Test
  void theStatusNamesTunnelsAndGateways() throws Exception {
    try (ScriptedGateway gateway = new ScriptedGateway().named("a");
        Agent agent =
            Agent.start(
                AgentSettings.builder(SessionKey.of("foo"), List.of(gateway.address())).build());
        StatusServer server = StatusServer.start(Loopback.anyPort(), () -> List.of(agent))) {
      gateway.tunnel().tell(1, gateway.listed(false, true));
      Eventually.holds(() -> !agent.pool().gateways().isEmpty(), () -> agent.pool().toString());
      String status = get(server, "/api/v1/status?x");
      assertTrue(status.startsWith("HTTP/1.1 200 OK\r\n"), status);
      assertTrue(status.contains("content-type: application/json\r\n"), status);
      for (String part :
          List.of(
              "{\"agents\":[{\"session\":\"foo\",\"state\":\"complete\",\"wanted\":2,\"target\":1,",
              "\"tunnels\":[{\"state\":\"up\",\"gateway\":\"a\",\"address\":\"ws://127.0.0.1:",
              "\"connection\":1,\"epoch\":7,\"streams\":0,",
              "\"gateways\":[{\"id\":\"a\",\"generation\":1,\"draining\":false,",
              "\"route\":\"untried\",\"held\":true}]}]}\n")) {
        assertTrue(status.contains(part), status);
      }
      assertTrue(get(server, "/readyz").startsWith("HTTP/1.1 200 "));
    }
  }

  @Test
  void whoHasNoTunnelIsAliveAndNotReady() throws Exception {
    try (Agent agent =
            Agent.start(
                AgentSettings.builder(
                        SessionKey.of("foo"), List.of(GatewayAddress.parse("ws://127.0.0.1:1")))
                    .build());
        StatusServer server = StatusServer.start(Loopback.anyPort(), () -> List.of(agent))) {
      assertTrue(get(server, "/healthz").startsWith("HTTP/1.1 200 "));
      assertTrue(get(server, "/readyz").startsWith("HTTP/1.1 503 "));
      assertTrue(get(server, "/elsewhere").startsWith("HTTP/1.1 404 "));
      assertTrue(ask(server, "POST /healthz HTTP/1.1\r\nHost: [::1]").contains(" 405 "));
      assertTrue(ask(server, "GET /healthz HTTP/1.1\r\nHost: evil.example").contains(" 403 "));
      assertTrue(ask(server, "GET /healthz HTTP/1.1\r\nX: " + "y".repeat(9_000)).contains(" 400 "));
    }
  }

  @Test
  void onlyLoopbackAddressesAreListenedOn() {
    assertEquals(
        "--admin-listen 0.0.0.0:0 (expected: a loopback address, because no token is asked for)",
        assertThrows(
                IllegalArgumentException.class,
                () -> StatusServer.start(new InetSocketAddress("0.0.0.0", 0), List::of))
            .getMessage());
  }
}

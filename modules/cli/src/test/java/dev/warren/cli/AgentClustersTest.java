package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One process with agents of several clusters. */
class AgentClustersTest {
  @TempDir Path directory;

  private static Gateway gateway() throws IOException {
    return Gateway.start(
        GatewaySettings.builder()
            .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .eventLoops(1)
            .build());
  }

  private static String block(Gateway gateway, String more) {
    return "{ connect = \"ws://127.0.0.1:" + gateway.address().getPort() + "\", " + more + " }";
  }

  private Path file(String... blocks) throws IOException {
    return Files.writeString(
        directory.resolve("agent.conf"),
        "warren.agent { id = foo, drain-timeout = 1s, admin-listen = \"127.0.0.1:0\"\n clusters = [\n"
            + String.join("\n", blocks)
            + "\n] }\n");
  }

  private Settings settings(Path file) {
    return Settings.resolve(Main.catalog(), "agent", Map.of(), Map.of(), Optional.of(file));
  }

  private static void awaitUp(Agent agent) throws Exception {
    agent.firstUp().get(30, TimeUnit.SECONDS);
  }

  @Test
  void agentsStartAndStopWithTheirBlocksAndTheOthersAreUndisturbed() throws Exception {
    try (Gateway one = gateway();
        Gateway two = gateway()) {
      Path file = file(block(one, ""), block(two, "id = bar, tunnels = all"));
      try (AgentClusters clusters =
          AgentClusters.start(settings(file), Map.of(), Duration.ofSeconds(1))) {
        List<Agent> first = clusters.agents();
        assertEquals(2, first.size());
        awaitUp(first.get(0));
        awaitUp(first.get(1));
        assertEquals("foo", first.get(0).settings().session().toString());
        assertEquals("bar", first.get(1).settings().session().toString());
        String status = status(clusters);
        assertTrue(status.contains("\"session\":\"foo\"") && status.contains("\"wanted\":\"all\""));

        file(block(one, ""), block(two, "id = other"));
        clusters.look();
        List<Agent> second = clusters.agents();
        assertSame(first.get(0), second.get(0));
        assertFalse(first.get(0).closed().isDone());
        assertTrue(first.get(1).closed().isDone());
        assertNotSame(first.get(1), second.get(1));
        awaitUp(second.get(1));

        for (String wrong :
            List.of(
                "{ conect = x }", "{ id = \"not/an id\" }", "{ connect = \"http://x\" }", "7")) {
          file(block(one, ""), wrong);
          clusters.look();
          assertEquals(second, clusters.agents(), wrong);
        }

        file(block(one, ""));
        clusters.look();
        assertEquals(List.of(first.get(0)), clusters.agents());
      }
    }
  }

  private static String status(AgentClusters clusters) throws Exception {
    int port = clusters.statusAddress().orElseThrow().getPort();
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1/status"))
                .build(),
            BodyHandlers.ofString())
        .body();
  }

  @Test
  void aListThatIsWrongStopsTheStart() throws Exception {
    refused("{ id = a, connect = \"ws://127.0.0.1:1\", conect = x }", "conect: no such setting");
    refused("{ id = a }", "--connect is missing");
    refused("{ connect = \"ws://127.0.0.1:1\", admin-listen = \"127.0.0.1:0\" }", "outside of");
    refused("{ connect = \"ws://127.0.0.1:1\" }, { connect = \"ws://127.0.0.1:1\" }", "the same");
    refused("7", "expected: blocks");
  }

  private void refused(String blocks, String expected) throws IOException {
    Path file = file(blocks);
    String message =
        assertThrows(
                SettingsException.class,
                () -> AgentClusters.start(settings(file), Map.of(), Duration.ofSeconds(1)).close())
            .getMessage();
    assertTrue(message.contains(expected), message);
  }

  @Test
  void connectStandsInTheBlocksOnly() throws Exception {
    Path file = file("{ connect = \"ws://127.0.0.1:1\" }");
    Settings both =
        Settings.resolve(
            Main.catalog(),
            "agent",
            Map.of("--connect", List.of("ws://127.0.0.1:2")),
            Map.of(),
            Optional.of(file));
    assertTrue(
        assertThrows(
                SettingsException.class,
                () -> AgentClusters.start(both, Map.of(), Duration.ZERO).close())
            .getMessage()
            .contains("are both given"));
  }
}

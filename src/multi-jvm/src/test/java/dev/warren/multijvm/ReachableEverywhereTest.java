package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.multijvm.load.Caller;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** No fault: an agent that connects to any one gateway is reachable through all. */
@ExtendWith(LogsOnFailure.class)
class ReachableEverywhereTest {
  private static final Duration ENOUGH = Duration.ofSeconds(5);
  private static GatewayCluster cluster;
  private static OriginProcess origin;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    cluster = GatewayCluster.shared();
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  @Test
  void anAgentOfEachGatewayIsReachableThroughAll() throws Exception {
    for (GatewayProcess home : cluster.all()) {
      List<Double> millis = reach("near-" + home.id(), home);
      for (double each : millis) {
        assertTrue(each < ENOUGH.toMillis(), home.id() + ": " + millis + " ms");
      }
    }
  }

  @Test
  void everyGatewayTellsHowBusyATunnelIsWhereverItEnds() throws Exception {
    GatewayProcess home = cluster.all().get(0);
    try (AgentProcess agent = cluster.agent("busy", List.of(home))) {
      agent.awaitUp();
      for (GatewayProcess gateway : cluster.all()) {
        Eventually.within(
            Duration.ofSeconds(60),
            () -> {
              JsonNode tunnel =
                  gateway.admin().session("busy").orElseThrow().path("tunnels").path(0);
              String told = gateway.id() + ": " + tunnel;
              assertEquals(home.id(), tunnel.path("holder").asText(), told);
              assertTrue(tunnel.path("bytesReceived").asLong() > 0, told);
              assertTrue(tunnel.path("bytesSent").asLong() > 0, told);
              assertTrue(tunnel.path("roundTripMillis").asDouble() > 0, told);
              assertEquals(0, tunnel.path("streams").asInt(-1), told);
            });
      }
    }
  }

  @Test
  @Tag("chaos")
  void anAgentIsReachableThroughAllWithin200Millis() throws Exception {
    Figures figures =
        new Figures("reachable-everywhere", "From WELCOME to the first answer through a gateway");
    Figures.Limit limit = Figures.Limit.worst(Duration.ofMillis(200));
    List<Double> own = figures.row("through the gateway that holds the tunnel", limit);
    List<Double> others = figures.row("through the other two", limit);
    for (int run = 0; run < Runs.count(); run++) {
      for (GatewayProcess home : cluster.all()) {
        List<Double> millis = reach("run-" + run + "-" + home.id(), home);
        for (int i = 0; i < millis.size(); i++) {
          (cluster.all().get(i) == home ? own : others).add(millis.get(i));
        }
      }
      figures.ran();
    }
    figures.assertLimits();
  }

  /** From the agent's WELCOME to the first answer, through each gateway (ms). */
  private static List<Double> reach(String id, GatewayProcess home) throws Exception {
    List<CompletableFuture<Instant>> firsts = new ArrayList<>();
    List<Double> millis = new ArrayList<>();
    AgentProcess agent = cluster.agent(id, List.of(home));
    try {
      for (GatewayProcess gateway : cluster.all()) {
        firsts.add(firstAnswer(gateway.caller(), origin.hello(id)));
      }
      Instant welcome = agent.awaitUp();
      for (CompletableFuture<Instant> first : firsts) {
        millis.add(Duration.between(welcome, first.get()).toNanos() / 1e6);
      }
      cluster.assertSessionIs(id, home.id());
    } finally {
      agent.close();
    }
    return millis;
  }

  private static CompletableFuture<Instant> firstAnswer(Caller caller, String path) {
    CompletableFuture<Instant> first = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                Eventually.within(
                    Duration.ofSeconds(60),
                    Duration.ofMillis(10),
                    () -> assertEquals(200, caller.status(path), "through " + caller.at()));
                first.complete(Instant.now());
              } catch (InterruptedException | AssertionError e) {
                first.completeExceptionally(e);
              }
            },
            "first-answer");
    thread.setDaemon(true);
    thread.start();
    return first;
  }
}

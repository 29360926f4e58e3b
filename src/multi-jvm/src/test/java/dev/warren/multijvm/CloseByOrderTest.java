package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** An operator closes a session at a gateway that does not hold its tunnel. */
@ExtendWith(LogsOnFailure.class)
class CloseByOrderTest {
  private static GatewayCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = GatewayCluster.shared();
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  @Test
  void theTunnelEndsWhereverItIsAndTheAgentIsToldWhy() throws Exception {
    GatewayProcess home = cluster.all().get(0);
    for (GatewayProcess ordered : cluster.all()) {
      AgentProcess agent = cluster.agent("closed-at-" + ordered.id(), List.of(home));
      agent.awaitUp();
      Eventually.within(
          Duration.ofSeconds(20), () -> cluster.assertSessionIs(agent.id(), home.id()));
      ordered.admin().close(agent.id());
      Eventually.within(
          Duration.ofSeconds(10),
          () ->
              assertEquals(
                  1,
                  agent.log().events("tunnel.lost", "CLOSED_BY_ORDER").size(),
                  "what the agent was told: " + agent.log().events("tunnel.lost")));
      Eventually.within(
          Duration.ofSeconds(10),
          () -> {
            for (GatewayProcess gateway : cluster.all()) {
              assertTrue(
                  gateway.admin().holders(agent.id()).isEmpty(),
                  gateway.id() + " knows a holder still");
            }
          });
      agent.close();
    }
  }
}

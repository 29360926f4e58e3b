package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogFile;
import dev.warren.multijvm.process.LogsOnFailure;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two agents with one id, at different gateways. */
@ExtendWith(LogsOnFailure.class)
class DuplicateAgentsTest {
  private static final Duration SHORT_SLACK = Duration.ofSeconds(5);
  private GatewayCluster cluster;
  private boolean own;

  @AfterEach
  void stop() {
    if (own) {
      cluster.close();
    } else {
      cluster.closeAgents();
    }
  }

  @Test
  void theNewestHoldsOnAllNodes() throws Exception {
    cluster = GatewayCluster.shared();
    assertTrue(newest("twice").second() < 1_000 + SHORT_SLACK.toMillis());
  }

  @Test
  @Tag("chaos")
  void theNewestHoldsOnAllNodesWithinASecond() throws Exception {
    cluster = GatewayCluster.shared();
    Figures figures = new Figures("duplicate-agents", "Two agents with one id, policy newest");
    List<Double> without =
        figures.row("without the fault: from the first one's WELCOME until all gateways know it");
    List<Double> with =
        figures.row(
            "from the second one's WELCOME until all gateways know it alone",
            Figures.Limit.worst(Duration.ofSeconds(1)));
    for (int run = 0; run < Runs.count(); run++) {
      Known known = newest("twice-" + run);
      without.add(known.first());
      with.add(known.second());
      figures.ran();
    }
    figures.assertLimits();
  }

  /** From each agent's WELCOME until all gateways know it, and it alone (ms). */
  private record Known(double first, double second) {}

  private Known newest(String id) throws Exception {
    List<GatewayProcess> all = cluster.all();
    AgentProcess first = cluster.agent(id, all.subList(0, 1));
    double one = known(id, first.awaitUp(), all.get(0));
    AgentProcess second = cluster.agent(id, all.subList(1, 2));
    double other = known(id, second.awaitUp(), all.get(1));
    Eventually.within(
        Duration.ofSeconds(5),
        () ->
            assertFalse(
                first.log().events("tunnel.lost", "SUPERSEDED").isEmpty(),
                "the first was told: " + first.log().events("tunnel.lost")));
    // They do not kick each other out again and again: the first stays away.
    Eventually.always(Duration.ofSeconds(2), () -> cluster.assertSessionIs(id, all.get(1).id()));
    assertEquals(1, second.tunnelsSoFar(), "tunnels of the second");
    first.close();
    second.close();
    return new Known(one, other);
  }

  private double known(String id, Instant welcome, GatewayProcess holder) throws Exception {
    Eventually.within(
        Duration.ofSeconds(10),
        Duration.ofMillis(5),
        () -> cluster.assertSessionIs(id, holder.id()));
    return Duration.between(welcome, Instant.now()).toNanos() / 1e6;
  }

  @Test
  void whoLostTheIdStaysAwayAndAPairThatTakesTurnsIsReported() throws Exception {
    damped(1);
  }

  @Test
  @Tag("chaos")
  void whoLostTheIdComesBackLessAndLessOften() throws Exception {
    damped(4);
  }

  private void damped(int refusals) throws Exception {
    cluster = GatewayCluster.shared();
    GatewayProcess one = cluster.all().get(0);
    GatewayProcess other = cluster.all().get(1);
    AgentProcess first = cluster.agent("damped", List.of(one));
    first.awaitUp();
    AgentProcess second = cluster.agent("damped", List.of(other));
    second.awaitUp();

    // Meanwhile two others are started again and again, each time as somebody new.
    AgentProcess[] pair = {
      cluster.agent("flapping", List.of(one)), cluster.agent("flapping", List.of(one))
    };
    for (int i = 0; i < 2; i++) {
      pair[i].awaitUp();
    }
    for (int i = 0; i < 4; i++) {
      AgentProcess agent = pair[i % 2];
      int before = agent.tunnelsSoFar();
      agent.kill();
      agent.restart();
      agent.awaitUp(before + 1);
    }
    Eventually.within(
        Duration.ofSeconds(5),
        () ->
            assertEquals(
                1,
                one.log().events("session.flapping", "session=flapping").size(),
                "reports of the pair"));
    for (AgentProcess agent : pair) {
      agent.close();
    }

    // After 5 s, and then 5 s, 10 s and 20 s, with some jitter: told by the gateway, and obeyed.
    Eventually.within(
        Duration.ofSeconds(90),
        () -> {
          int found = refusals(one, "damped").size();
          assertTrue(found >= refusals, found + " refusals (expected: " + refusals + ")");
        });
    List<Instant> refused = refusals(one, "damped");
    for (int i = 1; i < refusals; i++) {
      Duration between = Duration.between(refused.get(i - 1), refused.get(i));
      assertTrue(
          between.toSeconds() >= 5L << (i - 1), "between refusals " + i + " and next: " + between);
    }
    assertEquals(1, first.tunnelsSoFar(), "tunnels of the first");
    assertEquals(1, second.tunnelsSoFar(), "tunnels of the second");
    for (GatewayProcess gateway : cluster.all()) {
      assertEquals(List.of(other.id()), gateway.admin().holders("damped"), gateway.id());
      assertEquals(
          1,
          gateway.admin().session("damped").orElseThrow().at("/entity/supersessions").asLong(),
          "what " + gateway.id() + " says of how often the id was taken");
    }
  }

  private static List<Instant> refusals(GatewayProcess gateway, String session) {
    return gateway.log().events("tunnel.refused", "session=" + session + " ", "SUPERSEDED").stream()
        .map(LogFile::timeOf)
        .toList();
  }

  @Test
  void aPoolKeepsBothAndRejectKeepsTheFirst() throws Exception {
    own = true;
    cluster = GatewayCluster.start(2, "--duplicates", "pool");
    List<GatewayProcess> all = cluster.all();
    cluster.agent("many", all.subList(0, 1)).awaitUp();
    cluster.agent("many", all.subList(1, 2)).awaitUp();
    Eventually.within(
        Duration.ofSeconds(1).plus(SHORT_SLACK),
        () -> {
          for (GatewayProcess gateway : all) {
            assertEquals(List.of("g1", "g2"), gateway.admin().holders("many"), gateway.id());
          }
        });
    cluster.close();

    cluster = GatewayCluster.start(2, "--duplicates", "reject");
    List<GatewayProcess> others = cluster.all();
    AgentProcess first = cluster.agent("single", others.subList(0, 1));
    first.awaitUp();
    Eventually.within(Duration.ofSeconds(10), () -> cluster.assertSessionIs("single", "g1"));
    AgentProcess second = cluster.agent("single", others.subList(1, 2));
    Eventually.within(
        Duration.ofSeconds(20),
        () ->
            assertFalse(
                second.log().events("tunnel.failed", "SUPERSEDED").isEmpty(),
                "the second was not refused"));
    Eventually.always(Duration.ofSeconds(2), () -> cluster.assertSessionIs("single", "g1"));
    assertEquals(1, first.tunnelsSoFar(), "tunnels of the first");
    assertTrue(first.log().events("tunnel.lost").isEmpty(), "the first lost its tunnel");
  }
}

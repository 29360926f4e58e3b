package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The gateway that holds the agent stands still (SIGSTOP), and thaws (SIGCONT). */
@ExtendWith(LogsOnFailure.class)
class HolderFrozenTest {
  private static final Duration REACHABLE_WITHIN = Duration.ofSeconds(15);
  private static final Duration ONE_WITHIN = Duration.ofSeconds(30);

  /** How much longer a run waits than is promised; the full case has a limit of its own. */
  private static final Duration SHORT_SLACK = Duration.ofSeconds(10);

  private static final int WARM_UP = 5;
  private OriginProcess origin;
  private GatewayCluster cluster;

  @BeforeEach
  void start() throws Exception {
    origin = OriginProcess.shared();
    cluster = GatewayCluster.start(3);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void theAgentMovesAndTheThawedGatewayJoinsWithoutItsOldSession() throws Exception {
    AgentProcess agent = cluster.agent("rover", cluster.all());
    agent.awaitUp();
    freeze(agent, Duration.ZERO, SHORT_SLACK);
  }

  @Test
  @Tag("chaos")
  void aGatewayThatWasFrozenFor40SecondsJoinsAgain() throws Exception {
    AgentProcess agent = cluster.agent("rover", cluster.all());
    agent.awaitUp();
    Figures figures =
        new Figures("holder-frozen", "SIGSTOP of the gateway that holds the agent, for 40 s");
    List<Double> dials =
        figures.row("without the fault: an answer through both other gateways, one by one");
    List<Double> reachable =
        figures.row(
            "from SIGSTOP to an answer through both other gateways",
            Figures.Limit.worst(REACHABLE_WITHIN));
    List<Double> seen =
        figures.row("without the fault: to see one cluster, and the session where it is");
    List<Double> one =
        figures.row(
            "from SIGCONT to one cluster, and the session where it went",
            Figures.Limit.worst(ONE_WITHIN));
    for (int run = 0; run < Runs.count(); run++) {
      GatewayProcess holder = cluster.get(agent.gateway());
      List<GatewayProcess> others = cluster.except(holder);
      for (int i = 0; i < WARM_UP; i++) {
        assertReachable(cluster.all());
      }
      dials.add(millis(Eventually.within(REACHABLE_WITHIN, () -> assertReachable(others))));
      seen.add(millis(Eventually.within(ONE_WITHIN, () -> assertSettled(holder, holder.id()))));
      // The gateway that was frozen has had a new control plane for two runs when it is frozen
      // again, so that each run finds the cluster as calm as the first one did.
      Outcome outcome = freeze(agent, Duration.ofSeconds(40), SHORT_SLACK);
      reachable.add(millis(outcome.reachable()));
      one.add(millis(outcome.one()));
      figures.ran();
    }
    figures.assertLimits();
  }

  private static double millis(Duration duration) {
    return duration.toNanos() / 1e6;
  }

  private void assertReachable(List<GatewayProcess> gateways) throws Exception {
    for (GatewayProcess gateway : gateways) {
      assertEquals(200, gateway.caller().status(origin.hello("rover")), "by way of " + gateway);
    }
  }

  private void assertSettled(GatewayProcess asked, String holder) throws Exception {
    assertReachable(List.of(asked));
    GatewayCluster.assertOne(cluster.all());
    cluster.assertSessionIs("rover", holder);
  }

  private record Outcome(Duration reachable, Duration one) {}

  private Outcome freeze(AgentProcess agent, Duration span, Duration slack) throws Exception {
    GatewayProcess frozen = cluster.get(agent.gateway());
    List<GatewayProcess> others = cluster.except(frozen);
    long process = frozen.pid();
    long start = System.nanoTime();
    frozen.freeze();
    Duration reachable;
    try {
      reachable =
          Eventually.within(
              REACHABLE_WITHIN.plus(slack), Duration.ofMillis(50), () -> assertReachable(others));
      long left = span.toNanos() - (System.nanoTime() - start);
      if (left > 0) {
        Thread.sleep(left / 1_000_000);
      }
    } finally {
      frozen.thaw();
    }
    String home = agent.gateway();
    assertTrue(!home.equals(frozen.id()), "the agent is at home on " + home);
    long thawed = System.nanoTime();
    // From now on no dial may end in the tunnel that the thawed gateway believes to have.
    Eventually.within(
        ONE_WITHIN.plus(slack), Duration.ofMillis(100), () -> assertSettled(frozen, home));
    assertEquals(process, frozen.pid());
    return new Outcome(reachable, Duration.ofNanos(System.nanoTime() - thawed));
  }
}

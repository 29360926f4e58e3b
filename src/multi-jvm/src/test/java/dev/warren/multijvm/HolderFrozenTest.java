package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Caller;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.ArrayList;
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
  private static final Duration SHORT_SLACK = Duration.ofSeconds(10);
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
    List<Double> without = new ArrayList<>();
    List<Double> reachable = new ArrayList<>();
    List<Double> one = new ArrayList<>();
    for (int run = 0; run < Math.max(1, Runs.count() / 4); run++) {
      for (GatewayProcess gateway : cluster.all()) {
        long start = System.nanoTime();
        assertEquals(200, gateway.caller().status(origin.hello("rover")));
        without.add((System.nanoTime() - start) / 1e6);
      }
      Outcome outcome = freeze(agent, Duration.ofSeconds(40), Duration.ZERO);
      reachable.add(outcome.reachable().toNanos() / 1e6);
      one.add(outcome.one().toNanos() / 1e6);
    }
    new Figures("SIGSTOP of the gateway that holds the agent, for 40 s")
        .row("without the fault: a dial", without)
        .row("from SIGSTOP to the first answer through another gateway", reachable)
        .row("from SIGCONT to one cluster", one)
        .write("holder-frozen");
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
              REACHABLE_WITHIN.plus(slack),
              Duration.ofMillis(50),
              () -> {
                for (GatewayProcess other : others) {
                  Caller caller = other.caller();
                  assertEquals(200, caller.status(origin.hello("rover")), "by way of " + other);
                }
              });
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
        ONE_WITHIN.plus(slack),
        Duration.ofMillis(100),
        () -> {
          assertEquals(
              200, frozen.caller().status(origin.hello("rover")), "by way of the thawed gateway");
          GatewayCluster.assertOne(cluster.all());
          cluster.assertSessionIs("rover", home);
        });
    assertEquals(process, frozen.pid());
    return new Outcome(reachable, Duration.ofNanos(System.nanoTime() - thawed));
  }
}

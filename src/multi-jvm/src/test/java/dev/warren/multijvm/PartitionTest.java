package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.network.NetworkLab;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The network between the gateways parts, or one gateway's network is gone altogether, and nobody
 * is told: no RST, no FIN. Needs root.
 */
@ExtendWith(LogsOnFailure.class)
class PartitionTest {
  private static final Duration ONE_WITHIN = Duration.ofSeconds(30);
  private static final Duration VANISHED_WITHIN = Duration.ofSeconds(20);
  private static final Duration SHORT_SLACK = Duration.ofSeconds(30);
  private NetworkLab lab;
  private GatewayCluster cluster;
  private OriginProcess origin;

  @BeforeEach
  void start() throws Exception {
    try {
      lab = NetworkLab.of(3);
    } catch (NetworkLab.UnavailableException e) {
      Assumptions.abort(e.getMessage());
    }
    origin = OriginProcess.shared();
    cluster = GatewayCluster.start(lab, 3);
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  void bothSidesServeWhatTheyHoldAndAreOneClusterAfterwards() throws Exception {
    partition(Duration.ofSeconds(15), SHORT_SLACK);
  }

  @Test
  @Tag("chaos")
  void aPartitionOf60SecondsIsHealedWithin30() throws Exception {
    List<Double> one = new ArrayList<>();
    for (int run = 0; run < Math.max(1, Runs.count() / 4); run++) {
      one.add(partition(Duration.ofSeconds(60), Duration.ZERO));
    }
    new Figures("A partition of 2 + 1 for 60 s")
        .row("from the end of the partition to one cluster", one)
        .write("partition");
  }

  @Test
  @Tag("chaos")
  void theAgentOfAGatewayWhoseNetworkVanishedIsReachableWithin20Seconds() throws Exception {
    AgentProcess rover = cluster.agent("rover", cluster.all());
    rover.awaitUp();
    List<Double> reachable = new ArrayList<>();
    List<Double> one = new ArrayList<>();
    for (int run = 0; run < Math.max(1, Runs.count() / 4); run++) {
      GatewayProcess victim = cluster.get(rover.gateway());
      int host = cluster.all().indexOf(victim) + 1;
      List<GatewayProcess> others = cluster.except(victim);
      lab.vanish(host);
      Duration took =
          Eventually.within(
              VANISHED_WITHIN,
              Duration.ofMillis(50),
              () -> {
                for (GatewayProcess other : others) {
                  assertEquals(200, other.caller().status(origin.hello("rover")), other.id());
                }
              });
      reachable.add(took.toNanos() / 1e6);
      lab.heal(host);
      one.add(cluster.awaitOne(ONE_WITHIN).toNanos() / 1e6);
    }
    new Figures("The network of the gateway that holds the agent vanishes")
        .row("until the agent is reachable through both others", reachable)
        .row("from the network's return to one cluster", one)
        .write("holder-vanished");
  }

  /** From the end of the partition to one cluster (ms). */
  private double partition(Duration span, Duration slack) throws Exception {
    List<Long> processes = cluster.all().stream().map(GatewayProcess::pid).toList();
    GatewayProcess alone = cluster.all().get(2);
    List<GatewayProcess> two = cluster.all().subList(0, 2);
    List<Load.Target> served = new ArrayList<>();
    List<Download> downloads = new ArrayList<>();
    for (GatewayProcess home : cluster.all()) {
      String id = "at-" + home.id();
      cluster.agent(id, List.of(home)).awaitUp();
      for (GatewayProcess gateway : home == alone ? List.of(alone) : two) {
        served.add(new Load.Target(gateway.caller(), origin.hello(id)));
      }
    }
    Thread.sleep(500);
    for (Load.Target target : served) {
      downloads.add(
          Download.start(
              target.caller(),
              target.path().replace("hello.txt", "large.bin"),
              OriginProcess.largeBytes(),
              256 * 1024));
    }
    double millis;
    try (Load load = Load.start(20, served)) {
      lab.isolate(3);
      Eventually.always(
          span,
          () -> {
            for (GatewayProcess gateway : cluster.all()) {
              assertTrue(gateway.isAlive(), gateway + " is dead");
            }
          });
      lab.heal(3);
      Duration took = cluster.awaitOne(ONE_WITHIN.plus(slack));
      millis = took.toNanos() / 1e6;
      assertEquals(List.of(), Outages.failed(load.stop()), "what each side holds");
    }
    for (Download download : downloads) {
      assertFalse(download.isBroken(), "a download broke");
      assertTrue(download.stop() > 0);
    }
    assertEquals(processes, cluster.all().stream().map(GatewayProcess::pid).toList());
    for (GatewayProcess gateway : cluster.all()) {
      for (GatewayProcess home : cluster.all()) {
        assertEquals(200, gateway.caller().status(origin.hello("at-" + home.id())));
      }
    }
    cluster.closeAgents();
    return millis;
  }
}

package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.network.NetworkLab;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.io.IOException;
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

  /** How much longer a run waits than is promised; the full cases have limits of their own. */
  private static final Duration SLACK = Duration.ofSeconds(30);

  private static final int HOSTS = 3;
  private static final int WARM_UP = 5;
  private NetworkLab lab;
  private GatewayCluster cluster;
  private OriginProcess origin;

  @BeforeEach
  void start() throws Exception {
    try {
      lab = NetworkLab.of(HOSTS);
    } catch (NetworkLab.UnavailableException e) {
      Assumptions.abort(e.getMessage());
    }
    origin = OriginProcess.shared();
    cluster = GatewayCluster.start(lab, HOSTS);
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
    startAgents();
    Outcome outcome = partition(3, Duration.ofSeconds(15));
    assertEquals(List.of(), Outages.failed(outcome.during()), "what each side holds");
    assertEquals(List.of(), outcome.broken(), "downloads that broke");
  }

  @Test
  @Tag("chaos")
  void aPartitionOf60SecondsIsHealedWithin30() throws Exception {
    startAgents();
    Figures figures = new Figures("partition", "A partition of 2 + 1 for 60 s");
    List<Double> seen = figures.row("without the fault: to see one cluster");
    List<Double> one =
        figures.row(
            "from the end of the partition to one cluster", Figures.Limit.worst(ONE_WITHIN));
    List<Double> before = figures.row("without the fault: a request for what each side holds");
    List<Double> during = figures.row("the same while the network is parted and grows together");
    for (int run = 0; run < Runs.count(); run++) {
      // Each is alone in turn, so that no control plane is restarted often in a short time.
      Outcome outcome = partition(1 + run % HOSTS, Duration.ofSeconds(60));
      seen.add(outcome.seen().toNanos() / 1e6);
      one.add(outcome.one().toNanos() / 1e6);
      outcome.before().forEach(sample -> before.add(sample.millis()));
      outcome.during().forEach(sample -> during.add(sample.millis()));
      figures.expectNone("Requests that failed", Outages.all(outcome.during()));
      figures.expectNone("Downloads that broke", outcome.broken());
      figures.ran();
    }
    figures.assertLimits();
  }

  @Test
  @Tag("chaos")
  void theAgentOfAGatewayWhoseNetworkVanishedIsReachableWithin20Seconds() throws Exception {
    Figures figures =
        new Figures("holder-vanished", "The network of the gateway that holds the agent vanishes");
    List<Double> dials =
        figures.row("without the fault: an answer through both others, one by one");
    List<Double> reachable =
        figures.row(
            "until there is an answer through both others", Figures.Limit.worst(VANISHED_WITHIN));
    List<Double> seen = figures.row("without the fault: to see one cluster");
    List<Double> one =
        figures.row("from the network's return to one cluster", Figures.Limit.worst(ONE_WITHIN));
    for (int run = 0; run < Runs.count(); run++) {
      AgentProcess rover = cluster.agent("rover", cluster.all());
      rover.awaitUp();
      GatewayProcess victim = cluster.get(rover.gateway());
      int host = cluster.all().indexOf(victim) + 1;
      List<GatewayProcess> others = cluster.except(victim);
      for (int i = 0; i < WARM_UP; i++) {
        Eventually.within(VANISHED_WITHIN, () -> assertReachable("rover", cluster.all()));
      }
      dials.add(
          Eventually.within(VANISHED_WITHIN, () -> assertReachable("rover", others)).toNanos()
              / 1e6);
      seen.add(cluster.awaitOne().toNanos() / 1e6);
      lab.vanish(host);
      Duration took =
          Eventually.within(
              VANISHED_WITHIN.plus(SLACK),
              Duration.ofMillis(50),
              () -> assertReachable("rover", others));
      reachable.add(took.toNanos() / 1e6);
      lab.heal(host);
      one.add(cluster.awaitOne(ONE_WITHIN.plus(SLACK)).toNanos() / 1e6);
      figures.ran();
      // A new cluster is ready sooner than this one would have forgotten what happened to it.
      cluster.close();
      cluster = GatewayCluster.start(lab, HOSTS);
    }
    figures.assertLimits();
  }

  private void assertReachable(String agent, List<GatewayProcess> gateways) throws Exception {
    for (GatewayProcess gateway : gateways) {
      assertEquals(200, gateway.caller().status(origin.hello(agent)), gateway.id());
    }
  }

  /** One at each gateway, and only there. */
  private void startAgents() throws Exception {
    for (GatewayProcess home : cluster.all()) {
      cluster.agent("at-" + home.id(), List.of(home));
    }
    for (GatewayProcess home : cluster.all()) {
      Eventually.within(
          Duration.ofSeconds(40), () -> assertReachable("at-" + home.id(), cluster.all()));
    }
  }

  private record Outcome(
      Duration seen, Duration one, List<Sample> before, List<Sample> during, List<String> broken) {}

  /** Parts one host from the others. */
  private Outcome partition(int host, Duration span) throws Exception {
    List<Long> processes = cluster.all().stream().map(GatewayProcess::pid).toList();
    GatewayProcess alone = cluster.all().get(host - 1);
    List<GatewayProcess> others = cluster.except(alone);
    List<Load.Target> served = new ArrayList<>();
    List<Download> downloads = new ArrayList<>();
    for (GatewayProcess home : cluster.all()) {
      for (GatewayProcess gateway : home == alone ? List.of(alone) : others) {
        served.add(new Load.Target(gateway.caller(), origin.hello("at-" + home.id())));
      }
    }
    for (Load.Target target : served) {
      downloads.add(
          Download.start(
              target.caller(),
              target.path().replace("hello.txt", "large.bin"),
              OriginProcess.largeBytes(),
              256 * 1024));
    }
    List<Sample> before;
    List<Sample> during;
    Duration seen;
    Duration one;
    try (Load load = Load.start(20, served)) {
      Thread.sleep(3_000);
      before = load.stop();
      seen = cluster.awaitOne();
    }
    assertEquals(List.of(), Outages.failed(before), "before the partition");
    try (Load load = Load.start(20, served)) {
      lab.isolate(host);
      Eventually.always(
          span,
          () -> {
            for (GatewayProcess gateway : cluster.all()) {
              assertTrue(gateway.isAlive(), gateway + " is dead");
            }
          });
      lab.heal(host);
      one = cluster.awaitOne(ONE_WITHIN.plus(SLACK));
      during = load.stop();
    }
    List<String> broken = new ArrayList<>();
    for (Download download : downloads) {
      try {
        assertTrue(download.stop() > 0, "bytes of a download");
      } catch (IOException e) {
        broken.add(e.getMessage());
      }
    }
    assertEquals(processes, cluster.all().stream().map(GatewayProcess::pid).toList());
    for (GatewayProcess home : cluster.all()) {
      assertReachable("at-" + home.id(), cluster.all());
    }
    return new Outcome(seen, one, before, during, broken);
  }
}

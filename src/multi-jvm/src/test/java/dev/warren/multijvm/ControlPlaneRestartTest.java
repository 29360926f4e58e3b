package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every control plane is restarted by order, under traffic that must not notice. */
@ExtendWith(LogsOnFailure.class)
class ControlPlaneRestartTest {
  private static final Duration ALL_WITHIN = Duration.ofSeconds(90);
  private static OriginProcess origin;

  private GatewayCluster cluster;
  private boolean own;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
  }

  @AfterEach
  void stop() {
    if (own) {
      cluster.close();
    } else {
      cluster.closeAgents();
    }
  }

  private void startAgents() throws Exception {
    for (GatewayProcess gateway : cluster.all()) {
      AgentProcess agent = cluster.agent("at-" + gateway.id(), List.of(gateway));
      agent.awaitUp();
    }
  }

  @Test
  void noRequestFailsAndNoDownloadBreaks() throws Exception {
    cluster = GatewayCluster.shared();
    startAgents();
    Outcome outcome = restart(60, 3, 512 * 1024, Duration.ZERO);
    assertEquals(List.of(), Outages.failed(outcome.during()));
    assertEquals(List.of(), outcome.broken());
  }

  @Test
  @Tag("chaos")
  void noneOf200RequestsASecondFailsAndNoneOfTenDownloadsBreaks() throws Exception {
    Figures figures =
        new Figures(
            "control-plane-restart",
            "Control planes restarted under 200 requests/s and ten downloads of 1 MiB/s");
    List<Double> without = figures.row("without the fault: a request, beside the downloads");
    List<Double> with = figures.row("a request while all control planes restart");
    List<Double> seen = figures.row("without the fault: to see one cluster");
    List<Double> one = figures.row("from the order until all have restarted and are one cluster");
    own = true;
    for (int run = 0; run < Runs.count(); run++) {
      // A control plane that has been restarted often in a short time waits before the next: new
      // gateways are ready sooner than that is forgotten.
      cluster = GatewayCluster.start(3);
      startAgents();
      Outcome outcome = restart(200, 10, 1 << 20, Duration.ofSeconds(8));
      outcome.before().forEach(sample -> without.add(sample.millis()));
      outcome.during().forEach(sample -> with.add(sample.millis()));
      seen.add(outcome.seen().toNanos() / 1e6);
      one.add(outcome.one().toNanos() / 1e6);
      figures.expectNone("Requests that failed before", Outages.all(outcome.before()));
      figures.expectNone("Requests that failed", Outages.all(outcome.during()));
      figures.expectNone("Downloads that broke", outcome.broken());
      figures.ran();
      cluster.close();
    }
    figures.assertLimits();
  }

  private List<Load.Target> targets() {
    List<Load.Target> targets = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      for (GatewayProcess home : cluster.all()) {
        targets.add(new Load.Target(gateway.caller(), origin.hello("at-" + home.id())));
      }
    }
    return targets;
  }

  private record Outcome(
      List<Sample> before, List<Sample> during, Duration seen, Duration one, List<String> broken) {}

  /**
   * One restart of all.
   *
   * @param baseline how long the same load runs before it, for comparison; and for so long before
   *     that, since the gateways are fresh
   */
  private Outcome restart(double perSecond, int downloads, int bytesPerSecond, Duration baseline)
      throws Exception {
    List<Long> before = new ArrayList<>();
    List<Long> processes = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      before.add(gateway.number("control.restarts"));
      processes.add(gateway.pid());
    }
    List<Download> all = new ArrayList<>();
    for (int i = 0; i < downloads; i++) {
      all.add(
          Download.start(
              cluster.all().get(i % 3).caller(),
              origin.large("at-" + cluster.all().get((i / 3 + i) % 3).id()),
              OriginProcess.largeBytes(),
              bytesPerSecond));
    }
    List<Sample> without = List.of();
    if (!baseline.isZero()) {
      try (Load load = Load.start(perSecond, targets())) {
        Thread.sleep(baseline.toMillis());
        load.stop();
      }
      try (Load load = Load.start(perSecond, targets())) {
        Thread.sleep(baseline.toMillis());
        without = load.stop();
      }
    }
    List<Sample> during;
    Duration seen;
    Duration one;
    try (Load load = Load.start(perSecond, targets())) {
      Thread.sleep(1_000);
      seen = cluster.awaitOne();
      long order = System.nanoTime();
      cluster.all().get(1).admin().restartControlPlane(true);
      Eventually.within(
          ALL_WITHIN,
          Duration.ofMillis(200),
          () -> {
            for (int i = 0; i < 3; i++) {
              GatewayProcess gateway = cluster.all().get(i);
              assertTrue(
                  gateway.number("control.restarts") > before.get(i),
                  gateway.id() + " has not restarted its control plane");
            }
            GatewayCluster.assertOne(cluster.all());
          });
      one = Duration.ofNanos(System.nanoTime() - order);
      during = load.stop();
    }
    List<String> broken = new ArrayList<>();
    for (Download download : all) {
      try {
        assertTrue(download.stop() > 0, "bytes of a download");
      } catch (IOException e) {
        broken.add(e.getMessage());
      }
    }
    assertEquals(processes, cluster.all().stream().map(GatewayProcess::pid).toList());
    return new Outcome(without, during, seen, one, broken);
  }
}

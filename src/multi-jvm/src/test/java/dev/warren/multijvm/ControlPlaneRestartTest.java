package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Every control plane is restarted by order, under traffic that must not notice. */
@ExtendWith(LogsOnFailure.class)
class ControlPlaneRestartTest {
  private static final Duration ALL_WITHIN = Duration.ofSeconds(90);
  private static GatewayCluster cluster;
  private static OriginProcess origin;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    cluster = GatewayCluster.shared();
    for (GatewayProcess gateway : cluster.all()) {
      AgentProcess agent = cluster.agent("at-" + gateway.id(), List.of(gateway));
      agent.awaitUp();
    }
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  @Test
  void noRequestFailsAndNoDownloadBreaks() throws Exception {
    restart(60, 3, 512 * 1024);
  }

  @Test
  @Tag("chaos")
  void noneOf200RequestsASecondFailsAndNoneOfTenDownloadsBreaks() throws Exception {
    List<Double> without = new ArrayList<>();
    List<Double> with = new ArrayList<>();
    try (Load before = Load.start(200, targets())) {
      Thread.sleep(10_000);
      before.stop().forEach(sample -> without.add(sample.millis()));
    }
    for (int run = 0; run < Math.max(1, Runs.count() / 4); run++) {
      restart(200, 10, 1 << 20).forEach(sample -> with.add(sample.millis()));
    }
    new Figures("Control planes restarted under 200 requests/s and ten downloads of 1 MiB/s")
        .row("requests, without the restart and the downloads", without)
        .row("requests, while all control planes restart", with)
        .write("control-plane-restart");
  }

  private static List<Load.Target> targets() {
    List<Load.Target> targets = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      for (GatewayProcess home : cluster.all()) {
        targets.add(new Load.Target(gateway.caller(), origin.hello("at-" + home.id())));
      }
    }
    return targets;
  }

  private static List<Sample> restart(double perSecond, int downloads, int bytesPerSecond)
      throws Exception {
    List<Long> before = new ArrayList<>();
    List<Long> processes = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      before.add(gateway.number("control.restarts"));
      processes.add(gateway.pid());
    }
    List<Download> all = new ArrayList<>();
    List<Sample> samples;
    try (Load load = Load.start(perSecond, targets())) {
      for (int i = 0; i < downloads; i++) {
        all.add(
            Download.start(
                cluster.all().get(i % 3).caller(),
                origin.large("at-" + cluster.all().get((i / 3 + i) % 3).id()),
                OriginProcess.largeBytes(),
                bytesPerSecond));
      }
      Thread.sleep(1_000);
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
      samples = load.stop();
    }
    for (Download download : all) {
      assertFalse(download.isBroken(), "a download broke");
      assertTrue(download.stop() > 0, "bytes of a download");
    }
    assertEquals(List.of(), Outages.failed(samples));
    assertEquals(processes, cluster.all().stream().map(GatewayProcess::pid).toList());
    return samples;
  }
}

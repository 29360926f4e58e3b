package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.process.AgentCrowd;
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

/** All gateways are killed, and started again with nothing but their flags. */
@ExtendWith(LogsOnFailure.class)
class AllKilledTest {
  private static final Duration BACK_WITHIN = Duration.ofSeconds(8);
  private static final Duration SHORT_SLACK = Duration.ofSeconds(22);
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
  void allAgentsComeBackAndNoCallerIsToldThatTheyAreUnknown() throws Exception {
    killAll(12, Duration.ZERO, SHORT_SLACK);
  }

  @Test
  @Tag("chaos")
  void all200AgentsAreBackWithin8SecondsOfTheFirstReadiness() throws Exception {
    Figures figures =
        new Figures("all-killed", "All three gateways killed and started again, 200 agents");
    List<Double> without =
        figures.row(
            "without the fault: 200 new agents until all have tunnels at gateways that run");
    List<Double> back =
        figures.row(
            "from the first gateway's readiness until all 200 have tunnels again",
            Figures.Limit.worst(BACK_WITHIN));
    List<Double> before = figures.row("without the fault: a request");
    List<Double> told = figures.row("answers of 503 with Retry-After, meanwhile");
    for (int run = 0; run < Runs.count(); run++) {
      // Agents that have tried for long try seldom: 20 s is near the longest outage of the promise.
      Outcome outcome = killAll(200, Duration.ofSeconds(run % 2 == 0 ? 2 : 20), SHORT_SLACK);
      without.add(outcome.attached());
      back.add(outcome.back());
      for (Sample sample : outcome.before()) {
        before.add(sample.millis());
      }
      for (Sample sample : outcome.during()) {
        if (sample.status() == 503) {
          told.add(sample.millis());
        }
      }
      figures.ran();
    }
    figures.assertLimits();
  }

  /**
   * What one run showed.
   *
   * @param attached from the agents' start until all had tunnels (ms)
   * @param back from the first readiness until all had tunnels again (ms)
   */
  private record Outcome(double attached, double back, List<Sample> before, List<Sample> during) {}

  private Outcome killAll(int agents, Duration outage, Duration slack) throws Exception {
    long start = System.nanoTime();
    try (AgentCrowd crowd = AgentCrowd.start("crowd", agents, cluster.all())) {
      double attached = (System.nanoTime() - start) / 1e6;
      for (GatewayProcess gateway : cluster.all()) {
        assertEquals(200, gateway.caller().status(origin.hello("crowd-0")));
      }
      List<Load.Target> targets = new ArrayList<>();
      for (int i = 0; i < Math.min(agents, 10); i++) {
        for (GatewayProcess gateway : cluster.all()) {
          targets.add(new Load.Target(gateway.caller(), origin.hello("crowd-" + i)));
        }
      }
      List<Sample> before;
      try (Load load = Load.start(20, targets)) {
        Thread.sleep(2_000);
        before = load.stop();
      }
      assertEquals(List.of(), Outages.failed(before), "before the fault");
      double back;
      List<Sample> samples;
      try (Load load = Load.start(20, targets)) {
        for (GatewayProcess gateway : cluster.all()) {
          gateway.kill();
        }
        Eventually.within(
            Duration.ofSeconds(10), () -> assertEquals(0, crowd.up(), "have a tunnel still"));
        Thread.sleep(outage.toMillis());
        for (GatewayProcess gateway : cluster.all()) {
          gateway.startAgain();
        }
        Eventually.within(
            Duration.ofSeconds(60),
            () ->
                assertTrue(
                    cluster.all().stream().anyMatch(AllKilledTest::isReady), "none is ready"));
        Duration took =
            Eventually.within(
                BACK_WITHIN.plus(slack), () -> assertEquals(agents, crowd.up(), "are back"));
        back = took.toNanos() / 1e6;
        cluster.awaitOne();
        samples = load.stop();
      }
      List<String> wrong =
          samples.stream()
              .filter(
                  sample ->
                      !sample.good()
                          && sample.status() != 0
                          && !(sample.status() == 503 && sample.retryAfter())
                          // The stream of a request that was under way at the death broke.
                          && sample.status() != 502)
              .map(Sample::toString)
              .toList();
      assertEquals(List.of(), wrong, "answers that are neither 200 nor 503 with Retry-After");
      Sample last = samples.get(samples.size() - 1);
      assertTrue(last.good(), "the last request: " + last);
      return new Outcome(attached, back, before, samples);
    }
  }

  private static boolean isReady(GatewayProcess gateway) {
    try {
      return gateway.caller().get("/readyz", Duration.ofSeconds(1)).status() == 200;
    } catch (java.io.IOException e) {
      return false;
    }
  }
}

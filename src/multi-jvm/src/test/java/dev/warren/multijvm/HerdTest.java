package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.Herd;
import dev.warren.multijvm.process.Herd.Finds;
import dev.warren.multijvm.process.HerdProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Thousands of agents lose their gateways at one time, and come back without hurting callers. */
@ExtendWith(LogsOnFailure.class)
class HerdTest {
  private static final Duration BACK_WITHIN = Duration.ofSeconds(60);
  private static final Duration FIRST_ANSWER_WITHIN = Duration.ofSeconds(5);
  private static final double TIMES_THE_NORMAL = 10;
  private static final int MOST_PUT_OFF = 3;

  /** So many different agents are asked for after all gateways were restarted, in 5 s. */
  private static final int ASKED = 60;

  /** What a short case grants beyond the promise, since two cores run all of it and more. */
  private static final Duration SHORT_SLACK = Duration.ofSeconds(5);

  private static OriginProcess origin;
  private GatewayCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  @Tag("chaos") // the whole of mvn verify has to fit into 20 minutes
  void aHerdComesBackWithoutHurtingTheCallers() throws Exception {
    // So slow that many of them have to be put off.
    cluster = GatewayCluster.start(3, "--max-attach-rate", "50");
    lose(300, 20, Duration.ofSeconds(4), SHORT_SLACK, new Figures("herd-short", "A small herd"));
  }

  @Test
  @Tag("chaos")
  void threeThousandAgentsComeBackWithoutHurtingTheCallers() throws Exception {
    cluster = GatewayCluster.start(3);
    Figures figures = new Figures("herd", "3,000 agents with one tunnel each at 3 gateways");
    try {
      lose(3_000, 100, Duration.ofSeconds(15), Duration.ZERO, figures);
    } finally {
      figures.ran();
    }
    figures.assertLimits();
  }

  @Test
  @Tag("chaos")
  void threeThousandAgentsAreLetInSlowly() throws Exception {
    cluster = GatewayCluster.start(3, "--max-attach-rate", "100");
    Figures figures =
        new Figures("herd-slow", "3,000 agents at 3 gateways with --max-attach-rate 100");
    try {
      lose(3_000, 100, Duration.ofSeconds(15), Duration.ZERO, figures);
    } finally {
      figures.ran();
    }
    figures.assertLimits();
  }

  private void lose(int agents, double perSecond, Duration before, Duration slack, Figures figures)
      throws Exception {
    List<Double> attached = figures.row("until all have come for the first time");
    List<Double> normal = figures.row("a request through the other two before");
    List<Double> meanwhile =
        figures.row("... while one gateway is killed and its agents come back");
    List<Double> back =
        figures.row("until the killed one's agents are back", Figures.Limit.worst(BACK_WITHIN));
    List<Double> allBack =
        figures.row(
            "all three killed and started: until all are back, from the first readiness",
            Figures.Limit.worst(BACK_WITHIN));
    List<Double> first =
        figures.row(
            "... until the first caller at each is answered, from its readiness",
            Figures.Limit.worst(FIRST_ANSWER_WITHIN));
    List<String> connect = cluster.all().stream().map(GatewayProcess::connect).toList();
    GatewayProcess victim = cluster.get("g3");
    List<GatewayProcess> others = cluster.except(victim);
    try (HerdProcess herd = HerdProcess.start("herd", agents, connect);
        Herd few =
            Herd.start(
                "few",
                6,
                others.stream().map(GatewayProcess::connect).toList(),
                1,
                Finds.BY_ITS_DOORS,
                1)) {
      long start = System.nanoTime();
      attached.add(back(herd, agents, slack).toNanos() / 1e6);
      Eventually.within(BACK_WITHIN, () -> few.assertTunnels(1));
      figures.note(share("all come", herd, 0, start));

      // Callers of agents that keep their tunnels, through the two that live on.
      List<Load.Target> targets = new ArrayList<>();
      for (String id : few.ids()) {
        others.forEach(at -> targets.add(new Load.Target(at.caller(), origin.hello(id))));
      }
      try (Load warm = Load.start(perSecond, targets)) {
        Thread.sleep(2_000);
        warm.stop();
      }
      herd.forget();
      double cpu = herd.cpuSeconds();
      start = System.nanoTime();
      try (Load load = Load.start(perSecond, targets)) {
        Thread.sleep(before.toMillis());
        List<Sample> samples = load.stop();
        assertEquals(List.of(), Outages.failed(samples), "requests before");
        samples.forEach(sample -> normal.add(sample.millis()));
      }
      figures.note(share("idle", herd, cpu, start));
      cpu = herd.cpuSeconds();
      start = System.nanoTime();
      try (Load load = Load.start(perSecond, targets)) {
        victim.kill();
        // What the kill has left behind is noticed within a moment.
        Eventually.within(BACK_WITHIN, () -> assertEquals(null, herd.look().at().get(victim.id())));
        back.add(back(herd, agents, slack).toNanos() / 1e6);
        Thread.sleep(1_000);
        List<Sample> samples = load.stop();
        assertEquals(List.of(), Outages.failed(samples), "requests while the herd comes back");
        samples.forEach(sample -> meanwhile.add(sample.millis()));
      }
      figures.note(share("one gateway killed", herd, cpu, start));
      assertPutOff(herd, "one gateway killed", figures);
      double limit = TIMES_THE_NORMAL * Figures.quantile(normal, 0.99) + slack.toMillis();
      assertTrue(
          Figures.quantile(meanwhile, 0.99) < limit,
          "99th percentile "
              + Figures.quantile(meanwhile, 0.99)
              + " ms (expected: below "
              + limit
              + ")");
      victim.restart();
      cluster.awaitOne();

      herd.forget();
      cpu = herd.cpuSeconds();
      start = System.nanoTime();
      for (GatewayProcess gateway : cluster.all()) {
        gateway.kill();
      }
      Eventually.within(BACK_WITHIN, () -> assertEquals(0, herd.look().up()));
      for (GatewayProcess gateway : cluster.all()) {
        gateway.startAgain();
      }
      List<Load.Target> any = new ArrayList<>();
      for (int i = 0; i < ASKED; i++) {
        GatewayProcess at = cluster.all().get(i % 3);
        any.add(new Load.Target(at.caller(), origin.hello(herd.id(i * agents / ASKED))));
      }
      Map<String, Long> ready = new HashMap<>();
      List<Sample> samples;
      try (Load load = Load.start(ASKED / 5.0, any)) {
        Eventually.within(BACK_WITHIN, () -> awaitReady(ready));
        back(herd, agents, slack);
        samples = load.stop();
      }
      allBack.add((System.nanoTime() - Collections.min(ready.values())) / 1e6);
      List<Double> answered = new ArrayList<>();
      for (GatewayProcess gateway : cluster.all()) {
        answered.add(firstAnswer(gateway.id(), ready.get(gateway.id()), samples));
      }
      first.addAll(answered);
      figures.note("The first answers at the three came after " + answered + " ms.");
      figures.note(share("all three killed and started", herd, cpu, start));
      assertPutOff(herd, "all three killed and started", figures);
      assertTrue(
          Figures.quantile(answered, 1) <= FIRST_ANSWER_WITHIN.plus(slack).toMillis(),
          "first answers after " + answered + " ms");
    }
  }

  /** Notes when each gateway was seen ready for the first time. */
  private void awaitReady(Map<String, Long> ready) {
    for (GatewayProcess gateway : cluster.all()) {
      if (!ready.containsKey(gateway.id()) && isReady(gateway)) {
        ready.put(gateway.id(), System.nanoTime());
      }
    }
    assertEquals(cluster.all().size(), ready.size(), "gateways that are ready");
  }

  private static boolean isReady(GatewayProcess gateway) {
    try {
      return gateway.caller().get("/readyz", Duration.ofSeconds(5)).status() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** From a gateway's readiness until a caller there has an answer by any agent; milliseconds. */
  private static double firstAnswer(String gateway, long ready, List<Sample> samples) {
    long first =
        samples.stream()
            .filter(sample -> sample.good() && sample.at().equals(gateway))
            .mapToLong(sample -> sample.startNanos() + sample.nanos() - ready)
            .min()
            .orElseThrow(() -> new AssertionError(gateway + " answers nobody"));
    return Math.max(0, first) / 1e6;
  }

  private static Duration back(HerdProcess herd, int agents, Duration slack)
      throws InterruptedException {
    return Eventually.within(
        BACK_WITHIN.plus(slack),
        Duration.ofMillis(100),
        () -> assertEquals(agents, herd.look().up(), "agents with a tunnel"));
  }

  private static void assertPutOff(HerdProcess herd, String when, Figures figures)
      throws IOException {
    HerdProcess.Look look = herd.look();
    figures.note(
        when
            + ": agents were put off "
            + look.putOff()
            + " times, one of them "
            + look.mostPutOff()
            + " times at most; now "
            + look.at()
            + ".");
    assertTrue(
        look.mostPutOff() <= MOST_PUT_OFF,
        when + ": an agent was put off " + look.mostPutOff() + " times (expected: at most 3)");
  }

  /** What the simulator took of the machine. */
  private static String share(String when, HerdProcess herd, double cpuBefore, long since) {
    double seconds = (System.nanoTime() - since) / 1e9;
    return String.format(
        Locale.ROOT,
        "%s: the simulator used %.0f %% of a core for %.0f s.",
        when,
        100 * (herd.cpuSeconds() - cpuBefore) / seconds,
        seconds);
  }
}

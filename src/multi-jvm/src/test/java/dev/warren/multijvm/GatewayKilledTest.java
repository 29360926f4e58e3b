package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Caller;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.load.SlowTarget;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.Herd;
import dev.warren.multijvm.process.Herd.Finds;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One of three gateways dies without a word, and each agent has a tunnel to another one. */
@ExtendWith(LogsOnFailure.class)
class GatewayKilledTest {
  private static final double LONGEST_MILLIS = 500;
  private static final double TIMES_THE_WORST_BEFORE = 3;

  /** What a short case grants beyond the promise, since two cores run all of it and more. */
  private static final double SHORT_SLACK_MILLIS = 2_000;

  /** So that some requests are under way at any moment. */
  private static final int LATE_MILLIS = 200;

  private static OriginProcess origin;
  private static SlowTarget slow;
  private GatewayCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    slow = SlowTarget.start();
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void onlyWhatWasUnderWayThroughItIsLost() throws Exception {
    cluster = GatewayCluster.start(3);
    kill(cluster.get("g2"), 12, 60, Duration.ofSeconds(5), Duration.ofSeconds(4), true);
  }

  @Test
  @Tag("chaos")
  void underLoadOnlyWhatWasUnderWayThroughItIsLost() throws Exception {
    cluster = GatewayCluster.start(3);
    Figures figures =
        new Figures(
            "gateway-killed",
            "kill -9 of one of 3 gateways, agents with two tunnels, 300 requests/s through the"
                + " survivors and 20 that take "
                + LATE_MILLIS
                + " ms");
    List<Double> before = figures.row("the longest small request in the minute before");
    List<Double> after = figures.row("... and after the kill");
    int runs = Runs.count();
    for (int run = 0; run < runs; run++) {
      GatewayProcess victim = cluster.get("g" + (1 + run % 3));
      Outcome outcome = kill(victim, 30, 300, Duration.ofMinutes(1), Duration.ofSeconds(20), false);
      before.add(outcome.worstBefore());
      after.add(outcome.worstAfter());
      figures.note(
          outcome.requests()
              + " requests, "
              + outcome.lost()
              + " lost, each under way through the dead one.");
      figures.ran();
      victim.restart();
      cluster.awaitOne();
    }
  }

  private record Outcome(double worstBefore, double worstAfter, int lost, int requests) {}

  private Outcome kill(
      GatewayProcess victim,
      int agents,
      double perSecond,
      Duration before,
      Duration after,
      boolean isShort)
      throws Exception {
    List<Caller> survivors = cluster.except(victim).stream().map(GatewayProcess::caller).toList();
    List<String> connect = cluster.all().stream().map(GatewayProcess::connect).toList();
    try (Herd herd =
        Herd.start("two-at-" + victim.id(), agents, connect, 2, Finds.BY_ITS_DOORS, 1)) {
      Eventually.within(Duration.ofSeconds(40), () -> herd.assertTunnels(2));
      herd.forget();
      List<Load.Target> small = new ArrayList<>();
      List<Load.Target> late = new ArrayList<>();
      for (String id : herd.ids()) {
        for (Caller caller : survivors) {
          small.add(new Load.Target(caller, origin.hello(id)));
          late.add(new Load.Target(caller, slow.late(id, LATE_MILLIS)));
        }
      }
      // The first requests pay for what the processes have not compiled yet.
      try (Load warm = Load.start(perSecond, small)) {
        Thread.sleep(2_000);
        warm.stop();
      }
      long killed;
      long dead;
      List<Sample> samples;
      List<Sample> lates;
      try (Load steady = Load.start(perSecond, small);
          Load lasting = Load.start(20, late)) {
        Thread.sleep(before.toMillis());
        killed = System.nanoTime();
        victim.kill();
        dead = System.nanoTime();
        Thread.sleep(after.toMillis());
        samples = steady.stop();
        lates = lasting.stop();
      }
      List<Sample> all = new ArrayList<>(samples);
      all.addAll(lates);
      List<Sample> lost = all.stream().filter(sample -> !sample.good()).toList();
      List<Sample> others =
          lost.stream().filter(sample -> !wasUnderWay(sample, victim, killed, dead)).toList();
      assertEquals(
          List.of(),
          others.isEmpty() ? List.of() : Outages.failed(others),
          "lost, and not because they were under way through " + victim.id());
      double worstBefore = worst(samples, Long.MIN_VALUE, killed);
      double worstAfter = worst(samples, killed, Long.MAX_VALUE);
      double limit =
          Math.max(LONGEST_MILLIS, TIMES_THE_WORST_BEFORE * worstBefore)
              + (isShort ? SHORT_SLACK_MILLIS : 0);
      assertTrue(
          worstAfter <= limit,
          "the longest request after the kill took "
              + worstAfter
              + " ms (expected: at most "
              + limit
              + ", before it was "
              + worstBefore
              + ")");
      assertEquals(List.of(), herd.lonely(), "agents that were without a tunnel");
      return new Outcome(worstBefore, worstAfter, lost.size(), all.size());
    }
  }

  /** It was under way in the moment of the kill, by way of the dead gateway, as its answer says. */
  private static boolean wasUnderWay(Sample sample, GatewayProcess victim, long killed, long dead) {
    return sample.startNanos() < dead
        && sample.startNanos() + sample.nanos() > killed
        && List.of(sample.via().split(", ", -1)).contains(victim.id());
  }

  /** The longest of those that were answered in this time, or began in it. */
  private static double worst(List<Sample> samples, long from, long to) {
    return samples.stream()
        .filter(sample -> sample.startNanos() < to && sample.startNanos() + sample.nanos() > from)
        .filter(sample -> to == Long.MAX_VALUE || sample.startNanos() + sample.nanos() < to)
        .filter(Sample::good)
        .mapToDouble(Sample::millis)
        .max()
        .orElse(0);
  }
}

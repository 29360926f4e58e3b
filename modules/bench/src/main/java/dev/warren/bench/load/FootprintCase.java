package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What Warren's processes take: just started, with streams that stand open and carry nothing, and
 * under load. To be run first, since what a process has taken it seldom gives back.
 */
final class FootprintCase implements Case {
  static final double GATEWAY_MIB = 260;
  static final double AGENT_MIB = 64;

  private static final double MIB = 1 << 20;
  private static final double KIB = 1 << 10;
  private static final int SETTLE_MILLIS = 3_000;
  private static final int BUSY_STREAMS = 64;
  private static final int LOOK_MILLIS = 200;

  @Override
  public String name() {
    return "footprint";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Series load = new Series();
    List<Child> jvms = List.of(stage.gateway(), stage.peer(), stage.agent());
    Bench.pause(SETTLE_MILLIS);
    Map<Child, Double> idle = resident(jvms);
    Map<Child, Double> heapBefore = new LinkedHashMap<>();
    Map<Child, Double> heapAfter = new LinkedHashMap<>();
    List<Child> ends = List.of(stage.gateway(), stage.agent());
    // The first ones load what is loaded once.
    open(stage, plan.idleStreams() / 2, List.of(), new LinkedHashMap<>());
    ends.forEach(jvm -> heapBefore.put(jvm, heap(stage, jvm)));
    open(stage, plan.idleStreams(), ends, heapAfter);
    load.add(LoadAverage.now());

    Map<Child, Double> most = new LinkedHashMap<>(idle);
    try (Child busy =
        Wrk.startDownloads(stage, Subject.PEER, BUSY_STREAMS, 2 * plan.requestSeconds())) {
      long until = System.nanoTime() + plan.requestSeconds() * 1_000_000_000L;
      while (System.nanoTime() < until) {
        resident(jvms).forEach((jvm, now) -> most.merge(jvm, now, Math::max));
        Bench.pause(LOOK_MILLIS);
      }
      busy.checkAlive();
    }
    load.add(LoadAverage.now());

    List<Figure> figures = new ArrayList<>();
    for (Child jvm : jvms) {
      double limit = jvm == stage.agent() ? AGENT_MIB : GATEWAY_MIB;
      figures.add(
          figure(
              jvm.name() + ": resident, idle, of " + (int) limit + " MiB",
              "MiB",
              idle.get(jvm),
              new Figure.Verdict(idle.get(jvm) / limit, Figure.Target.atMost(1)),
              String.format(
                  Locale.ROOT,
                  "under %d downloads over a peer at most %.0f MiB",
                  BUSY_STREAMS,
                  most.get(jvm)),
              load));
    }
    for (Child jvm : ends) {
      figures.add(
          figure(
              jvm.name() + ": heap for each of " + plan.idleStreams() + " idle streams",
              "KiB",
              (heapAfter.get(jvm) - heapBefore.get(jvm)) / plan.idleStreams() / KIB,
              Figure.Verdict.NONE,
              "",
              load));
    }
    for (Figure figure : figures) {
      progress.printf(
          Locale.ROOT,
          "  %s: %.2f %s%n",
          figure.name(),
          figure.medians().get(Subject.WARREN),
          figure.unit());
    }
    return figures;
  }

  /** Opens streams at the gateway that has the tunnel; closes them when the heaps are known. */
  private static void open(Stage stage, int count, List<Child> jvms, Map<Child, Double> heaps) {
    List<PingPong> streams = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        streams.add(PingPong.open(stage, Subject.WARREN, PingPong.Kind.RAW));
      }
      jvms.forEach(jvm -> heaps.put(jvm, heap(stage, jvm)));
    } finally {
      streams.forEach(PingPong::close);
    }
    Bench.pause(SETTLE_MILLIS);
  }

  private static double heap(Stage stage, Child jvm) {
    return Heap.collected(stage.bench(), jvm).liveBytes();
  }

  private static Map<Child, Double> resident(List<Child> jvms) {
    Map<Child, Double> sizes = new LinkedHashMap<>();
    jvms.forEach(jvm -> sizes.put(jvm, jvm.residentBytes() / MIB));
    return sizes;
  }

  private static Figure figure(
      String name, String unit, double value, Figure.Verdict verdict, String note, Series load) {
    return new Figure(
        name,
        unit,
        Map.of(Subject.WARREN, value),
        Map.of(Subject.WARREN, verdict),
        Double.NaN,
        note,
        List.of(load.quantile(0), load.largest()),
        Map.of());
  }
}

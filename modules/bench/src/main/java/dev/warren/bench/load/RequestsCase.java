package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Answers of 1 KiB, asked for with wrk over connections that are kept. */
final class RequestsCase implements Case {
  static final double TARGET = 0.25;

  /** The number of connections that the target speaks of. */
  private static final int TARGET_CONNECTIONS = 32;

  private static final double COST_UNIT = 10_000;

  @Override
  public String name() {
    return "requests";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Wrk.run(stage, Subject.WARREN, TARGET_CONNECTIONS, 2 * plan.requestSeconds());
    List<Figure> figures = new ArrayList<>();
    for (int connections : plan.connections()) {
      progress.printf("  %d connections%n", connections);
      figures.addAll(run(stage, plan, connections, progress));
    }
    return figures;
  }

  private static List<Figure> run(Stage stage, Plan plan, int connections, PrintStream progress) {
    Map<Subject, Series> rates = new EnumMap<>(Subject.class);
    Map<Subject, Series> medians = new EnumMap<>(Subject.class);
    Map<Subject, Series> slow = new EnumMap<>(Subject.class);
    Map<Subject, Costs> costs = new EnumMap<>(Subject.class);
    Series load = new Series();
    for (int round = 0; round < plan.rounds(); round++) {
      for (Subject subject : List.of(Subject.NGINX, Subject.WARREN, Subject.NGINX_AGAIN)) {
        Map<String, Double> before = stage.cpuSeconds(subject);
        Wrk.Outcome outcome = Wrk.run(stage, subject, connections, plan.requestSeconds());
        costs
            .computeIfAbsent(subject, any -> new Costs())
            .add(before, stage.cpuSeconds(subject), outcome.requests() / COST_UNIT);
        rates.computeIfAbsent(subject, any -> new Series()).add(outcome.rate());
        medians.computeIfAbsent(subject, any -> new Series()).add(outcome.median());
        slow.computeIfAbsent(subject, any -> new Series()).add(outcome.slow());
        load.add(LoadAverage.now());
        progress.printf(
            Locale.ROOT,
            "  %s: %.0f requests/s, median %.2f ms, 99th %.2f ms%n",
            subject,
            outcome.rate(),
            outcome.median(),
            outcome.slow());
      }
    }
    String name = "1 KiB at " + connections + (connections == 1 ? " connection" : " connections");
    Figure.Target target =
        connections == TARGET_CONNECTIONS ? Figure.Target.atLeast(TARGET) : Figure.Target.NONE;
    String cost = "CPU s per 10,000: " + Compared.costs(costs);
    return List.of(
        Compared.figure(name, "requests/s", rates, target, cost, load),
        Compared.figure(name + ", median", "ms", medians, Figure.Target.NONE, "", load),
        Compared.figure(name + ", 99th percentile", "ms", slow, Figure.Target.NONE, "", load));
  }
}

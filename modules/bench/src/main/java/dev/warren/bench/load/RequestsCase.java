package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Answers of 1 KiB, asked for with wrk over connections that are kept: a closed loop. */
final class RequestsCase implements Case {
  static final Targets RATE_TARGETS = Targets.atLeast(0.45, 0.3);
  static final Targets MEDIAN_TARGETS = Targets.atMost(2.5, 3.5);

  /** The number of connections that the rate's target speaks of; the median's speaks of one. */
  static final int TARGET_CONNECTIONS = 32;

  static final double COST_UNIT = 10_000;

  @Override
  public String name() {
    return "requests";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    for (Subject subject : Subject.MEASURED) {
      Wrk.requests(stage, subject, TARGET_CONNECTIONS, 2 * plan.requestSeconds());
    }
    List<Figure> figures = new ArrayList<>();
    for (int connections : plan.connections()) {
      progress.printf("  %d connections%n", connections);
      Rounds rounds =
          Rounds.run(
              stage,
              plan.rounds(),
              Subject.ROUND,
              progress,
              subject -> turn(stage, plan, subject, connections));
      String name = "1 KiB at " + connections + (connections == 1 ? " connection" : " connections");
      figures.add(
          rounds.figure(
              name,
              "requests/s",
              "requests/s",
              connections == TARGET_CONNECTIONS ? RATE_TARGETS : Targets.NONE,
              rounds.costs("10,000")));
      figures.add(
          rounds.figure(
              name + ", median",
              "ms median",
              "ms",
              connections == 1 ? MEDIAN_TARGETS : Targets.NONE,
              ""));
      figures.add(rounds.figure(name + ", 99th percentile", "ms 99 %", "ms", Targets.NONE, ""));
    }
    return figures;
  }

  private static Rounds.Outcome turn(Stage stage, Plan plan, Subject subject, int connections) {
    Wrk.Outcome outcome = Wrk.requests(stage, subject, connections, plan.requestSeconds());
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("requests/s", outcome.rate());
    values.put("ms median", outcome.median());
    values.put("ms 99 %", outcome.slow());
    return new Rounds.Outcome(values, outcome.requests() / COST_UNIT);
  }
}

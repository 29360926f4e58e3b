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

  private final String name;
  private final boolean many;

  /**
   * @param many whether those numbers of connections are meant that are above the target's; a case
   *     apart, since they meet limits that fewer do not
   */
  RequestsCase(String name, boolean many) {
    this.name = name;
    this.many = many;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    for (Subject subject : Subject.MEASURED) {
      Wrk.requests(stage, subject, TARGET_CONNECTIONS, 2 * plan.requestSeconds());
    }
    List<Figure> figures = new ArrayList<>();
    for (int connections : plan.connections()) {
      if (connections > TARGET_CONNECTIONS != many) {
        continue;
      }
      progress.printf("  %d connections%n", connections);
      Rounds rounds =
          Rounds.run(
              stage,
              plan.rounds(),
              Subject.ROUND,
              progress,
              subject -> turn(stage, plan, subject, connections));
      String what = "1 KiB at " + connections + (connections == 1 ? " connection" : " connections");
      figures.add(
          rounds.figure(
              what,
              "requests/s",
              "requests/s",
              connections == TARGET_CONNECTIONS ? RATE_TARGETS : Targets.NONE,
              rounds.costs("10,000")));
      figures.add(
          rounds.figure(
              what + ", median",
              "ms median",
              "ms",
              connections == 1 ? MEDIAN_TARGETS : Targets.NONE,
              ""));
      figures.add(rounds.figure(what + ", 99th percentile", "ms 99 %", "ms", Targets.NONE, ""));
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

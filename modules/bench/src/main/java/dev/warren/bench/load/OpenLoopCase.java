package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Answers of 1 KiB, asked for at a fixed rate that does not wait for answers: half of what each of
 * Warren's ways can do at most, and nginx at the same rate.
 */
final class OpenLoopCase implements Case {
  static final Figure.Target SLOW_TARGET = Figure.Target.atMost(4);

  private static final int CONNECTIONS = RequestsCase.TARGET_CONNECTIONS;
  private static final int PROBES = 3;

  @Override
  public String name() {
    return "open-loop";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    List<Figure> figures = new ArrayList<>();
    for (Subject measured : Subject.MEASURED) {
      Wrk.requests(stage, measured, CONNECTIONS, plan.requestSeconds());
      Series most = new Series();
      for (int i = 0; i < PROBES; i++) {
        most.add(Wrk.requests(stage, measured, CONNECTIONS, plan.requestSeconds()).rate());
      }
      int rate = (int) (most.median() / 2);
      progress.printf("  %d requests/s, half of what %s can%n", rate, measured);
      Rounds rounds =
          Rounds.run(
              stage,
              plan.rounds(),
              List.of(Subject.NGINX, measured, Subject.NGINX_AGAIN),
              progress,
              subject -> turn(stage, plan, subject, rate));
      String name = "1 KiB, " + rate + " requests/s";
      figures.add(
          rounds.figure(
              name + ", median", "ms median", "ms", Targets.NONE, rounds.costs("10,000")));
      figures.add(
          rounds.figure(
              name + ", 99th percentile", "ms 99 %", "ms", Targets.both(SLOW_TARGET), ""));
    }
    return figures;
  }

  private static Rounds.Outcome turn(Stage stage, Plan plan, Subject subject, int rate) {
    H2load.Outcome outcome =
        H2load.requests(stage, subject, CONNECTIONS, rate, plan.requestSeconds());
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("requests/s", outcome.rate());
    values.put("ms median", outcome.millis().median());
    values.put("ms 99 %", outcome.millis().quantile(0.99));
    return new Rounds.Outcome(values, outcome.millis().values().size() / RequestsCase.COST_UNIT);
  }
}

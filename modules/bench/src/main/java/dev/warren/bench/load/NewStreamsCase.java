package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A stream for each request: the sink closes its connection with each answer, so that for each the
 * agent dials and OPEN, OPENED and FINISH go over the tunnel, and nginx connects anew. Several
 * targets, so that ports do not run out. The rate is that of requests by HTTP; what the library
 * alone can do is a little more.
 */
final class NewStreamsCase implements Case {
  static final Targets TARGETS = new Targets(Figure.Target.atLeast(0.3), Figure.Target.NONE);

  /** Of one tunnel, on the same node (streams a second). */
  static final double LEAST = 2_500;

  private static final int CONNECTIONS = 32;

  @Override
  public String name() {
    return "new-streams";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Subject.ROUND.forEach(subject -> turn(stage, plan, subject));
    Rounds rounds =
        Rounds.run(
            stage, plan.rounds(), Subject.ROUND, progress, subject -> turn(stage, plan, subject));
    Figure rate =
        rounds.figure("new streams", "streams/s", "streams/s", TARGETS, rounds.costs("10,000"));
    Map<Subject, Figure.Verdict> verdicts = new EnumMap<>(Subject.class);
    verdicts.put(
        Subject.WARREN,
        new Figure.Verdict(rate.medians().get(Subject.WARREN) / LEAST, Figure.Target.atLeast(1)));
    return List.of(
        rate,
        new Figure(
            "new streams, of 2,500 a second",
            "",
            Map.of(),
            verdicts,
            Double.NaN,
            "",
            rate.load(),
            Map.of()));
  }

  private static Rounds.Outcome turn(Stage stage, Plan plan, Subject subject) {
    List<String> paths =
        IntStream.range(0, Stage.SINKS).mapToObj(i -> stage.path(subject, Stage.ONCE + i)).toList();
    Wrk.Outcome outcome = Wrk.inTurn(stage, subject, paths, CONNECTIONS, plan.newStreamSeconds());
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("streams/s", outcome.rate());
    values.put("ms median", outcome.median());
    return new Rounds.Outcome(values, outcome.requests() / RequestsCase.COST_UNIT);
  }
}

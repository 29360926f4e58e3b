package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * New streams by the library, each with one small request and its answer, beside nginx that
 * connects anew for each request ({@link NewStreamsCase}). The library runs in this process, on the
 * same cores.
 */
final class LibraryStreamsCase implements Case {
  private static final int AT_ONCE = 32;

  @Override
  public String name() {
    return "library-streams";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Subject.ROUND.forEach(subject -> turn(stage, plan, subject));
    Rounds rounds =
        Rounds.run(
            stage, plan.rounds(), Subject.ROUND, progress, subject -> turn(stage, plan, subject));
    Figure rate =
        rounds.figure(
            "new streams by the library",
            "streams/s",
            "streams/s",
            NewStreamsCase.TARGETS,
            rounds.costs("10,000"));
    Map<Subject, Figure.Verdict> verdicts = new EnumMap<>(Subject.class);
    verdicts.put(
        Subject.WARREN,
        new Figure.Verdict(
            rate.medians().get(Subject.WARREN) / NewStreamsCase.LEAST, Figure.Target.atLeast(1)));
    return List.of(
        rate,
        new Figure(
            "new streams by the library, of 2,500 a second",
            "",
            Map.of(),
            verdicts,
            Double.NaN,
            "",
            rate.load(),
            Map.of()));
  }

  private static Rounds.Outcome turn(Stage stage, Plan plan, Subject subject) {
    long streams;
    double rate;
    if (subject.isWarren()) {
      streams =
          LibraryStreams.run(
              stage.gatewayUrl(subject),
              Stage.AGENT_ID,
              stage.sinkTargets(),
              AT_ONCE,
              plan.newStreamSeconds());
      rate = (double) streams / plan.newStreamSeconds();
    } else {
      List<String> paths =
          IntStream.range(0, Stage.SINKS)
              .mapToObj(i -> stage.path(subject, Stage.ONCE + i))
              .toList();
      Wrk.Outcome outcome = Wrk.inTurn(stage, subject, paths, AT_ONCE, plan.newStreamSeconds());
      streams = (long) outcome.requests();
      rate = outcome.rate();
    }
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("streams/s", rate);
    return new Rounds.Outcome(values, (double) streams / RequestsCase.COST_UNIT);
  }
}

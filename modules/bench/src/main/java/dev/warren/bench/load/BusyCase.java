package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The first byte of a new request beside downloads that take all they can get. */
final class BusyCase implements Case {
  private static final int DOWNLOADS = 8;
  private static final int BUSY_SECONDS = 120;
  private static final int START_MILLIS = 1_000;

  @Override
  public String name() {
    return "busy";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Rounds rounds =
        Rounds.run(
            stage,
            plan.rounds(),
            Subject.ROUND,
            progress,
            subject -> {
              Series millis = new Series();
              try (Child busy = Wrk.startDownloads(stage, subject, DOWNLOADS, BUSY_SECONDS)) {
                Bench.pause(START_MILLIS);
                for (int i = 0; i < plan.firstBytes(); i++) {
                  try (RawCaller caller = RawCaller.ask(stage, subject, Stage.SMALL)) {
                    millis.add(caller.firstByteMillis());
                  }
                }
                busy.checkAlive();
              }
              Map<String, Double> values = new LinkedHashMap<>();
              values.put("ms median", millis.median());
              values.put("ms 99 %", millis.quantile(0.99));
              return new Rounds.Outcome(values, 1);
            });
    String name = "first byte beside " + DOWNLOADS + " downloads, ";
    return List.of(
        rounds.figure(name + "median", "ms median", "ms", Targets.NONE, ""),
        rounds.figure(name + "99th percentile", "ms 99 %", "ms", Targets.NONE, ""));
  }
}

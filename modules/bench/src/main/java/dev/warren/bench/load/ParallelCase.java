package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Several downloads at once: what all of them get together. */
final class ParallelCase implements Case {
  @Override
  public String name() {
    return "parallel";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    List<Figure> figures = new ArrayList<>();
    for (int streams : plan.streams()) {
      progress.printf("  %d streams%n", streams);
      Rounds rounds =
          Rounds.run(
              stage,
              plan.rounds(),
              Subject.ROUND,
              progress,
              subject -> {
                Wrk.Outcome outcome = Wrk.download(stage, subject, streams, plan.requestSeconds());
                return new Rounds.Outcome(
                    Map.of("MB/s", outcome.megabytesPerSecond()),
                    outcome.bytes() / DownloadCase.GIB);
              });
      figures.add(
          rounds.figure(
              streams + (streams == 1 ? " download" : " downloads at once"),
              "MB/s",
              "MB/s",
              Targets.NONE,
              rounds.costs("GiB")));
    }
    return figures;
  }
}

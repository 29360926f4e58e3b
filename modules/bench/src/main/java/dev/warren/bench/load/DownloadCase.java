package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** One download after the other with curl. */
final class DownloadCase implements Case {
  static final Targets TARGETS = Targets.atLeast(0.9, 0.55);
  static final double GIB = 1L << 30;

  @Override
  public String name() {
    return "download";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    for (int i = 0; i < plan.warmUpDownloads(); i++) {
      Subject.ROUND.forEach(subject -> rate(stage, plan, subject));
    }
    Rounds rounds =
        Rounds.run(
            stage,
            plan.rounds(),
            List.of(
                Subject.DIRECT, Subject.NGINX, Subject.WARREN, Subject.PEER, Subject.NGINX_AGAIN),
            progress,
            subject ->
                new Rounds.Outcome(
                    Map.of("MB/s", rate(stage, plan, subject)), plan.downloadBytes() / GIB));
    return List.of(
        rounds.figure(
            "download of " + (plan.downloadBytes() >> 20) + " MiB",
            "MB/s",
            "MB/s",
            TARGETS,
            rounds.costs("GiB")));
  }

  private static double rate(Stage stage, Plan plan, Subject subject) {
    return Curl.download(stage, subject, Stage.LARGE, plan.downloadBytes());
  }
}

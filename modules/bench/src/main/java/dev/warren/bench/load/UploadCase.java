package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** One upload after the other with curl, to a sink that throws it away. */
final class UploadCase implements Case {
  static final Targets TARGETS = Targets.atLeast(0.8, 0.55);

  @Override
  public String name() {
    return "upload";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    for (int i = 0; i < plan.warmUpDownloads(); i++) {
      Subject.ROUND.forEach(subject -> Curl.upload(stage, subject, plan.downloadBytes()));
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
                    Map.of("MB/s", Curl.upload(stage, subject, plan.downloadBytes())),
                    plan.downloadBytes() / DownloadCase.GIB));
    return List.of(
        rounds.figure(
            "upload of " + (plan.downloadBytes() >> 20) + " MiB",
            "MB/s",
            "MB/s",
            TARGETS,
            rounds.costs("GiB")));
  }
}

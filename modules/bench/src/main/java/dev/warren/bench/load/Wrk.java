package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Many small requests. */
final class Wrk {
  private static final String MARK = "warren-bench";
  private static final int START_AND_END_SECONDS = 30;

  private static final String SCRIPT =
      """
      done = function(summary, latency, requests)
        local errors = summary.errors
        io.write(string.format("%s %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
          latency:percentile(50), latency:percentile(99),
          errors.connect + errors.read + errors.write + errors.status + errors.timeout))
      end
      """
          .formatted(MARK);

  /**
   * @param rate requests a second
   * @param median milliseconds
   * @param slow milliseconds below which 99 of 100 answers came
   */
  record Outcome(long requests, double rate, double median, double slow) {}

  private Wrk() {}

  static Outcome run(Stage stage, Subject subject, int connections, int seconds) {
    Path script = stage.directory().resolve("wrk.lua");
    try {
      Files.writeString(script, SCRIPT);
    } catch (IOException e) {
      throw new LoadException("cannot write " + script + ": " + e.getMessage(), e);
    }
    String said =
        stage
            .children()
            .run(
                "wrk",
                List.of(
                    stage.tools().wrk().toString(),
                    "-t1",
                    "-c" + connections,
                    "-d" + seconds + "s",
                    "--timeout",
                    "10s",
                    "-s",
                    script.toString(),
                    stage.url(subject, Stage.SMALL)),
                seconds + START_AND_END_SECONDS);
    int at = said.indexOf(MARK);
    if (at < 0) {
      throw new LoadException("wrk said nothing of its outcome: " + said);
    }
    String[] fields = said.substring(at).trim().split("\\s+");
    long requests = Long.parseLong(fields[1]);
    long failed = Long.parseLong(fields[5]);
    if (failed > 0) {
      throw new LoadException(
          subject + " at " + connections + " connections: " + failed + " requests failed: " + said);
    }
    return new Outcome(
        requests,
        requests / (Double.parseDouble(fields[2]) / 1e6),
        Double.parseDouble(fields[3]) / 1e3,
        Double.parseDouble(fields[4]) / 1e3);
  }
}

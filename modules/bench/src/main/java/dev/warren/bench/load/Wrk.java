package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Many requests over connections that are kept, each sent when the one before is answered. */
final class Wrk {
  private static final String MARK = "warren-bench";
  private static final int START_AND_END_SECONDS = 30;
  private static final String REQUEST_TIMEOUT = "10s";

  /** Longer than any run, and no more: wrk takes eight bytes for each microsecond of it. */
  private static final String DOWNLOAD_TIMEOUT = "60s";

  private static final String DONE =
      """
      done = function(summary, latency, requests)
        local errors = summary.errors
        io.write(string.format("%s %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
          latency:percentile(50), latency:percentile(99),
          errors.connect + errors.read + errors.write + errors.status + errors.timeout,
          summary.bytes))
      end
      """
          .formatted(MARK);

  private static final String IN_TURN =
      """
      local paths = { %s }
      local next = 0
      request = function()
        next = next %% #paths + 1
        return wrk.format("GET", paths[next])
      end
      """;

  /**
   * @param seconds that it took
   * @param median milliseconds
   * @param slow milliseconds below which 99 of 100 answers came
   */
  record Outcome(long requests, long bytes, double seconds, double median, double slow) {
    /** Requests a second. */
    double rate() {
      return requests / seconds;
    }

    double megabytesPerSecond() {
      return bytes / seconds / 1e6;
    }
  }

  private Wrk() {}

  /** Asks for 1 KiB. */
  static Outcome requests(Stage stage, Subject subject, int connections, int seconds) {
    return run(
        stage, subject, command(stage, subject, Stage.SMALL, connections, seconds, DONE), seconds);
  }

  /** Asks for paths in turn. */
  static Outcome inTurn(
      Stage stage, Subject subject, List<String> paths, int connections, int seconds) {
    String list = paths.stream().map(path -> '"' + path + '"').collect(Collectors.joining(", "));
    return run(
        stage,
        subject,
        command(
            stage, subject, Stage.ONCE + 0, connections, seconds, IN_TURN.formatted(list) + DONE),
        seconds);
  }

  /** Downloads side by side, cut off at the end. */
  static Outcome download(Stage stage, Subject subject, int streams, int seconds) {
    return run(
        stage, subject, command(stage, subject, Stage.LARGE, streams, seconds, DONE), seconds);
  }

  /** Starts downloads that go on until they are ended. */
  static Child startDownloads(Stage stage, Subject subject, int streams, int seconds) {
    return stage
        .children()
        .start("wrk", command(stage, subject, Stage.LARGE, streams, seconds, DONE), Map.of());
  }

  private static List<String> command(
      Stage stage, Subject subject, String file, int connections, int seconds, String text) {
    Path script = stage.directory().resolve("wrk.lua");
    try {
      Files.writeString(script, text);
    } catch (IOException e) {
      throw new LoadException("cannot write " + script + ": " + e.getMessage(), e);
    }
    return List.of(
        stage.tools().wrk().toString(),
        "-t1",
        "-c" + connections,
        "-d" + seconds + "s",
        "--timeout",
        file.equals(Stage.LARGE) ? DOWNLOAD_TIMEOUT : REQUEST_TIMEOUT,
        "-s",
        script.toString(),
        stage.url(subject, file));
  }

  private static Outcome run(Stage stage, Subject subject, List<String> command, int seconds) {
    String said = stage.children().run("wrk", command, seconds + START_AND_END_SECONDS);
    int at = said.indexOf(MARK);
    if (at < 0) {
      throw new LoadException("wrk said nothing of its outcome: " + said);
    }
    String[] fields = said.substring(at).trim().split("\\s+");
    long failed = Long.parseLong(fields[5]);
    if (failed > 0) {
      throw new LoadException(subject + ": " + failed + " requests failed: " + said);
    }
    return new Outcome(
        Long.parseLong(fields[1]),
        Long.parseLong(fields[6]),
        Double.parseDouble(fields[2]) / 1e6,
        Double.parseDouble(fields[3]) / 1e3,
        Double.parseDouble(fields[4]) / 1e3);
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Requests at a fixed rate. Each connection has its share of the rate and sends when its time has
 * come; only where the answer before is not there yet does a request wait unseen, which is rare at
 * half of the largest rate, and where it is not the rate that was reached falls short.
 */
final class H2load {
  private static final int START_AND_END_SECONDS = 30;

  /** A run that reaches less of the rate that was asked for has measured something else. */
  private static final double LEAST_REACHED = 0.9;

  /**
   * @param rate that was reached, in requests a second
   * @param millis of each request
   */
  record Outcome(double rate, Series millis) {}

  private H2load() {}

  static Outcome requests(Stage stage, Subject subject, int connections, int rate, int seconds) {
    Path log = stage.directory().resolve("h2load.log");
    try {
      Files.deleteIfExists(log); // it appends
      stage
          .children()
          .run(
              "h2load",
              command(stage, subject, connections, rate, seconds, List.of("--log-file=" + log)),
              seconds + START_AND_END_SECONDS);
      Series millis = new Series();
      for (String line : Files.readAllLines(log)) {
        String[] fields = line.split("\t");
        if (!fields[1].equals("200")) {
          throw new LoadException(subject + ": status " + fields[1] + " (expected: 200)");
        }
        millis.add(Long.parseLong(fields[2]) / 1e3);
      }
      double reached = millis.values().size() / (double) seconds;
      if (reached < LEAST_REACHED * rate) {
        throw new LoadException(
            String.format(
                Locale.ROOT, "%s: %.0f of %d requests/s were reached", subject, reached, rate));
      }
      return new Outcome(reached, millis);
    } catch (IOException e) {
      throw new LoadException("cannot read " + log + ": " + e.getMessage(), e);
    }
  }

  static List<String> command(
      Stage stage, Subject subject, int connections, int rate, int seconds, List<String> more) {
    List<String> command =
        new java.util.ArrayList<>(
            List.of(
                stage.tools().h2load().toString(),
                "--h1",
                "-c" + connections,
                "-t1",
                "-D" + seconds,
                String.format(Locale.ROOT, "--rps=%.2f", rate / (double) connections)));
    command.addAll(more);
    command.add(stage.url(subject, Stage.SMALL));
    return command;
  }
}

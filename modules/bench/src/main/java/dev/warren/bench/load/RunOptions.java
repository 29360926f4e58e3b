package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What every command of the harness takes. */
final class RunOptions {
  @Option(names = "--json", paramLabel = "FILE", description = "Write every single value there")
  private Path json;

  @Option(names = "--check", description = "Fail where a target is missed")
  private boolean check;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      description = "Break the run off after this time (default: by what is measured)")
  private Integer limitSeconds;

  @Option(
      names = "--warren",
      paramLabel = "FILE",
      description = "The launcher to be measured (default: ./warren of this source tree)")
  private Path warren = Path.of("warren");

  /**
   * @param seconds after which the run is broken off, unless the user said otherwise
   */
  Bench setUp(int seconds) throws IOException {
    return Bench.setUp(warren, limitSeconds == null ? seconds : limitSeconds);
  }

  /** Tells what was found; returns the exit status. */
  int conclude(Readings readings, PrintStream out) throws IOException {
    return conclude(readings.table(), readings.json(), readings.met(), out);
  }

  /** Tells what was found; returns the exit status. */
  int conclude(Report report, PrintStream out) throws IOException {
    return conclude(report.table(), report.json(), report.met(), out);
  }

  private int conclude(String table, String values, boolean met, PrintStream out)
      throws IOException {
    out.println();
    out.println(table);
    if (json != null) {
      Files.writeString(json, values);
    }
    return check && !met ? 1 : 0;
  }
}

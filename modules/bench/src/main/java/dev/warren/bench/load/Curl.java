package dev.warren.bench.load;

import java.util.ArrayList;
import java.util.List;

/** Downloads and uploads as users do. */
final class Curl {
  private static final int MOST_SECONDS = 600;

  private Curl() {}

  /** Downloads a file to nowhere, and checks that it came whole; returns MB/s. */
  static double download(Stage stage, Subject subject, String file, long bytes) {
    String said =
        run(
            stage,
            List.of("--output", "/dev/null"),
            "%{http_code} %{size_download} %{time_total}",
            stage.url(subject, file));
    String[] fields = said.split(" ");
    if (fields.length != 3 || !fields[0].equals("200") || Long.parseLong(fields[1]) != bytes) {
      throw new LoadException(
          subject + ", " + file + ": curl says \"" + said + "\" (expected: 200 " + bytes + " ...)");
    }
    return bytes / Double.parseDouble(fields[2]) / 1e6;
  }

  /** Puts the large file to the sink, which says how much came; returns MB/s. */
  static double upload(Stage stage, Subject subject, long bytes) {
    String said =
        run(
            stage,
            List.of("--upload-file", stage.file(Stage.LARGE).toString(), "--header", "Expect:"),
            " %{http_code} %{time_total}",
            stage.url(subject, Stage.UPLOAD));
    String[] fields = said.split(" ");
    if (fields.length != 3 || !fields[1].equals("200") || Long.parseLong(fields[0]) != bytes) {
      throw new LoadException(
          subject + ", upload: curl says \"" + said + "\" (expected: " + bytes + " 200 ...)");
    }
    return bytes / Double.parseDouble(fields[2]) / 1e6;
  }

  private static String run(Stage stage, List<String> options, String format, String url) {
    List<String> command =
        new ArrayList<>(
            List.of(
                stage.tools().curl().toString(),
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--write-out",
                format));
    command.addAll(options);
    command.add(url);
    return stage.children().run("curl", command, MOST_SECONDS);
  }
}

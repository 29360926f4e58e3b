package dev.warren.bench.load;

import java.util.List;

/** Downloads as users do. */
final class Curl {
  private static final int MOST_SECONDS = 600;

  private Curl() {}

  /** Downloads a file to nowhere, and checks that it came whole; returns MB/s. */
  static double download(Stage stage, Subject subject, String file, long bytes) {
    String said =
        stage
            .children()
            .run(
                "curl",
                List.of(
                    stage.tools().curl().toString(),
                    "--silent",
                    "--show-error",
                    "--noproxy",
                    "*",
                    "--output",
                    "/dev/null",
                    "--write-out",
                    "%{http_code} %{size_download} %{time_total}",
                    stage.url(subject, file)),
                MOST_SECONDS);
    String[] fields = said.split(" ");
    if (fields.length != 3 || !fields[0].equals("200") || Long.parseLong(fields[1]) != bytes) {
      throw new LoadException(
          subject + ", " + file + ": curl says \"" + said + "\" (expected: 200 " + bytes + " ...)");
    }
    return bytes / Double.parseDouble(fields[2]) / 1e6;
  }
}

package dev.warren.multijvm.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A table of measurements, written to target/figures as Markdown. */
public final class Figures {
  private static final Path DIRECTORY =
      Path.of(System.getProperty("warren.multijvm.target", "target"), "figures");

  private final String title;
  private final List<String> rows = new ArrayList<>();

  public Figures(String title) {
    this.title = title;
  }

  /**
   * Adds the median and the worst of some runs.
   *
   * @param millis one for each run
   */
  public Figures row(String what, List<Double> millis) {
    rows.add(
        String.format(
            Locale.ROOT,
            "| %s | %d | %.1f | %.1f | %.1f |",
            what,
            millis.size(),
            quantile(millis, 0.5),
            quantile(millis, 0.99),
            quantile(millis, 1)));
    return this;
  }

  /** The least value that so great a part of all does not exceed. */
  public static double quantile(List<Double> values, double part) {
    if (values.isEmpty()) {
      return Double.NaN;
    }
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get((int) Math.min(sorted.size() - 1, Math.ceil(part * sorted.size()) - 1));
  }

  /** Writes the table, and says it. */
  public void write(String name) throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("### " + title);
    lines.add("");
    lines.add("| | runs | median, ms | 99th percentile, ms | worst, ms |");
    lines.add("| --- | --- | --- | --- | --- |");
    lines.addAll(rows);
    lines.add("");
    Files.createDirectories(DIRECTORY);
    Files.write(DIRECTORY.resolve(name + ".md"), lines);
    System.out.println(String.join("\n", lines));
  }
}

package dev.warren.multijvm.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table of measurements, written to target/figures as Markdown after each run, so that a series
 * that is interrupted leaves what it has. What breaks a limit is gathered, and told at the end: one
 * bad run of twenty must be seen beside the others.
 */
public final class Figures {
  private static final Path DIRECTORY =
      Path.of(System.getProperty("warren.multijvm.target", "target"), "figures");

  /** How many texts of one kind a run may add. */
  private static final int SHOWN = 12;

  private final String title;
  private final String name;
  private final List<Row> rows = new ArrayList<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private int runs;

  /** The least value that this part of all may not exceed. */
  public record Limit(String name, double part, double millis) {
    /** Half of all are at most so long. */
    public static Limit median(Duration most) {
      return new Limit("median", 0.5, most.toMillis());
    }

    /** 99 of 100 are at most so long. */
    public static Limit most99(Duration most) {
      return new Limit("99th percentile", 0.99, most.toMillis());
    }

    /** All are at most so long. */
    public static Limit worst(Duration most) {
      return new Limit("worst", 1, most.toMillis());
    }

    private String text() {
      return String.format(Locale.ROOT, "%s %,.0f", name, millis);
    }
  }

  private record Row(String what, List<Double> millis, List<Limit> limits) {
    String text() {
      Stream<String> quantiles =
          Stream.of(0.5, 0.99, 1.0)
              .map(
                  part ->
                      millis.isEmpty()
                          ? ""
                          : String.format(Locale.ROOT, "%,.1f", quantile(millis, part)));
      return Stream.of(
              Stream.of(what, Integer.toString(millis.size())),
              quantiles,
              Stream.of(limits.stream().map(Limit::text).collect(Collectors.joining("; "))))
          .flatMap(cells -> cells)
          .collect(Collectors.joining(" | ", "| ", " |"));
    }
  }

  /**
   * An empty table.
   *
   * @param name of its file
   */
  public Figures(String name, String title) {
    this.name = name;
    this.title = title;
  }

  /**
   * Adds a row.
   *
   * @return where its measurements go, in milliseconds
   */
  public List<Double> row(String what, Limit... limits) {
    Row row = new Row(what, new ArrayList<>(), List.of(limits));
    rows.add(row);
    return row.millis();
  }

  /** Counts what should not be; the table has the number, and {@link #assertLimits} the texts. */
  public void expectNone(String what, List<String> found) {
    counts.merge(what, found.size(), Integer::sum);
    found.stream()
        .limit(SHOWN)
        .forEach(each -> problems.add("run " + (runs + 1) + ", " + what + ": " + each));
  }

  /** Adds a sentence below the table. */
  public void note(String text) {
    notes.add(text);
  }

  /** One more run is over: writes the table, and says it. */
  public void ran() throws IOException {
    runs++;
    List<String> lines = new ArrayList<>();
    lines.add("### " + title);
    lines.add("");
    lines.add("| | n | median, ms | 99th percentile, ms | worst, ms | limit, ms |");
    lines.add("| --- | --- | --- | --- | --- | --- |");
    rows.forEach(row -> lines.add(row.text()));
    lines.add("");
    lines.add("Runs: " + runs + ".");
    counts.forEach((what, count) -> lines.add(what + ": " + count + "."));
    lines.addAll(notes);
    lines.add("");
    Files.createDirectories(DIRECTORY);
    Files.write(DIRECTORY.resolve(name + ".md"), lines);
    System.out.println(String.join("\n", lines));
    problems.forEach(System.out::println);
  }

  /**
   * To be called at the end.
   *
   * @throws AssertionError with all that was beyond a limit
   */
  public void assertLimits() {
    List<String> wrong = new ArrayList<>(problems);
    for (Row row : rows) {
      for (Limit limit : row.limits()) {
        double found = quantile(row.millis(), limit.part());
        if (!(found <= limit.millis())) {
          wrong.add(
              String.format(
                  Locale.ROOT, "%s: %.1f ms (limit: %s)", row.what(), found, limit.text()));
        }
      }
    }
    if (!wrong.isEmpty()) {
      throw new AssertionError(title + ":\n" + String.join("\n", wrong));
    }
  }

  /** The least value that so great a part of all does not exceed. */
  public static double quantile(List<Double> values, double part) {
    if (values.isEmpty()) {
      return Double.NaN;
    }
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get((int) Math.min(sorted.size() - 1, Math.ceil(part * sorted.size()) - 1));
  }
}

package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Subjects that take turns, round after round, so that what else the machine does meets all of
 * them; and what was measured in their turns.
 */
final class Rounds {
  /** What is measured in a turn. */
  interface Turn {
    Outcome take(Subject subject);
  }

  /**
   * @param values by what they are of
   * @param work how many units were done of what costs are told for
   */
  record Outcome(Map<String, Double> values, double work) {}

  private final Map<String, Map<Subject, Series>> series = new LinkedHashMap<>();
  private final Map<Subject, Costs> costs = new EnumMap<>(Subject.class);
  private final Series load = new Series();

  private Rounds() {}

  static Rounds run(
      Stage stage, int rounds, List<Subject> subjects, PrintStream progress, Turn turn) {
    Rounds all = new Rounds();
    for (int round = 0; round < rounds; round++) {
      for (Subject subject : subjects) {
        Map<String, Double> before = stage.cpuSeconds(subject);
        Outcome outcome = turn.take(subject);
        all.costs
            .computeIfAbsent(subject, any -> new Costs())
            .add(before, stage.cpuSeconds(subject), outcome.work());
        List<String> told = new ArrayList<>();
        outcome
            .values()
            .forEach(
                (name, value) -> {
                  all.series
                      .computeIfAbsent(name, any -> new EnumMap<>(Subject.class))
                      .computeIfAbsent(subject, any -> new Series())
                      .add(value);
                  told.add(String.format(Locale.ROOT, "%.2f %s", value, name));
                });
        all.load.add(LoadAverage.now());
        progress.println("  " + subject + ": " + String.join(", ", told));
      }
    }
    return all;
  }

  Series series(String value, Subject subject) {
    return series.get(value).get(subject);
  }

  /**
   * Medians of one value, Warren's against those of all runs of nginx; the noise is nginx's second
   * series against its first.
   *
   * @param value as the turns named it; also the unit
   */
  Figure figure(String name, String value, String unit, Targets targets, String note) {
    return figure(name, unit, series.get(value), targets, note, load);
  }

  static Figure figure(
      String name,
      String unit,
      Map<Subject, Series> series,
      Targets targets,
      String note,
      Series load) {
    Series yardstick = new Series();
    series.get(Subject.NGINX).values().forEach(yardstick::add);
    series.get(Subject.NGINX_AGAIN).values().forEach(yardstick::add);
    Map<Subject, Double> medians = new EnumMap<>(Subject.class);
    Map<Subject, Figure.Verdict> verdicts = new EnumMap<>(Subject.class);
    Map<String, List<Double>> raw = new LinkedHashMap<>();
    series.forEach(
        (subject, values) -> {
          medians.put(subject, values.median());
          raw.put(subject.toString(), values.values());
          if (subject.isWarren()) {
            verdicts.put(
                subject,
                new Figure.Verdict(values.median() / yardstick.median(), targets.of(subject)));
          }
        });
    return new Figure(
        name,
        unit,
        medians,
        verdicts,
        medians.get(Subject.NGINX_AGAIN) / medians.get(Subject.NGINX),
        note,
        List.of(load.quantile(0), load.largest()),
        raw);
  }

  /**
   * CPU seconds of each process for a unit of work.
   *
   * @param unit as in "CPU s per GiB"
   */
  String costs(String unit) {
    List<String> texts = new ArrayList<>();
    costs.forEach(
        (subject, cost) -> {
          if (subject != Subject.NGINX_AGAIN) {
            texts.add(subject + " " + cost);
          }
        });
    return "CPU s per " + unit + ": " + String.join("; ", texts);
  }
}

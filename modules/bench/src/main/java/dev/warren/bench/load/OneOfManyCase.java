package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One stream among 64 whose reader has stopped, or reads slowly: what the others get together,
 * against what they get without it. Measured alone once more, which shows the noise.
 */
final class OneOfManyCase implements Case {
  static final double TARGET = 0.9;

  private static final int OTHERS = 63;

  /** What stands beside the others, in the order of a round. */
  private enum Beside {
    NOBODY("alone"),
    STOPPED("beside a stopped one"),
    SLOW("beside a slow one"),
    NOBODY_AGAIN("alone again");

    private final String text;

    Beside(String text) {
      this.text = text;
    }
  }

  @Override
  public String name() {
    return "one-of-many";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    List<Subject> subjects = List.of(Subject.NGINX, Subject.WARREN, Subject.PEER);
    Map<Subject, Map<Beside, Series>> all = new EnumMap<>(Subject.class);
    Series load = new Series();
    for (Subject subject : subjects) {
      all.put(subject, new EnumMap<>(Beside.class));
      Wrk.download(stage, subject, OTHERS, plan.requestSeconds());
    }
    for (int round = 0; round < plan.rounds(); round++) {
      for (Subject subject : subjects) {
        for (Beside beside : Beside.values()) {
          double rate = rate(stage, plan, subject, beside);
          all.get(subject).computeIfAbsent(beside, any -> new Series()).add(rate);
          progress.printf(Locale.ROOT, "  %s, %s: %.0f MB/s%n", subject, beside.text, rate);
        }
        load.add(LoadAverage.now());
      }
    }
    return List.of(figure(all, Beside.STOPPED, load), figure(all, Beside.SLOW, load));
  }

  private static double rate(Stage stage, Plan plan, Subject subject, Beside beside) {
    switch (beside) {
      case STOPPED -> {
        try (StoppedReaders reader = StoppedReaders.open(stage, subject, 1)) {
          double rate = rate(stage, plan, subject);
          reader.checkAlive();
          return rate;
        }
      }
      case SLOW -> {
        try (SlowReader reader = SlowReader.open(stage, subject)) {
          double rate = rate(stage, plan, subject);
          reader.checkAlive();
          return rate;
        }
      }
      default -> {
        return rate(stage, plan, subject);
      }
    }
  }

  private static double rate(Stage stage, Plan plan, Subject subject) {
    return Wrk.download(stage, subject, OTHERS, plan.requestSeconds()).megabytesPerSecond();
  }

  private static Figure figure(Map<Subject, Map<Beside, Series>> all, Beside beside, Series load) {
    Map<Subject, Double> medians = new EnumMap<>(Subject.class);
    Map<Subject, Figure.Verdict> verdicts = new EnumMap<>(Subject.class);
    Map<String, List<Double>> raw = new LinkedHashMap<>();
    List<String> spreads = new ArrayList<>();
    all.forEach(
        (subject, series) -> {
          double ratio = ratio(series, beside);
          medians.put(subject, series.get(beside).median());
          if (subject.isWarren()) {
            verdicts.put(subject, new Figure.Verdict(ratio, Figure.Target.atLeast(TARGET)));
          }
          spreads.add(
              String.format(
                  Locale.ROOT,
                  "%s %.2f, alone against alone %.2f",
                  subject,
                  ratio,
                  series.get(Beside.NOBODY_AGAIN).median() / series.get(Beside.NOBODY).median()));
          series.forEach((each, values) -> raw.put(subject + " " + each.text, values.values()));
        });
    return new Figure(
        OTHERS + " downloads " + beside.text,
        "MB/s",
        medians,
        verdicts,
        ratio(all.get(Subject.NGINX), beside),
        String.join("; ", spreads),
        List.of(load.quantile(0), load.largest()),
        raw);
  }

  /** Against both series alone. */
  private static double ratio(Map<Beside, Series> series, Beside beside) {
    Series alone = new Series();
    series.get(Beside.NOBODY).values().forEach(alone::add);
    series.get(Beside.NOBODY_AGAIN).values().forEach(alone::add);
    return series.get(beside).median() / alone.median();
  }
}

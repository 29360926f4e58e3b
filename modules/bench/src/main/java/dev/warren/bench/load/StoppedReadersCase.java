package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What streams whose readers have stopped cost the others: the rate of one more download, and the
 * time to the first byte of a new request, each alone and beside them. nginx, which has no tunnel
 * to share, tells how much of a difference is noise.
 */
final class StoppedReadersCase implements Case {
  static final double RATE_TARGET = 0.9;
  static final double FIRST_BYTE_TARGET = 3;

  @Override
  public String name() {
    return "stopped-readers";
  }

  /** Downloads in a row that make one rate. */
  private static final int DOWNLOADS = 2;

  /**
   * The mean of two downloads in a row. Connections are dealt out to event loops in turn, and one
   * on the tunnel's own loop has another rate than one on the other: with two loops each pair has
   * one of either.
   */
  private static double rate(Stage stage, Subject subject, Plan plan) {
    double sum = 0;
    for (int i = 0; i < DOWNLOADS; i++) {
      sum += Curl.download(stage, subject, Stage.LARGE, plan.downloadBytes());
    }
    return sum / DOWNLOADS;
  }

  /** One subject's series, alone and beside the stopped readers. */
  private static final class Pair {
    final Series alone = new Series();
    final Series beside = new Series();

    double ratio() {
      return beside.median() / alone.median();
    }
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    Map<Subject, Pair> rates = new EnumMap<>(Subject.class);
    Map<Subject, Pair> firstBytes = new EnumMap<>(Subject.class);
    List<Subject> subjects = List.of(Subject.NGINX, Subject.WARREN, Subject.PEER);
    for (Subject subject : subjects) {
      rates.put(subject, new Pair());
      firstBytes.put(subject, new Pair());
      Curl.download(stage, subject, Stage.LARGE, plan.downloadBytes());
      firstBytes(stage, subject, plan.firstBytes(), new Series());
    }
    Series load = new Series();
    for (int round = 0; round < plan.rounds(); round++) {
      for (Subject subject : subjects) {
        Pair rate = rates.get(subject);
        Pair firstByte = firstBytes.get(subject);
        firstBytes(stage, subject, plan.firstBytes(), firstByte.alone);
        rate.alone.add(rate(stage, subject, plan));
        try (StoppedReaders readers = StoppedReaders.open(stage, subject, plan.stoppedReaders())) {
          firstBytes(stage, subject, plan.firstBytes(), firstByte.beside);
          rate.beside.add(rate(stage, subject, plan));
          readers.checkAlive();
        }
        load.add(LoadAverage.now());
        progress.printf(
            Locale.ROOT,
            "  %s: alone %.0f MB/s and %.2f ms, beside %d stopped readers %.0f MB/s and %.2f ms%n",
            subject,
            last(rate.alone),
            firstByte.alone.median(),
            plan.stoppedReaders(),
            last(rate.beside),
            firstByte.beside.median());
      }
    }
    int nth = plan.stoppedReaders() + 1;
    return List.of(
        figure(
            "download " + nth + " beside " + plan.stoppedReaders() + " stopped readers",
            "MB/s",
            rates,
            Figure.Target.atLeast(RATE_TARGET),
            load),
        figure(
            "first byte beside " + plan.stoppedReaders() + " stopped readers",
            "ms",
            firstBytes,
            Figure.Target.atMost(FIRST_BYTE_TARGET),
            load));
  }

  private static void firstBytes(Stage stage, Subject subject, int count, Series into) {
    for (int i = 0; i < count; i++) {
      try (RawCaller caller = RawCaller.ask(stage, subject, Stage.SMALL)) {
        into.add(caller.firstByteMillis());
      }
    }
  }

  private static double last(Series series) {
    return series.values().get(series.values().size() - 1);
  }

  private static Figure figure(
      String name, String unit, Map<Subject, Pair> pairs, Figure.Target target, Series load) {
    Map<Subject, Double> medians = new EnumMap<>(Subject.class);
    Map<String, List<Double>> raw = new LinkedHashMap<>();
    List<String> alone = new ArrayList<>();
    pairs.forEach(
        (subject, pair) -> {
          medians.put(subject, pair.beside.median());
          raw.put(subject + " alone", pair.alone.values());
          raw.put(subject + " beside", pair.beside.values());
          alone.add(String.format(Locale.ROOT, "%s %.2f", subject, pair.alone.median()));
        });
    Map<Subject, Figure.Verdict> verdicts = new EnumMap<>(Subject.class);
    for (Subject subject : Subject.MEASURED) {
      verdicts.put(subject, new Figure.Verdict(pairs.get(subject).ratio(), target));
    }
    return new Figure(
        name,
        unit,
        medians,
        verdicts,
        pairs.get(Subject.NGINX).ratio(),
        "alone: " + String.join(", ", alone) + " " + unit,
        List.of(load.quantile(0), load.largest()),
        raw);
  }
}

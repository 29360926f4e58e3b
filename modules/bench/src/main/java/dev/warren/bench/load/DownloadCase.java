package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One download after the other with curl. */
final class DownloadCase implements Case {
  static final double TARGET = 0.7;

  @Override
  public String name() {
    return "download";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    for (int i = 0; i < plan.warmUpDownloads(); i++) {
      Curl.download(stage, Subject.NGINX, Stage.LARGE, plan.downloadBytes());
      Curl.download(stage, Subject.WARREN, Stage.LARGE, plan.downloadBytes());
    }
    Map<Subject, Series> rates = new EnumMap<>(Subject.class);
    Map<Subject, Costs> costs = new EnumMap<>(Subject.class);
    Series load = new Series();
    for (int round = 0; round < plan.rounds(); round++) {
      for (Subject subject :
          List.of(Subject.DIRECT, Subject.NGINX, Subject.WARREN, Subject.NGINX_AGAIN)) {
        Map<String, Double> before = stage.cpuSeconds(subject);
        double rate = Curl.download(stage, subject, Stage.LARGE, plan.downloadBytes());
        costs
            .computeIfAbsent(subject, any -> new Costs())
            .add(before, stage.cpuSeconds(subject), plan.downloadBytes() / (double) (1L << 30));
        rates.computeIfAbsent(subject, any -> new Series()).add(rate);
        load.add(LoadAverage.now());
        progress.printf(Locale.ROOT, "  %s: %.0f MB/s%n", subject, rate);
      }
    }
    return List.of(
        Compared.figure(
            "download of " + (plan.downloadBytes() >> 20) + " MiB",
            "MB/s",
            rates,
            Figure.Target.atLeast(TARGET),
            "CPU s per GiB: " + Compared.costs(costs),
            load));
  }
}

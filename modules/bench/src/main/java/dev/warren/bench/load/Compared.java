package dev.warren.bench.load;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Figures that compare Warren with nginx. */
final class Compared {
  private Compared() {}

  /** Warren against all runs of nginx; the noise is nginx's second series against its first. */
  static Figure figure(
      String name,
      String unit,
      Map<Subject, Series> series,
      Figure.Target target,
      String note,
      Series load) {
    Series yardstick = new Series();
    series.get(Subject.NGINX).values().forEach(yardstick::add);
    series.get(Subject.NGINX_AGAIN).values().forEach(yardstick::add);
    Map<Subject, Double> medians = new EnumMap<>(Subject.class);
    Map<String, List<Double>> raw = new LinkedHashMap<>();
    series.forEach(
        (subject, values) -> {
          medians.put(subject, values.median());
          raw.put(subject.toString(), values.values());
        });
    return new Figure(
        name,
        unit,
        medians,
        medians.get(Subject.WARREN) / yardstick.median(),
        medians.get(Subject.NGINX_AGAIN) / medians.get(Subject.NGINX),
        target,
        note,
        List.of(load.quantile(0), load.largest()),
        raw);
  }

  static String costs(Map<Subject, Costs> costs) {
    List<String> texts = new ArrayList<>();
    for (Subject subject : List.of(Subject.NGINX, Subject.WARREN)) {
      texts.add(subject + " " + costs.get(subject));
    }
    return String.join("; ", texts);
  }
}

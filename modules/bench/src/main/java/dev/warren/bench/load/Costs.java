package dev.warren.bench.load;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * CPU seconds of each process, collected over runs of one subject and told for one unit of work.
 */
final class Costs {
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private double work;

  /**
   * Adds one run.
   *
   * @param units of work that were done in it
   */
  void add(Map<String, Double> before, Map<String, Double> after, double units) {
    after.forEach(
        (name, value) -> seconds.merge(name, value - before.getOrDefault(name, 0.0), Double::sum));
    work += units;
  }

  /** Of one process, for one unit. */
  Map<String, Double> perUnit() {
    Map<String, Double> each = new LinkedHashMap<>();
    seconds.forEach((name, value) -> each.put(name, work == 0 ? 0 : value / work));
    return each;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    perUnit()
        .forEach(
            (name, value) ->
                text.append(text.isEmpty() ? "" : ", ")
                    .append(name)
                    .append(' ')
                    .append(String.format(Locale.ROOT, "%.2f", value)));
    return text.toString();
  }
}

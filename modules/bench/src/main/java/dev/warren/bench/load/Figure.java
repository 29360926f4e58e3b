package dev.warren.bench.load;

import java.util.List;
import java.util.Map;

/**
 * One line of the result.
 *
 * @param name what was measured
 * @param unit of the medians
 * @param medians subject by subject; empty where the figure is a ratio of its own
 * @param verdicts of those subjects that are held against something
 * @param noise the same ratio where there is nothing to find, such as nginx against itself; NaN
 *     where nothing was compared
 * @param note what belongs beside it, such as what it cost; may be empty
 * @param load the load averages (1 min) of its time, least and most
 * @param raw all values, by what they are of
 */
record Figure(
    String name,
    String unit,
    Map<Subject, Double> medians,
    Map<Subject, Verdict> verdicts,
    double noise,
    String note,
    List<Double> load,
    Map<String, List<Double>> raw) {

  /**
   * @param ratio what the target speaks of; NaN where there is none
   * @param target what the ratio is held against
   */
  record Verdict(double ratio, Target target) {
    static final Verdict NONE = new Verdict(Double.NaN, Target.NONE);

    boolean met() {
      return target.metBy(ratio);
    }
  }

  /** What a ratio is to be. */
  record Target(boolean atLeast, double value) {
    static final Target NONE = new Target(true, Double.NaN);

    static Target atLeast(double value) {
      return new Target(true, value);
    }

    static Target atMost(double value) {
      return new Target(false, value);
    }

    boolean exists() {
      return !Double.isNaN(value);
    }

    boolean metBy(double ratio) {
      return !exists() || (atLeast ? ratio >= value : ratio <= value);
    }

    @Override
    public String toString() {
      return exists() ? (atLeast ? ">= " : "<= ") + value : "";
    }
  }

  Verdict verdict(Subject subject) {
    return verdicts.getOrDefault(subject, Verdict.NONE);
  }

  boolean met() {
    return verdicts.values().stream().allMatch(Verdict::met);
  }
}

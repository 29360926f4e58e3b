package dev.warren.bench.load;

import java.util.Locale;

/**
 * A figure that stands by itself, beside no yardstick.
 *
 * @param name what was measured
 * @param value in {@code unit}
 * @param target what it is held against
 * @param note what belongs beside it; may be empty
 */
record Reading(String name, double value, String unit, Figure.Target target, String note) {
  Reading(String name, double value, String unit) {
    this(name, value, unit, Figure.Target.NONE, "");
  }

  Reading(String name, double value, String unit, Figure.Target target) {
    this(name, value, unit, target, "");
  }

  boolean met() {
    return target.metBy(value);
  }

  /** Small values with more digits than large ones. */
  String shown() {
    double size = Math.abs(value);
    return String.format(Locale.ROOT, size < 10 ? "%.3f" : size < 1_000 ? "%.1f" : "%,.0f", value);
  }
}

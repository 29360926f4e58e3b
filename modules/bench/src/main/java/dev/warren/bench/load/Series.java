package dev.warren.bench.load;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What was measured of one thing, in its order. */
final class Series {
  private final List<Double> values = new ArrayList<>();

  void add(double value) {
    values.add(value);
  }

  List<Double> values() {
    return Collections.unmodifiableList(values);
  }

  boolean isEmpty() {
    return values.isEmpty();
  }

  double median() {
    return quantile(0.5);
  }

  double largest() {
    return quantile(1);
  }

  /** The value below which such a share of the others lies, between two of them in proportion. */
  double quantile(double share) {
    if (values.isEmpty()) {
      throw new IllegalStateException("nothing was measured");
    }
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    double at = share * (sorted.size() - 1);
    int below = (int) Math.floor(at);
    int above = (int) Math.ceil(at);
    return sorted.get(below) + (at - below) * (sorted.get(above) - sorted.get(below));
  }
}

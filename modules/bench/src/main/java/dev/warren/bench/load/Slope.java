package dev.warren.bench.load;

import java.util.List;

/**
 * A straight line through samples by least squares.
 *
 * @param perHour how much the value grows in an hour
 * @param error standard error of that
 */
record Slope(double perHour, double error) {
  private static final double HOUR = 3_600;

  /**
   * @param seconds when the samples were taken
   * @param values as many
   */
  static Slope of(List<Double> seconds, List<Double> values) {
    int count = seconds.size();
    if (count < 3 || values.size() != count) {
      throw new IllegalArgumentException(
          count + " times and " + values.size() + " values (expected: as many, at least 3)");
    }
    double meanTime = seconds.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double meanValue = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double squares = 0;
    double products = 0;
    for (int i = 0; i < count; i++) {
      double time = seconds.get(i) - meanTime;
      squares += time * time;
      products += time * (values.get(i) - meanValue);
    }
    double slope = products / squares;
    double residuals = 0;
    for (int i = 0; i < count; i++) {
      double off = values.get(i) - meanValue - slope * (seconds.get(i) - meanTime);
      residuals += off * off;
    }
    double error = Math.sqrt(residuals / (count - 2) / squares);
    return new Slope(slope * HOUR, error * HOUR);
  }

  /** Whether it cannot be told from none: zero lies within twice the error. */
  boolean isFlat() {
    return Math.abs(perHour) <= 2 * error;
  }
}

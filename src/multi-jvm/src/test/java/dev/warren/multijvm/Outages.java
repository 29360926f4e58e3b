package dev.warren.multijvm;

import dev.warren.multijvm.load.Sample;
import java.util.List;
import java.util.Locale;

/** What went wrong in a load, so that an assertion shows it. */
final class Outages {
  private static final int SHOWN = 12;

  private Outages() {}

  /** The first of the requests that failed, as text; none where all were good. */
  static List<String> failed(List<Sample> samples) {
    List<String> all = all(samples);
    return all.subList(0, Math.min(SHOWN, all.size()));
  }

  /** All of them. */
  static List<String> all(List<Sample> samples) {
    if (samples.isEmpty()) {
      throw new AssertionError("no requests at all");
    }
    List<Sample> bad = samples.stream().filter(sample -> !sample.good()).toList();
    long first = samples.get(0).startNanos();
    return bad.stream()
        .map(
            sample ->
                String.format(
                    Locale.ROOT,
                    "one of %d of %d: at %.3f s %s by way of %s took %.0f ms: %d %s",
                    bad.size(),
                    samples.size(),
                    (sample.startNanos() - first) / 1e9,
                    sample.path(),
                    sample.at(),
                    sample.millis(),
                    sample.status(),
                    sample.failure()))
        .toList();
  }
}

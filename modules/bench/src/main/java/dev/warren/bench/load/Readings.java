package dev.warren.bench.load;

import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.io.PrintStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a run without a yardstick found: told as it comes, and at the end as table and JSON. */
final class Readings {
  private final String plan;
  private final PrintStream out;
  private final String started = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  private final List<Reading> readings = new ArrayList<>();
  private final Map<String, List<Double>> raw = new LinkedHashMap<>();

  /**
   * @param plan what is measured, in words
   */
  Readings(String plan, PrintStream out) {
    this.plan = plan;
    this.out = out;
  }

  void add(Reading reading) {
    readings.add(reading);
    out.printf("  %s: %s %s%n", reading.name(), reading.shown(), reading.unit());
  }

  /** Every single value behind a reading, for the JSON. */
  void raw(String name, List<Double> values) {
    raw.put(name, List.copyOf(values));
  }

  boolean met() {
    return readings.stream().allMatch(Reading::met);
  }

  String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("", "value", "unit", "target", "note"));
    for (Reading reading : readings) {
      String target =
          reading.target().exists() ? reading.target() + (reading.met() ? " met" : " MISSED") : "";
      rows.add(List.of(reading.name(), reading.shown(), reading.unit(), target, reading.note()));
    }
    return Machine.describe() + "\n" + started + ", " + plan + "\n\n" + Report.aligned(rows);
  }

  String json() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Reading reading : readings) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("name", reading.name());
      if (!Double.isNaN(reading.value())) { // JSON knows no NaN
        map.put("value", reading.value());
      }
      map.put("unit", reading.unit());
      if (reading.target().exists()) {
        map.put("target", reading.target().toString());
        map.put("met", reading.met());
      }
      map.put("note", reading.note());
      list.add(map);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("machine", Machine.describe());
    all.put("started", started);
    all.put("plan", plan);
    all.put("readings", list);
    all.put("raw", raw);
    return ConfigValueFactory.fromMap(all).render(ConfigRenderOptions.concise().setFormatted(true));
  }
}

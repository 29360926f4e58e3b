package dev.warren.bench.load;

import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigValueFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The result of a run: as a table for people (Markdown) and as JSON with every single value. */
record Report(String machine, String started, String plan, List<Figure> figures) {
  private static final List<Subject> COLUMNS =
      List.of(Subject.DIRECT, Subject.NGINX, Subject.NGINX_AGAIN, Subject.WARREN);

  boolean met() {
    return figures.stream().allMatch(Figure::met);
  }

  String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "",
            "unit",
            "direct",
            "nginx",
            "nginx again",
            "Warren",
            "ratio",
            "noise",
            "target",
            "load"));
    for (Figure figure : figures) {
      List<String> row = new ArrayList<>(List.of(figure.name(), figure.unit()));
      COLUMNS.forEach(
          subject -> row.add(number(figure.medians().getOrDefault(subject, Double.NaN))));
      row.add(ratio(figure.ratio()));
      row.add(ratio(figure.noise()));
      row.add(
          figure.target().exists() ? figure.target() + (figure.met() ? " met" : " MISSED") : "");
      row.add(
          String.format(Locale.ROOT, "%.1f to %.1f", figure.load().get(0), figure.load().get(1)));
      rows.add(row);
    }
    StringBuilder text = new StringBuilder(machine + "\n" + started + ", " + plan + "\n\n");
    text.append(aligned(rows)).append('\n');
    for (Figure figure : figures) {
      if (!figure.note().isEmpty()) {
        text.append("- ").append(figure.name()).append(": ").append(figure.note()).append('\n');
      }
    }
    return text.toString();
  }

  static String aligned(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], Math.max(3, row.get(i).length()));
      }
    }
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      for (int i = 0; i < columns; i++) {
        text.append("| ").append(String.format("%-" + widths[i] + "s ", rows.get(r).get(i)));
      }
      text.append("|\n");
      if (r == 0) {
        for (int width : widths) {
          text.append("| ").append("-".repeat(width)).append(' ');
        }
        text.append("|\n");
      }
    }
    return text.toString();
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    return String.format(Locale.ROOT, value < 100 ? "%.2f" : "%,.0f", value);
  }

  private static String ratio(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
  }

  String json() {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Figure figure : figures) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("name", figure.name());
      map.put("unit", figure.unit());
      Map<String, Object> medians = new LinkedHashMap<>();
      figure.medians().forEach((subject, value) -> medians.put(subject.toString(), value));
      map.put("medians", medians);
      put(map, "ratio", figure.ratio());
      put(map, "noise", figure.noise());
      if (figure.target().exists()) {
        map.put("target", figure.target().toString());
        map.put("met", figure.met());
      }
      map.put("note", figure.note());
      map.put("load", figure.load());
      map.put("raw", figure.raw());
      list.add(map);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("machine", machine);
    all.put("started", started);
    all.put("plan", plan);
    all.put("figures", list);
    return ConfigValueFactory.fromMap(all).render(ConfigRenderOptions.concise().setFormatted(true));
  }

  /** JSON knows no NaN. */
  private static void put(Map<String, Object> map, String key, double value) {
    if (!Double.isNaN(value)) {
      map.put(key, value);
    }
  }
}

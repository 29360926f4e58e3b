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
  private static final List<Subject> BEFORE =
      List.of(Subject.DIRECT, Subject.NGINX, Subject.NGINX_AGAIN);

  boolean met() {
    return figures.stream().allMatch(Figure::met);
  }

  String table() {
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("", "unit"));
    BEFORE.forEach(subject -> head.add(subject.toString()));
    for (Subject subject : Subject.MEASURED) {
      head.addAll(List.of(subject.toString(), "ratio", "target"));
    }
    head.addAll(List.of("noise", "load"));
    rows.add(head);
    for (Figure figure : figures) {
      List<String> row = new ArrayList<>(List.of(figure.name(), figure.unit()));
      BEFORE.forEach(subject -> row.add(median(figure, subject)));
      for (Subject subject : Subject.MEASURED) {
        Figure.Verdict verdict = figure.verdict(subject);
        row.add(median(figure, subject));
        row.add(ratio(verdict.ratio()));
        row.add(
            verdict.target().exists()
                ? verdict.target() + (verdict.met() ? " met" : " MISSED")
                : "");
      }
      row.add(ratio(figure.noise()));
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

  private static String median(Figure figure, Subject subject) {
    return number(figure.medians().getOrDefault(subject, Double.NaN));
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
      Map<String, Object> verdicts = new LinkedHashMap<>();
      figure
          .verdicts()
          .forEach((subject, verdict) -> verdicts.put(subject.toString(), json(verdict)));
      map.put("verdicts", verdicts);
      put(map, "noise", figure.noise());
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

  private static Map<String, Object> json(Figure.Verdict verdict) {
    Map<String, Object> map = new LinkedHashMap<>();
    put(map, "ratio", verdict.ratio());
    if (verdict.target().exists()) {
      map.put("target", verdict.target().toString());
      map.put("met", verdict.met());
    }
    return map;
  }

  /** JSON knows no NaN. */
  private static void put(Map<String, Object> map, String key, double value) {
    if (!Double.isNaN(value)) {
      map.put(key, value);
    }
  }
}

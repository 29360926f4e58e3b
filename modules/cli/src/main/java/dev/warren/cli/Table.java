package dev.warren.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Rows of text in columns that stand below each other. */
final class Table {
  private static final String BETWEEN = "  ";

  private final List<List<String>> rows = new ArrayList<>();

  /** A table whose first row names the columns. */
  static Table of(String... heads) {
    return new Table().row((Object[]) heads);
  }

  /**
   * @param cells as texts; null is shown as {@code -}
   */
  Table row(Object... cells) {
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(cell == null || cell.toString().isEmpty() ? "-" : shown(cell.toString()));
    }
    rows.add(row);
    return this;
  }

  /** Much of what is shown was chosen by agents, who shall not steer the operator's terminal. */
  static String shown(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  void print(PrintStream out) {
    List<Integer> widths = new ArrayList<>();
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        if (i == widths.size()) {
          widths.add(0);
        }
        widths.set(i, Math.max(widths.get(i), row.get(i).length()));
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        line.append(row.get(i));
        if (i < row.size() - 1) {
          line.append(" ".repeat(widths.get(i) - row.get(i).length())).append(BETWEEN);
        }
      }
      out.println(line);
    }
  }
}

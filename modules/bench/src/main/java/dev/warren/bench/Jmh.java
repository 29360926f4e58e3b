package dev.warren.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * Runs the microbenchmarks: JMH's own command line (a pattern of names, {@code -prof gc}, {@code
 * -rf json} ...) behind defaults that keep a run of all of them within a few minutes.
 */
public final class Jmh {
  private static final List<String> SHORTLY =
      List.of("-f", "1", "-wi", "3", "-w", "1", "-i", "5", "-r", "1");

  private Jmh() {}

  public static void main(String[] arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of(arguments));
    for (int i = 0; i < SHORTLY.size(); i += 2) {
      if (!all.contains(SHORTLY.get(i))) {
        all.add(SHORTLY.get(i));
        all.add(SHORTLY.get(i + 1));
      }
    }
    org.openjdk.jmh.Main.main(all.toArray(String[]::new));
  }
}

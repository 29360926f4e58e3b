package dev.warren.bench;

import dev.warren.bench.load.Load;
import java.util.Arrays;

/** {@code modules/bench/run [load|jmh] ...}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String first = arguments.length == 0 ? "load" : arguments[0];
    boolean named = first.equals("load") || first.equals("jmh");
    String[] rest = named ? tail(arguments) : arguments;
    if (first.equals("jmh")) {
      Jmh.main(rest);
    } else {
      System.exit(Load.run(rest));
    }
  }

  private static String[] tail(String[] arguments) {
    return arguments.length == 0 ? arguments : Arrays.copyOfRange(arguments, 1, arguments.length);
  }
}

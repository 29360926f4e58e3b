package dev.warren.bench;

import dev.warren.bench.load.Load;
import java.util.Arrays;

/** {@code modules/bench/run [load|crowd|latency|soak|jmh] ...}. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String first = arguments.length == 0 ? "" : arguments[0];
    switch (first) {
      case "jmh" -> Jmh.main(tail(arguments));
      case "crowd" -> System.exit(Load.crowd(tail(arguments)));
      case "latency" -> System.exit(Load.latency(tail(arguments)));
      case "soak" -> System.exit(Load.soak(tail(arguments)));
      case "load" -> System.exit(Load.run(tail(arguments)));
      default -> System.exit(Load.run(arguments));
    }
  }

  private static String[] tail(String[] arguments) {
    return Arrays.copyOfRange(arguments, 1, arguments.length);
  }
}

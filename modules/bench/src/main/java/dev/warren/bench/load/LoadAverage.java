package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How busy the machine was, with us and with others. */
final class LoadAverage {
  private LoadAverage() {}

  /** Over the last minute. */
  static double now() {
    try {
      return Double.parseDouble(Files.readString(Path.of("/proc/loadavg")).split(" ")[0]);
    } catch (IOException e) {
      throw new LoadException("cannot read /proc/loadavg (expected: Linux)", e);
    }
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What the figures were made on, in one line. */
final class Machine {
  private Machine() {}

  static String describe() {
    return String.join(
        ", ",
        Runtime.getRuntime().availableProcessors() + " cores",
        field("/proc/cpuinfo", "model name").orElse("unknown processor"),
        field("/proc/meminfo", "MemTotal").orElse("unknown memory"),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
  }

  private static Optional<String> field(String file, String name) {
    try {
      return Files.readAllLines(Path.of(file)).stream()
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).trim())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}

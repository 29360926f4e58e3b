package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.cli.demo.Demo;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class DemoCommandTest {
  /**
   * Leaks are looked for at the cost of speed, so the largest file of the demo is not moved here.
   */
  private static final List<Long> SIZES = List.of(0L, 1L, 65_535L, 65_536L, 4L << 20);

  @Test
  void everyFileMovesBothWays() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DemoCommand.once(SIZES, false, new PrintStream(out, true, StandardCharsets.UTF_8));
    String printed = out.toString(StandardCharsets.UTF_8);
    for (long size : SIZES) {
      String bytes = String.format(Locale.ROOT, " %,d bytes", size);
      assertEquals(2, printed.lines().filter(line -> line.contains(bytes)).count(), printed);
    }
    assertTrue(printed.contains("10 files with 8,650,752 bytes arrived whole."), printed);
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    Path served;
    try (Demo demo = Demo.start(true)) {
      demo.move(List.of(1L), moved -> assertEquals(1, moved.bytes()));
      served = demo.directory();
      assertTrue(Files.exists(served));
    }
    assertTrue(Files.notExists(served));
  }
}

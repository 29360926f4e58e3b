package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TableTest {
  private static String printed(Table table) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    table.print(new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }

  @Test
  void columnsStandBelowEachOtherAndNothingIsADash() {
    assertEquals(
        "A    LONG  C\nfoo  -     c\nx    y     -\n",
        printed(Table.of("A", "LONG", "C").row("foo", null, "c").row("x", "y", "")));
  }

  @Test
  void whatAgentsChooseDoesNotSteerTheTerminal() {
    assertEquals("?[31mred?\n", printed(new Table().row("\u001b[31mred\n")));
  }

  @Test
  void sizesHaveUnits() {
    assertEquals("0 B", StatusCommand.size(0));
    assertEquals("1023 B", StatusCommand.size(1023));
    assertEquals("1.0 KiB", StatusCommand.size(1024));
    assertEquals("64 MiB", StatusCommand.size(64L << 20));
    assertEquals("1.5 GiB", StatusCommand.size(3L << 29));
  }
}

package dev.warren.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

final class LoadTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Load.run(new Load(), arguments, new PrintWriter(out, true), new PrintWriter(err, true));
  }

  @Test
  void wrongOptionsStartNothingAndSayWhatWasExpected() {
    assertEquals(2, run("--cases", "nonsense"));
    assertTrue(err.toString().contains("--cases: \"nonsense\" (expected: some of footprint"));
    assertEquals(2, run("--rounds", "0"));
    assertTrue(err.toString().contains("--rounds: 0 (expected: at least 1)"));
    assertEquals(2, run("--nonsense"));
  }

  @Test
  void helpIsNoFault() {
    assertEquals(0, run("--help"));
    assertTrue(out.toString().contains("--quick"));
  }
}

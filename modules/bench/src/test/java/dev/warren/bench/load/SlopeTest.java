package dev.warren.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class SlopeTest {
  private static final double EXACT = 1e-9;

  @Test
  void growthIsToldForAnHour() {
    Slope slope = Slope.of(List.of(0.0, 10.0, 20.0, 30.0), List.of(5.0, 6.0, 7.0, 8.0));
    assertEquals(360, slope.perHour(), EXACT);
    assertEquals(0, slope.error(), EXACT);
    assertFalse(slope.isFlat());
  }

  @Test
  void whatGoesUpAndDownIsFlat() {
    Slope slope = Slope.of(List.of(0.0, 1.0, 2.0, 3.0), List.of(1.0, 2.0, 2.0, 1.0));
    assertEquals(0, slope.perHour(), EXACT);
    assertTrue(slope.isFlat());
    assertTrue(Slope.of(List.of(0.0, 1.0, 2.0), List.of(7.0, 7.0, 7.0)).isFlat());
  }

  @Test
  void twoSamplesMakeNoLine() {
    assertThrows(
        IllegalArgumentException.class, () -> Slope.of(List.of(0.0, 1.0), List.of(1.0, 2.0)));
  }
}

package dev.warren.protocol.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WindowSizesTest {
  private static final int SMALLEST = 16;
  private static final int LARGEST = 16 << 10;

  private final WindowSizes sizes = new WindowSizes(SMALLEST, LARGEST);

  @Test
  void thereIsNoBoundWhileAllFit() {
    sizes.add(512);
    sizes.add(512);
    assertEquals(Integer.MAX_VALUE, sizes.level(1_024));
  }

  @Test
  void whoWantsLittleHasItAndTheOthersShareTheRest() {
    sizes.add(16);
    sizes.add(64);
    sizes.add(1_024);
    sizes.add(2_048);
    assertEquals(460, sizes.level(1_000));
  }

  @Test
  void noneGetsLessThanTheSmallest() {
    for (int i = 0; i < 100; i++) {
      sizes.add(LARGEST);
    }
    assertEquals(SMALLEST, sizes.level(1_000));
  }

  @Test
  void theLargestIsKnownAlsoAfterOneGrewOrWent() {
    assertEquals(0, sizes.largest());
    sizes.add(16);
    sizes.add(256);
    sizes.grew(16, 32);
    assertEquals(256, sizes.largest());
    sizes.remove(256);
    assertEquals(32, sizes.largest());
  }

  @Test
  void allTogetherStayWithinThePartAndUseItUp() {
    for (long seed = 1; seed <= 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      WindowSizes some = new WindowSizes(SMALLEST, LARGEST);
      List<Integer> all = new ArrayList<>();
      int count = 1 + random.nextInt(200);
      for (int i = 0; i < count; i++) {
        int window = SMALLEST << random.nextInt(11);
        all.add(window);
        some.add(window);
      }
      long part = (long) count * SMALLEST + random.nextInt(1 << 20);
      long level = some.level(part);
      long sum = all.stream().mapToLong(window -> Math.min(window, level)).sum();
      long wanted = all.stream().mapToLong(window -> window).sum();
      assertTrue(sum <= part, "seed " + seed + ": " + sum + " of " + part);
      assertTrue(sum == wanted || sum > part - count, "seed " + seed + ": " + sum + " of " + part);
    }
  }
}

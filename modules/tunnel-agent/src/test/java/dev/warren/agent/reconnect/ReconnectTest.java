package dev.warren.agent.reconnect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class ReconnectTest {
  private static final Duration NOTHING_SAID = Duration.ZERO;
  private static final ReconnectSettings SETTINGS = ReconnectSettings.DEFAULT;

  /** Always the longest delay that full jitter may give. */
  private static final RandomGenerator LONGEST =
      new RandomGenerator() {
        @Override
        public long nextLong() {
          return 0;
        }

        @Override
        public long nextLong(long bound) {
          return bound - 1;
        }
      };

  /** Near the end of the range, so that every difference that is not taken right shows. */
  private long now = Long.MAX_VALUE - Duration.ofSeconds(30).toNanos();

  private final Reconnect one = new Reconnect(SETTINGS, 1, LONGEST);

  @Test
  void theFirstTryIsAtOnceAtTheFirstAddress() {
    assertEquals(new Reconnect.Try(Duration.ZERO, 0), new Reconnect(SETTINGS, 3, LONGEST).first());
  }

  @Test
  void theFirstTryAfterALossIsAtOnceAtAnotherAddress() {
    Reconnect three = new Reconnect(SETTINGS, 3, LONGEST);
    three.first();
    three.up(now);
    pass(Duration.ofSeconds(10));
    assertEquals(new Reconnect.Try(Duration.ZERO, 1), three.afterLoss(now, NOTHING_SAID));
    assertEquals(2, three.afterFailure(now, NOTHING_SAID, true).address());
    assertEquals(0, three.afterFailure(now, NOTHING_SAID, true).address());
  }

  @Test
  void delaysDoubleUpToTheCapAndRiseToTheSlowCapAfterAMinute() {
    one.up(now);
    pass(Duration.ofMinutes(5));
    assertEquals(Duration.ZERO, one.afterLoss(now, NOTHING_SAID).delay());
    for (long millis : new long[] {100, 200, 400, 800, 1_600, 2_000, 2_000}) {
      assertEquals(Duration.ofMillis(millis), failed());
    }
    pass(SETTINGS.fastPhase().minusNanos(1));
    assertEquals(SETTINGS.cap(), failed());
    pass(Duration.ofNanos(1));
    assertEquals(Duration.ofMillis(25_600), failed());
    assertEquals(SETTINGS.slowCap(), failed());
  }

  @Test
  void aStableTunnelLetsTheDelaysStartAgain() {
    upAfterFailures(8, SETTINGS.stable());
    one.afterLoss(now, NOTHING_SAID);
    assertEquals(Duration.ofMillis(100), failed());
  }

  @Test
  void aTunnelThatWasNotStableLetsThemGoOnButTheFirstTryIsAtOnceAndTheOutageNew() {
    upAfterFailures(8, SETTINGS.stable().minusNanos(1));
    assertEquals(Duration.ZERO, one.afterLoss(now, NOTHING_SAID).delay());
    assertEquals(SETTINGS.cap(), failed());
  }

  @Test
  void aTunnelThatNeverSettledDoesNotEndTheOutage() {
    upAfterFailures(8, Reconnect.SETTLED.minusNanos(1));
    assertEquals(SETTINGS.cap(), one.afterLoss(now, NOTHING_SAID).delay());
    pass(SETTINGS.fastPhase());
    one.up(now);
    assertEquals(SETTINGS.slowCap(), one.afterLoss(now, NOTHING_SAID).delay());
  }

  @Test
  void aRetryAfterComesFirstAndTheJitterOnTopOfIt() {
    one.up(now);
    pass(Duration.ofMinutes(2));
    assertEquals(Duration.ofMillis(5_100), one.afterLoss(now, Duration.ofSeconds(5)).delay());
    assertEquals(
        Duration.ofMillis(7_100), one.afterFailure(now, Duration.ofSeconds(7), true).delay());
  }

  @Test
  void aRetryAfterBeyondTheLimitCountsAsTheLimit() {
    assertEquals(
        Reconnect.MAX_RETRY_AFTER.plusMillis(100),
        one.afterFailure(now, Reconnect.MAX_RETRY_AFTER.plusSeconds(1), true).delay());
    assertEquals(
        Reconnect.MAX_RETRY_AFTER.plusMillis(200),
        one.afterFailure(now, Duration.ofSeconds(Long.MAX_VALUE), true).delay());
  }

  @Test
  void aRefusalThatWaitingDoesNotHealTakesTheSlowCapFromTheStart() {
    assertEquals(SETTINGS.slowCap(), one.afterFailure(now, NOTHING_SAID, false).delay());
  }

  @Test
  void noRandomHistoryLeavesTheBounds() {
    long seed = Long.getLong("warren.test.seed", new Random().nextLong());
    for (int run = 0; run < 2_000; run++) {
      long runSeed = seed + run;
      Random random = new Random(runSeed);
      int addresses = 1 + random.nextInt(4);
      Reconnect reconnect = new Reconnect(SETTINGS, addresses, random);
      int last = reconnect.first().address();
      boolean up = false;
      long clock = random.nextLong();
      for (int step = 0; step < 50; step++) {
        clock += random.nextLong(Duration.ofMinutes(2).toNanos());
        Duration retryAfter =
            random.nextInt(4) == 0 ? Duration.ofSeconds(random.nextInt(900)) : NOTHING_SAID;
        if (!up && random.nextBoolean()) {
          reconnect.up(clock);
          up = true;
          continue;
        }
        boolean heals = random.nextInt(8) > 0;
        Reconnect.Try next =
            up
                ? reconnect.afterLoss(clock, retryAfter)
                : reconnect.afterFailure(clock, retryAfter, heals);
        up = false;
        String where = "-Dwarren.test.seed=" + runSeed + " step " + step + ": " + next;
        Duration least =
            retryAfter.compareTo(Reconnect.MAX_RETRY_AFTER) < 0
                ? retryAfter
                : Reconnect.MAX_RETRY_AFTER;
        assertTrue(next.delay().compareTo(least) >= 0, where);
        assertTrue(next.delay().compareTo(least.plus(SETTINGS.slowCap())) <= 0, where);
        assertEquals((last + 1) % addresses, next.address(), where);
        last = next.address();
      }
    }
  }

  @Test
  void theJitterIsSpreadOverTheWholeDelay() {
    Random random = new Random(7);
    int[] quarters = new int[4];
    for (int i = 0; i < 4_000; i++) {
      Reconnect reconnect = new Reconnect(SETTINGS, 1, random);
      long nanos = reconnect.afterFailure(now, NOTHING_SAID, true).delay().toNanos();
      quarters[(int) Math.min(3, nanos * 4 / SETTINGS.firstDelay().toNanos())]++;
    }
    for (int quarter : quarters) {
      assertTrue(quarter > 800 && quarter < 1_200, "of 4000 delays in one quarter: " + quarter);
    }
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    IllegalArgumentException zero =
        assertThrows(IllegalArgumentException.class, () -> settings(Duration.ZERO, SETTINGS.cap()));
    assertEquals("reconnect first-delay: PT0S (expected: PT0.001S to PT1H)", zero.getMessage());
    IllegalArgumentException below =
        assertThrows(
            IllegalArgumentException.class,
            () -> settings(Duration.ofSeconds(1), Duration.ofMillis(999)));
    assertEquals("reconnect cap: PT0.999S (expected: PT1S to PT1H)", below.getMessage());
    assertThrows(IllegalArgumentException.class, () -> new Reconnect(SETTINGS, 0, LONGEST));
  }

  private static ReconnectSettings settings(Duration first, Duration cap) {
    return new ReconnectSettings(
        first, cap, SETTINGS.slowCap(), SETTINGS.fastPhase(), SETTINGS.stable());
  }

  private void upAfterFailures(int failures, Duration lived) {
    for (int i = 0; i < failures; i++) {
      failed();
    }
    one.up(now);
    pass(lived);
  }

  private Duration failed() {
    return one.afterFailure(now, NOTHING_SAID, true).delay();
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }
}

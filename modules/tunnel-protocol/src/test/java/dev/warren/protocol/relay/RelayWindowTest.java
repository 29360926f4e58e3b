package dev.warren.protocol.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RelayWindowTest {
  private static final long MUCH = 1L << 40;

  private final RelayBudget budget =
      RelayBudget.ofNode(64L << 20).ofTunnel(RelayBudget.DEFAULT_PER_TUNNEL);

  private RelayWindow opened() {
    assertTrue(budget.tryReserve(RelayBudget.PER_DIRECTION));
    return new RelayWindow(budget, 0);
  }

  /** A sender at such a distance uses up what it was told, and it goes on at once. */
  private static List<Long> windows(RelayWindow window, long roundTrip, int rounds) {
    assertEquals(RelayBudget.FIRST_WINDOW, window.allowed(0, MUCH, 0));
    List<Long> windows = new ArrayList<>();
    long at = 0;
    for (int i = 1; i <= rounds; i++) {
      assertNull(window.arrived(at, (int) (window.told() - at), i * roundTrip));
      at = window.told();
      windows.add(window.sent(at, i * roundTrip) - at);
    }
    return windows;
  }

  @Test
  void beginsSmallAndDoublesWhenTheSenderUsesUpWhatItWasTold() {
    assertEquals(List.of(131_072L, 262_144L, 262_144L, 262_144L), windows(opened(), 500_000, 4));
  }

  @Test
  void growsToWhatTheTunnelHasWhereTheSenderIsFar() {
    List<Long> windows = windows(opened(), 100_000_000, 10);
    assertEquals(List.of(131_072L, 262_144L, 524_288L, 1_048_576L), windows.subList(0, 4));
    long last = windows.get(9);
    assertTrue(last > 5 << 20 && last <= RelayBudget.DEFAULT_PER_TUNNEL * 3 / 4, "" + last);
  }

  @Test
  void largeWindowLeavesOthersTheirFirstOne() {
    RelayWindow window = opened();
    windows(window, 100_000_000, 10);
    assertTrue(budget.used() > RelayBudget.DEFAULT_PER_TUNNEL / 2);
    assertEquals(RelayBudget.FIRST_WINDOW, opened().allowed(0, MUCH, 0));
  }

  @Test
  void staysSmallForAStreamThatIsNeverHeldBack() {
    RelayWindow window = opened();
    window.allowed(0, MUCH, 0);
    long at = 0;
    for (int i = 1; i <= 1_000; i++) {
      assertNull(window.arrived(at, 1_200, i * 1_000_000L));
      at += 1_200;
      window.sent(at, i * 1_000_000L);
      assertTrue(window.told() - at <= RelayBudget.FIRST_WINDOW);
    }
  }

  @Test
  void doesNotGrowWhereTheReceivingEndHoldsTheSenderBack() {
    RelayWindow window = opened();
    window.allowed(0, 10_000, 0);
    assertNull(window.arrived(0, 10_000, 0));
    window.sent(10_000, 0);
    assertEquals(10_000 + RelayBudget.FIRST_WINDOW, window.allowed(10_000, MUCH, 0));
  }

  @Test
  void hundredsOfIdleStreamsFitInTheBudgetOfOneTunnel() {
    int streams = 0;
    while (budget.tryReserve(2L * RelayBudget.PER_DIRECTION)) {
      new RelayWindow(budget, 0).allowed(0, 262_144, 0);
      new RelayWindow(budget, 0).allowed(0, 262_144, 0);
      streams++;
    }
    assertTrue(streams >= 256, streams + " streams");
    assertTrue(budget.used() <= RelayBudget.DEFAULT_PER_TUNNEL);
  }

  @Test
  void allThatWasReservedComesBack() {
    RelayWindow window = opened();
    window.allowed(0, MUCH, 0);
    assertNull(window.arrived(0, RelayBudget.FIRST_WINDOW, 0));
    window.sent(RelayBudget.FIRST_WINDOW, 0);
    window.close();
    assertEquals(0, budget.used());
  }
}

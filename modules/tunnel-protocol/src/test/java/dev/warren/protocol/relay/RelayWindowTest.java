package dev.warren.protocol.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RelayWindowTest {
  private static final long MUCH = 16L << 20;

  private final RelayBudget budget =
      RelayBudget.ofNode(64L << 20).ofTunnel(RelayBudget.DEFAULT_PER_TUNNEL);

  private RelayWindow opened() {
    assertTrue(budget.tryReserve(RelayBudget.PER_DIRECTION));
    return new RelayWindow(budget);
  }

  @Test
  void beginsSmallAndDoublesUpToTheLargestWhenTheSenderUsesUpWhatItWasTold() {
    RelayWindow window = opened();
    assertEquals(RelayBudget.FIRST_WINDOW, window.allowed(0, MUCH));
    List<Long> windows = new ArrayList<>();
    long at = 0;
    for (int i = 0; i < 4; i++) {
      assertNull(window.arrived(at, (int) (window.told() - at)));
      at = window.told();
      windows.add(window.sent(at) - at);
    }
    assertEquals(List.of(131_072L, 262_144L, 262_144L, 262_144L), windows);
  }

  @Test
  void staysSmallForAStreamThatIsNeverHeldBack() {
    RelayWindow window = opened();
    window.allowed(0, MUCH);
    long at = 0;
    for (int i = 0; i < 1_000; i++) {
      assertNull(window.arrived(at, 1_200));
      at += 1_200;
      window.sent(at);
      assertTrue(window.told() - at <= RelayBudget.FIRST_WINDOW);
    }
  }

  @Test
  void doesNotGrowWhereTheReceivingEndHoldsTheSenderBack() {
    RelayWindow window = opened();
    window.allowed(0, 10_000);
    assertNull(window.arrived(0, 10_000));
    window.sent(10_000);
    assertEquals(10_000 + RelayBudget.FIRST_WINDOW, window.allowed(10_000, MUCH));
  }

  @Test
  void hundredsOfIdleStreamsFitInTheBudgetOfOneTunnel() {
    int streams = 0;
    while (budget.tryReserve(2L * RelayBudget.PER_DIRECTION)) {
      new RelayWindow(budget).allowed(0, 262_144);
      new RelayWindow(budget).allowed(0, 262_144);
      streams++;
    }
    assertTrue(streams >= 256, streams + " streams");
    assertTrue(budget.used() <= RelayBudget.DEFAULT_PER_TUNNEL);
  }

  @Test
  void allThatWasReservedComesBack() {
    RelayWindow window = opened();
    window.allowed(0, MUCH);
    assertNull(window.arrived(0, RelayBudget.FIRST_WINDOW));
    window.sent(RelayBudget.FIRST_WINDOW);
    window.close();
    assertEquals(0, budget.used());
  }
}

package dev.warren.peer.discovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RebalancingTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  @Test
  void nobodyIsAskedWhileTheGatewaysHaveJustChanged() {
    Rebalancing rebalancing = new Rebalancing(new Random(1));
    long now = 0;
    assertEquals(0, rebalancing.ask(150, List.of(150), now));
    assertEquals(0, rebalancing.ask(150, List.of(150, 0), now += 60 * SECOND)); // one has come
    long settled = Rebalancing.SETTLED.toNanos();
    assertEquals(0, rebalancing.ask(150, List.of(150, 0), now + settled - 1));
    assertTrue(rebalancing.ask(150, List.of(150, 0), now + settled) > 0);
  }

  @Test
  void aGatewayByItselfAndOneNearItsShareAskNobody() {
    Rebalancing rebalancing = new Rebalancing(new Random(1));
    for (long second = 0; second < 100; second++) {
      assertEquals(0, rebalancing.ask(1_000, List.of(), second * SECOND));
    }
    Rebalancing near = new Rebalancing(new Random(1));
    for (long second = 0; second < 100; second++) {
      assertEquals(0, near.ask(105, List.of(100, 95), second * SECOND));
      assertEquals(0, near.ask(12, List.of(0, 0), second * SECOND), "a handful is no imbalance");
    }
  }

  @Test
  void thoseWhoWereAskedAreNotReplacedByOthersBeforeTheirTime() {
    Rebalancing rebalancing = new Rebalancing(new Random(7));
    int asked = 0;
    rebalancing.ask(100, List.of(50), 0);
    for (long second = 10; second < 24; second++) { // nobody moves
      asked += rebalancing.ask(100, List.of(50), second * SECOND);
    }
    assertTrue(asked > 0 && asked <= 25, "asked " + asked + " of a surplus of 25");
  }

  /** 300 agents at two gateways, a third joins: within a minute nobody has 1.25 of the mean. */
  @Test
  void aNewGatewayIsFilledWithinAMinuteAndThenThereIsPeace() {
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      int[] tunnels = {150, 150, 0};
      Rebalancing[] each = new Rebalancing[3];
      for (int i = 0; i < 3; i++) {
        each[i] = new Rebalancing(new Random(seed * 3 + i));
      }
      int moves = 0;
      for (long tick = 0; tick < 60 * 4; tick++) {
        for (int i = 0; i < 3; i++) {
          List<Integer> others = new ArrayList<>();
          for (int j = 0; j < 3; j++) {
            if (j != i) {
              others.add(tunnels[j]);
            }
          }
          int asked = each[i].ask(tunnels[i], others, tick * SECOND / 4);
          for (int k = 0; k < asked; k++) { // an agent goes where the balancer sends it
            int to = (i + 1 + random.nextInt(2)) % 3;
            tunnels[i]--;
            tunnels[to]++;
            moves++;
          }
        }
      }
      int largest = Arrays.stream(tunnels).max().orElseThrow();
      assertTrue(largest <= 125, "seed " + seed + ": " + Arrays.toString(tunnels));
      assertTrue(moves < 400, "seed " + seed + ": " + moves + " moves");
    }
  }
}

package dev.warren.peer.discovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.frame.Frame;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GatewayListTest {
  private final GatewayList list = new GatewayList();

  private static Frame.Gateway gateway(String id, boolean draining) {
    return new Frame.Gateway(id, 1, draining, 60, "", false);
  }

  @Test
  void whatHasNotChangedIsNotTold() {
    assertEquals(
        new Frame.Discovery(1, false, List.of(gateway("a", false))),
        list.update(List.of(gateway("a", false))).orElseThrow());
    assertTrue(list.update(List.of(gateway("a", false))).isEmpty());
    assertEquals(new Frame.Discovery(1, true, List.of(gateway("a", false))), list.complete());
  }

  @Test
  void whoIsGoneIsToldAsRemoved() {
    list.update(List.of(gateway("a", false), gateway("b", false)));
    Frame.Discovery change = list.update(List.of(gateway("b", true))).orElseThrow();
    assertEquals(2, change.version());
    assertEquals(
        List.of(gateway("b", true), new Frame.Gateway("a", 1, false, 0, "", true)),
        change.gateways());
  }

  /** An agent that hears the full list at any moment and all changes after it knows them all. */
  @Test
  void theFullListAndTheChangesAfterItGiveTheSame() {
    for (long seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      GatewayList told = new GatewayList();
      Map<String, Frame.Gateway> agent = null;
      List<Frame.Gateway> now = List.of();
      for (int step = 0; step < 30; step++) {
        List<Frame.Gateway> next = new ArrayList<>();
        for (String id : List.of("a", "b", "c", "d")) {
          if (random.nextInt(3) > 0) {
            next.add(gateway(id, random.nextBoolean()));
          }
        }
        now = next;
        Map<String, Frame.Gateway> known = agent;
        told.update(next).ifPresent(change -> take(known, change));
        if (agent == null && random.nextInt(5) == 0) {
          agent = new LinkedHashMap<>();
          take(agent, told.complete());
        }
      }
      if (agent != null) {
        Map<String, Frame.Gateway> expected = new LinkedHashMap<>();
        now.forEach(each -> expected.put(each.id(), each));
        assertEquals(expected, agent, "seed " + seed);
      }
    }
  }

  private static void take(Map<String, Frame.Gateway> agent, Frame.Discovery told) {
    if (agent == null) {
      return;
    }
    if (told.complete()) {
      agent.clear();
    }
    for (Frame.Gateway gateway : told.gateways()) {
      if (gateway.removed()) {
        agent.remove(gateway.id());
      } else {
        agent.put(gateway.id(), gateway);
      }
    }
  }
}

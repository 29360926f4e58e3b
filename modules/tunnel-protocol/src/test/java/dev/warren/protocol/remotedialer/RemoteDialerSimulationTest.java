package dev.warren.protocol.remotedialer;

import org.junit.jupiter.api.Test;

/**
 * Random conversations over the wire, both ends ours. {@code -Dwarren.sim.seeds=N} runs more,
 * {@code -Dwarren.sim.seed=N} runs one alone: the one that a failure names.
 */
class RemoteDialerSimulationTest {
  private static final long SEEDS = Long.getLong("warren.sim.seeds", 40);
  private static final Long ONE = Long.getLong("warren.sim.seed");

  @Test
  void whatWasSentArrivesAndNothingIsLeft() {
    each(false);
  }

  @Test
  void whereverTheWebSocketIsCutNothingIsLeft() {
    each(true);
  }

  private static void each(boolean cut) {
    long first = ONE == null ? 0 : ONE;
    long last = ONE == null ? SEEDS - 1 : ONE;
    for (long seed = first; seed <= last; seed++) {
      try {
        new RoundTripWorld(seed).run(12, cut);
      } catch (Throwable e) {
        throw new AssertionError(
            "seed " + seed + " (again: -Dwarren.sim.seed=" + seed + "): " + e.getMessage(), e);
      }
    }
  }
}

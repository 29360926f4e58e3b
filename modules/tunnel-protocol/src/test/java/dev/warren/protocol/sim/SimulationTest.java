package dev.warren.protocol.sim;

import org.junit.jupiter.api.Test;

/**
 * Ten thousand worlds. {@code -Dwarren.sim.seeds=N} runs more, {@code -Dwarren.sim.seed=N} runs one
 * alone: the one that a failure names.
 */
class SimulationTest {
  private static final long SEEDS = Long.getLong("warren.sim.seeds", 10_000);
  private static final Long ONE = Long.getLong("warren.sim.seed");

  @Test
  void whateverTheNetworkDoesTheRulesHold() {
    long first = ONE == null ? 0 : ONE;
    long last = ONE == null ? SEEDS - 1 : ONE;
    for (long seed = first; seed <= last; seed++) {
      try {
        new World(seed).run();
      } catch (Throwable e) {
        throw new AssertionError(
            "seed " + seed + " (again: -Dwarren.sim.seed=" + seed + "): " + e.getMessage(), e);
      }
    }
  }
}

package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Gateways start, crash, freeze, are cut off from each other and restarted, at random from a seed;
 * once the network is whole they are one cluster. A seed that fails is named; {@code
 * -Dwarren.seed=N} runs it alone, {@code -Dwarren.seeds=N} says how many are run.
 */
class SteeringSimulationTest {
  private static final int SEEDS = Integer.getInteger("warren.seeds", 2_000);

  private interface Trial {
    void run(long seed);
  }

  private static void forSeeds(int count, Trial trial) {
    Long only = Long.getLong("warren.seed");
    for (long seed = only == null ? 0 : only; seed < (only == null ? count : only + 1); seed++) {
      trial.run(seed);
    }
  }

  private static SimulatedGateways started(long seed, boolean together) {
    SimulatedGateways world = new SimulatedGateways(seed, 2 + (int) (Math.abs(seed) % 5));
    for (SimulatedGateways.Node node : world.nodes) {
      long delay = together ? 0 : world.random.nextLong(Duration.ofSeconds(8).toNanos());
      world.after(delay, () -> world.start(node));
    }
    return world;
  }

  @Test
  void gatewaysThatStartTogetherAreOneClusterWithoutAnyRestart() {
    forSeeds(
        SEEDS / 4,
        seed -> {
          SimulatedGateways world = started(seed, true);
          assertTrue(
              world.converges(Duration.ofSeconds(60)), () -> "seed " + seed + ": " + world.nodes);
          for (SimulatedGateways.Node node : world.nodes) {
            assertEquals(0, node.restarts, () -> "seed " + seed + ": " + world.nodes);
          }
        });
  }

  @Test
  void oneClusterWhateverHappenedOnceTheNetworkIsWhole() {
    forSeeds(
        SEEDS,
        seed -> {
          SimulatedGateways world = started(seed, false);
          trouble(world);
          assertTrue(
              world.converges(Duration.ofMinutes(20)), () -> "seed " + seed + ": " + world.nodes);
        });
  }

  @Test
  void aFilteredClusterPortMakesNobodyRestartAndIsMendedWhenItOpens() {
    forSeeds(
        SEEDS / 4,
        seed -> {
          SimulatedGateways world = started(seed, true);
          SimulatedGateways.Node away = world.nodes.get(world.nodes.size() - 1);
          for (SimulatedGateways.Node node : world.nodes) {
            if (node != away) {
              world.separate(world.filtered, away, node);
            }
          }
          world.run(Duration.ofMinutes(10));
          for (SimulatedGateways.Node node : world.nodes) {
            assertEquals(0, node.restarts, () -> "seed " + seed + ": " + world.nodes);
          }
          boolean seen = world.nodes.stream().anyMatch(SimulatedGateways.Node::split);
          assertTrue(seen, () -> "seed " + seed + ", nobody says split: " + world.nodes);
          world.filtered.clear();
          assertTrue(
              world.converges(Duration.ofMinutes(4)), () -> "seed " + seed + ": " + world.nodes);
        });
  }

  @Test
  void aClusterPortFilteredOneWayMakesFewRestarts() {
    forSeeds(
        SEEDS / 20,
        seed -> {
          SimulatedGateways world = started(seed, true);
          SimulatedGateways.Node away = world.nodes.get(0);
          for (SimulatedGateways.Node node : world.nodes) {
            world.filtered.add(
                seed % 2 == 0 ? away.number + ">" + node.number : node.number + ">" + away.number);
          }
          world.filtered.remove("0>0");
          world.run(Duration.ofMinutes(30));
          for (SimulatedGateways.Node node : world.nodes) {
            assertTrue(node.islandRestarts <= 6, () -> "seed " + seed + ": " + world.nodes);
          }
        });
  }

  @Test
  void twoSidesUnderOneIdBecomeOneAgain() {
    forSeeds(
        SEEDS / 4,
        seed -> {
          SimulatedGateways world = started(seed, true);
          world.hasty = true;
          assertTrue(
              world.converges(Duration.ofSeconds(60)), () -> "seed " + seed + ": " + world.nodes);
          partition(world);
          world.run(Duration.ofSeconds(40));
          world.cut.clear();
          assertTrue(
              world.converges(Duration.ofMinutes(2)), () -> "seed " + seed + ": " + world.nodes);
        });
  }

  private static void partition(SimulatedGateways world) {
    Set<SimulatedGateways.Node> side = new HashSet<>();
    for (SimulatedGateways.Node node : world.nodes) {
      if (world.random.nextBoolean()) {
        side.add(node);
      }
    }
    for (SimulatedGateways.Node one : world.nodes) {
      for (SimulatedGateways.Node other : world.nodes) {
        if (side.contains(one) != side.contains(other)) {
          world.separate(world.cut, one, other);
        }
      }
    }
  }

  private static void trouble(SimulatedGateways world) {
    List<SimulatedGateways.Node> nodes = world.nodes;
    for (int i = 0; i < 6; i++) {
      world.run(Duration.ofMillis(world.random.nextLong(25_000)));
      SimulatedGateways.Node one = nodes.get(world.random.nextInt(nodes.size()));
      SimulatedGateways.Node other = nodes.get(world.random.nextInt(nodes.size()));
      switch (world.random.nextInt(8)) {
        case 0 -> partition(world);
        case 1 -> world.cut.clear();
        case 2 -> world.separate(world.filtered, one, other);
        case 3 -> world.filtered.clear();
        case 4 -> one.crash();
        case 5 -> nodes.forEach(world::start);
        case 6 -> one.restart(world.random.nextBoolean());
        default ->
            one.frozenUntil =
                world.now + Duration.ofMillis(world.random.nextLong(40_000)).toNanos();
      }
      world.hasty = world.random.nextInt(4) == 0;
    }
    world.cut.clear();
    world.filtered.clear();
    world.hasty = false;
    nodes.forEach(world::start);
  }
}

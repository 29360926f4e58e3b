package dev.warren.agent.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.pool.Leases.Dial;
import dev.warren.agent.pool.Leases.Direct;
import dev.warren.agent.pool.Leases.Ending;
import dev.warren.agent.pool.Leases.Move;
import dev.warren.agent.pool.Leases.Step;
import dev.warren.agent.pool.Leases.Verdict;
import dev.warren.agent.pool.Leases.Wait;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many agents, a load balancer and some gateways, in simulated time. */
class LeasesSimulationTest {
  private static final long SEED = Long.getLong("warren.seed", 7L);
  private static final int AGENTS = 50;

  private enum Balancer {
    RANDOM,
    ROUND_ROBIN,
    LEAST_CONNECTIONS,
    SOURCE_HASH
  }

  @ParameterizedTest
  @EnumSource(Balancer.class)
  void withDirectAddressesEveryAgentHasThreeTunnelsWithinTenSeconds(Balancer balancer) {
    for (int gateways = 1; gateways <= 8; gateways++) {
      World world = new World(balancer, gateways, 3, true);
      world.run(Duration.ofSeconds(10));
      world.assertEachHolds(Math.min(3, gateways));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Balancer.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SOURCE_HASH"})
  void behindABalancerAloneItTakesFortySeconds(Balancer balancer) {
    for (int gateways = 1; gateways <= 8; gateways++) {
      World three = new World(balancer, gateways, 3, false);
      three.run(Duration.ofSeconds(40));
      three.assertEachHolds(Math.min(3, gateways));
    }
    World all = new World(balancer, 4, Leases.ALL, false);
    all.run(Duration.ofSeconds(40));
    all.assertEachHolds(4);
  }

  @Test
  void whereTheBalancerSortsByAddressEachAgentSettlesForOne() {
    World world = new World(Balancer.SOURCE_HASH, 4, 3, false);
    world.run(Duration.ofMinutes(1));
    world.assertEachHolds(1);
    for (int minute = 0; minute < 10; minute++) {
      long[] before = world.agents.stream().mapToLong(agent -> agent.leases.dials()).toArray();
      world.run(Duration.ofMinutes(1));
      for (int i = 0; i < before.length; i++) {
        long dials = world.agents.get(i).leases.dials() - before[i];
        assertTrue(dials <= 6, dials + " dials in minute " + (minute + 2));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Balancer.class)
  void allGatewaysAreReplacedInTurnAndNobodyIsLeftWithoutATunnel(Balancer balancer) {
    for (boolean direct : new boolean[] {true, false}) {
      World world = new World(balancer, 4, 3, direct);
      world.run(Duration.ofSeconds(40));
      int expected = balancer == Balancer.SOURCE_HASH && !direct ? 1 : 3;
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
          world.replace(world.gateways.get(0));
          world.run(Duration.ofSeconds(direct ? 10 : 40));
          world.assertEachHoldsAtLeast(expected);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Balancer.class)
  void aRollingRestartNeverLeavesAnAgentWithoutATunnel(Balancer balancer) {
    for (int wanted = 1; wanted <= 2; wanted++) {
      World world = new World(balancer, 3, wanted, true);
      world.run(Duration.ofSeconds(10));
      for (int i = 0; i < 6; i++) {
        Gateway going = world.gateways.get(0);
        world.drain(going);
        for (int tenth = 0; tenth < 50; tenth++) {
          world.run(Duration.ofMillis(100));
          world.assertEachHoldsAtLeast(1);
        }
        for (Agent agent : world.agents) {
          for (Tunnel tunnel : agent.tunnels.values()) {
            assertTrue(tunnel.gateway != going || tunnel.moved, "still in use after 5 s");
          }
        }
        world.replace(going);
        world.run(Duration.ofSeconds(5));
        world.assertEachHolds(wanted);
      }
    }
  }

  // ---- the world

  private static final class Gateway {
    private final String id;
    private final long generation;
    private boolean draining;
    private int connections;

    private Gateway(String id, long generation) {
      this.id = id;
      this.generation = generation;
    }
  }

  private static final class Tunnel {
    private Gateway gateway;
    private boolean up;
    private boolean moved;
    private final Leases.Way way;

    private Tunnel(Leases.Way way) {
      this.way = way;
    }
  }

  private static final class Agent {
    private final int number;
    private final Leases leases;
    private final Map<Long, Tunnel> tunnels = new HashMap<>();
    private long wakeUp;

    private Agent(int number, Leases leases) {
      this.number = number;
      this.leases = leases;
    }

    private Set<String> held() {
      Set<String> held = new HashSet<>();
      for (Tunnel tunnel : tunnels.values()) {
        if (tunnel.up && !tunnel.moved) {
          assertTrue(held.add(tunnel.gateway.id), "two tunnels to " + tunnel.gateway.id);
        }
      }
      return held;
    }
  }

  private record Event(long at, long order, Runnable what) {}

  private static final class World {
    private final Random random = new Random(SEED);
    private final Balancer balancer;
    private final boolean direct;
    private final List<Gateway> gateways = new ArrayList<>();
    private final List<Agent> agents = new ArrayList<>();
    private final PriorityQueue<Event> events =
        new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    private long now;
    private long order;
    private int turn;
    private int made;

    private World(Balancer balancer, int count, int wanted, boolean direct) {
      this.balancer = balancer;
      this.direct = direct;
      for (int i = 0; i < count; i++) {
        gateways.add(new Gateway("g" + made++, 1));
      }
      for (int i = 0; i < AGENTS; i++) {
        Leases leases =
            new Leases(
                wanted,
                1,
                address -> Optional.of(new DirectAddress(address, 1)),
                ReconnectSettings.DEFAULT,
                new Random(SEED + i),
                now);
        Agent agent = new Agent(i, leases);
        agents.add(agent);
        later(random.nextLong(1_000_000_000L), () -> act(agent));
      }
    }

    private void later(long delay, Runnable what) {
      events.add(new Event(now + delay, order++, what));
    }

    private void run(Duration time) {
      long end = now + time.toNanos();
      while (!events.isEmpty() && events.peek().at() <= end) {
        Event next = events.poll();
        now = next.at();
        next.what().run();
      }
      now = end;
    }

    private void act(Agent agent) {
      while (true) {
        Step step = agent.leases.next(now);
        if (step instanceof Dial dial) {
          agent.tunnels.put(dial.lease(), new Tunnel(dial.way()));
          later(1_000_000 + random.nextLong(20_000_000), () -> reached(agent, dial));
        } else if (step instanceof Move move) {
          agent.tunnels.get(move.lease()).moved = true;
          later(random.nextLong(2_000_000_000L), () -> close(agent, move.lease()));
        } else {
          if (step instanceof Wait wait) {
            long mine = ++agent.wakeUp;
            later(
                wait.delay().toNanos(),
                () -> {
                  if (mine == agent.wakeUp) {
                    act(agent);
                  }
                });
          }
          return;
        }
      }
    }

    private void reached(Agent agent, Dial dial) {
      Tunnel tunnel = agent.tunnels.get(dial.lease());
      Gateway gateway = tunnel.way instanceof Direct to ? byId(to.gateway()) : chosen(agent);
      if (gateway == null || gateway.draining) {
        agent.tunnels.remove(dial.lease());
        agent.leases.over(dial.lease(), Ending.PLAIN, now);
        act(agent);
        return;
      }
      gateway.connections++;
      tunnel.gateway = gateway;
      if (agent.leases.answered(dial.lease(), gateway.id, now) != Verdict.WANTED) {
        agent.tunnels.remove(dial.lease());
        // As the pool does: parked for a while, so that the balancer counts it.
        boolean parks = agent.leases.parks();
        later(parks ? TunnelPool.PARKED.toNanos() : 0, () -> gateway.connections--);
        act(agent);
        return;
      }
      later(1_000_000 + random.nextLong(10_000_000), () -> welcomed(agent, dial.lease()));
    }

    private void welcomed(Agent agent, long lease) {
      Tunnel tunnel = agent.tunnels.get(lease);
      if (tunnel == null) {
        return; // its gateway was killed meanwhile
      }
      assertEquals(
          Verdict.WANTED, agent.leases.welcomed(lease, tunnel.gateway.id, now), "after answered");
      tunnel.up = true;
      tell(agent, lease);
      act(agent);
    }

    private void tell(Agent agent, long lease) {
      List<Frame.Gateway> list = new ArrayList<>();
      for (Gateway each : gateways) {
        list.add(
            new Frame.Gateway(
                each.id,
                each.generation,
                each.draining,
                86_400,
                direct ? "10.0.0." + each.id : "",
                false));
      }
      agent.leases.discovered(lease, new Frame.Discovery(order++, true, list), now);
    }

    private void tellAll() {
      for (Agent agent : agents) {
        for (Map.Entry<Long, Tunnel> each : Map.copyOf(agent.tunnels).entrySet()) {
          if (each.getValue().up) {
            tell(agent, each.getKey());
          }
        }
        act(agent);
      }
    }

    private void close(Agent agent, long lease) {
      Tunnel tunnel = agent.tunnels.remove(lease);
      if (tunnel != null && tunnel.gateway != null) {
        tunnel.gateway.connections--;
        agent.leases.over(lease, Ending.PLAIN, now);
        act(agent);
      }
    }

    private void drain(Gateway gateway) {
      gateway.draining = true;
      for (Agent agent : agents) {
        for (Map.Entry<Long, Tunnel> each : Map.copyOf(agent.tunnels).entrySet()) {
          if (each.getValue().up && each.getValue().gateway == gateway) {
            agent.leases.asked(each.getKey(), Leases.Asked.DRAIN, Duration.ofSeconds(20), now);
          }
        }
      }
      tellAll();
    }

    /** One gateway dies, another comes; who is connected hears of it a second later. */
    private void replace(Gateway old) {
      gateways.remove(old);
      for (Agent agent : agents) {
        for (Map.Entry<Long, Tunnel> each : Map.copyOf(agent.tunnels).entrySet()) {
          if (each.getValue().gateway == old) {
            close(agent, each.getKey());
          }
        }
      }
      gateways.add(new Gateway("g" + made++, 1));
      later(1_000_000_000L, this::tellAll);
    }

    private Gateway byId(String id) {
      return gateways.stream().filter(each -> each.id.equals(id)).findFirst().orElse(null);
    }

    private Gateway chosen(Agent agent) {
      List<Gateway> ready = gateways.stream().filter(each -> !each.draining).toList();
      return switch (balancer) {
        case RANDOM -> ready.get(random.nextInt(ready.size()));
        case ROUND_ROBIN -> ready.get(turn++ % ready.size());
        case SOURCE_HASH -> ready.get(agent.number % ready.size());
        case LEAST_CONNECTIONS -> {
          int least = ready.stream().mapToInt(each -> each.connections).min().orElseThrow();
          List<Gateway> fewest = ready.stream().filter(each -> each.connections == least).toList();
          yield fewest.get(turn++ % fewest.size());
        }
      };
    }

    private void assertEachHolds(int expected) {
      for (Agent agent : agents) {
        assertEquals(expected, agent.held().size(), () -> describe(agent));
      }
    }

    private void assertEachHoldsAtLeast(int expected) {
      for (Agent agent : agents) {
        assertTrue(agent.held().size() >= expected, () -> describe(agent));
      }
    }

    private String describe(Agent agent) {
      StringBuilder text =
          new StringBuilder("seed " + SEED + ", " + balancer + ", " + now / 1_000_000 + " ms, ");
      text.append(agent.held()).append(' ').append(agent.leases.state());
      for (Gateway each : gateways) {
        text.append(' ').append(each.id).append('=').append(each.connections);
      }
      return text.append(' ').append(agent.leases.gateways()).toString();
    }
  }
}

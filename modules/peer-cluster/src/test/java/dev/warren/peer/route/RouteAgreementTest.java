package dev.warren.peer.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.session.DuplicatePolicy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Gateways that tell each other of their tunnels agree on one instance of a session, in whatever
 * order they hear it.
 */
class RouteAgreementTest {
  private static final SessionKey SESSION = SessionKey.of("bench-1");
  private static final List<byte[]> KEYS = List.of("key".getBytes(StandardCharsets.UTF_8));
  private static final int SEEDS = 3_000;

  /** What one gateway tells another. */
  private static final class Way {
    private final Announcements announcements;
    private final Announced announced;
    private final ArrayDeque<Announcements.Batch> underWay = new ArrayDeque<>();
    private final List<Announcements.Batch> before = new ArrayList<>();

    Way(Announcements announcements, Announced announced) {
      this.announcements = announcements;
      this.announced = announced;
    }
  }

  private static final class Gateway implements RouteTable.Listener {
    private final GatewayIdentity identity;
    private final RouteTable table;
    private final List<Way> ways = new ArrayList<>();
    private long sequence;

    Gateway(int number, DuplicatePolicy policy, SplittableRandom random) {
      identity =
          new GatewayIdentity("g" + number, new Incarnation(random.nextLong(), random.nextLong()));
      table = new RouteTable(identity, policy, new Ranks(() -> KEYS, random.nextLong()), () -> 0);
      table.listen(this);
    }

    private Route route(OwnTunnel tunnel) {
      return new Route(
          identity,
          SESSION,
          tunnel.instance(),
          tunnel.connection(),
          tunnel.rank().epoch(),
          tunnel.rank().incarnation(),
          tunnel.draining(),
          "",
          "",
          0);
    }

    @Override
    public void own(OwnTunnel tunnel) {
      ways.forEach(
          way -> way.announcements.changed(new Announcements.Change.Present(route(tunnel))));
    }

    @Override
    public void released(OwnTunnel tunnel, RouteTable.Removal reason) {
      ways.forEach(
          way ->
              way.announcements.changed(
                  new Announcements.Change.Absent(
                      route(tunnel).key(), tunnel.connection(), reason)));
    }
  }

  /** An agent's process: at one gateway or at several. */
  private static final class Instance {
    private final StreamId id;
    private Frame.Rank rank = Frame.Rank.NONE;
    private long connection;

    Instance(StreamId id) {
      this.id = id;
    }

    /** The tunnel, or null where it was refused. */
    ScriptedTunnel attach(Gateway gateway) {
      ScriptedTunnel tunnel = new ScriptedTunnel(SESSION);
      RouteTable.Admission admission =
          gateway.table.admit(tunnel, ScriptedTunnel.hello(SESSION, id, ++connection, rank));
      if (admission instanceof RouteTable.Admission.Admitted admitted) {
        rank = admitted.rank();
        gateway.table.welcomed(tunnel);
        return tunnel;
      }
      return null;
    }
  }

  private static final class World {
    private final SplittableRandom random;
    private final List<Gateway> gateways = new ArrayList<>();
    private final List<Way> ways = new ArrayList<>();
    private final List<Instance> instances = new ArrayList<>();
    private final List<ScriptedTunnel> tunnels = new ArrayList<>();

    World(DuplicatePolicy policy, long seed) {
      random = new SplittableRandom(seed);
      int count = 2 + random.nextInt(3);
      for (int i = 0; i < count; i++) {
        gateways.add(new Gateway(i, policy, random));
      }
      for (Gateway from : gateways) {
        for (Gateway to : gateways) {
          if (from != to) {
            Way way =
                new Way(
                    new Announcements(() -> ++from.sequence),
                    new Announced(from.identity, to.table));
            way.announcements.startSnapshot(List.of());
            from.ways.add(way);
            ways.add(way);
          }
        }
      }
      for (int i = 0; i < 3; i++) {
        // Instances of few bits, so that both halves decide.
        instances.add(new Instance(new StreamId(random.nextInt(2), 1 + i)));
      }
    }

    Instance anyInstance() {
      return instances.get(random.nextInt(instances.size()));
    }

    Gateway anyGateway() {
      return gateways.get(random.nextInt(gateways.size()));
    }

    void attach(Instance instance, Gateway gateway) {
      ScriptedTunnel tunnel = instance.attach(gateway);
      if (tunnel != null) {
        tunnels.add(tunnel);
      }
    }

    void travel(Way way) {
      while (way.announcements.hasNext()) {
        way.underWay.addLast(way.announcements.next());
      }
      if (!way.before.isEmpty() && random.nextInt(4) == 0) { // again, and late
        way.announced.take(way.before.get(random.nextInt(way.before.size())));
      }
      Announcements.Batch batch = way.underWay.pollFirst();
      if (batch != null) {
        way.announced.take(batch);
        way.before.add(batch);
        way.announcements.acknowledged(batch.sequence());
      }
    }

    void travelSome() {
      travel(ways.get(random.nextInt(ways.size())));
    }

    void quieten() {
      boolean moved = true;
      while (moved) {
        moved = false;
        for (Way way : ways) {
          moved |= way.announcements.hasNext() || !way.underWay.isEmpty();
          travel(way);
        }
      }
    }

    Set<StreamId> held() {
      Set<StreamId> held = new HashSet<>();
      gateways.forEach(
          gateway -> gateway.table.ownTunnels().forEach(tunnel -> held.add(tunnel.instance())));
      return held;
    }

    /** Every table knows of every other gateway's tunnels, and of no more. */
    void assertTablesAgree() {
      for (Gateway at : gateways) {
        Set<Route> expected = new HashSet<>();
        for (Gateway other : gateways) {
          if (other != at) {
            other.table.ownTunnels().forEach(tunnel -> expected.add(other.route(tunnel)));
          }
        }
        assertEquals(expected, new HashSet<>(at.table.find(SESSION).routes()));
        assertEquals(at.table.ownTunnels().size(), at.table.held());
        assertEquals(at.table.find(SESSION).isOnline() ? 1 : 0, at.table.online());
      }
    }
  }

  private static void forSeeds(java.util.function.LongConsumer run) {
    long first = Long.getLong("warren.test.seed", System.nanoTime());
    for (long seed = first; seed < first + SEEDS; seed++) {
      try {
        run.accept(seed);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("-Dwarren.test.seed=" + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static Comparator<Instance> byRank() {
    return (one, other) ->
        Ranks.compare(
            one.rank.epoch(),
            one.rank.incarnation(),
            one.id,
            other.rank.epoch(),
            other.rank.incarnation(),
            other.id);
  }

  @ParameterizedTest
  @EnumSource(names = {"NEWEST", "REJECT"})
  void rivalsThatWereLetInWithoutKnowingOfEachOtherComeDownToOne(DuplicatePolicy policy) {
    forSeeds(
        seed -> {
          World world = new World(policy, seed);
          // Each at a gateway of its own, before anything is heard; and each may be at others too.
          for (int i = 0; i < world.gateways.size() && i < world.instances.size(); i++) {
            world.attach(world.instances.get(i), world.gateways.get(i));
          }
          List<Instance> attached =
              world.instances.stream().filter(each -> each.rank != Frame.Rank.NONE).toList();
          Instance winner =
              policy == DuplicatePolicy.NEWEST
                  ? attached.stream().max(byRank()).orElseThrow()
                  : attached.stream().min(byRank()).orElseThrow();
          int steps = world.random.nextInt(40);
          for (int i = 0; i < steps; i++) {
            world.travelSome();
          }
          world.quieten();
          assertEquals(Set.of(winner.id), world.held());
          world.assertTablesAgree();
          for (ScriptedTunnel tunnel : world.tunnels) {
            if (tunnel.instance().equals(winner.id)) {
              assertNull(tunnel.endCode());
            } else {
              assertSame(FaultCode.SUPERSEDED, tunnel.endCode());
              assertTrue(tunnel.endDetail().contains("at gateway g"), tunnel.endDetail());
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(DuplicatePolicy.class)
  void whateverComesAndGoesThereIsOneInstanceInTheEndAndAllKnowWhereItIs(DuplicatePolicy policy) {
    forSeeds(
        seed -> {
          World world = new World(policy, seed);
          int steps = 10 + world.random.nextInt(60);
          for (int i = 0; i < steps; i++) {
            int kind = world.random.nextInt(6);
            if (kind == 0) {
              world.attach(world.anyInstance(), world.anyGateway());
            } else if (kind == 1 && !world.tunnels.isEmpty()) {
              ScriptedTunnel lost = world.tunnels.get(world.random.nextInt(world.tunnels.size()));
              world.gateways.forEach(gateway -> gateway.table.lost(lost, RouteTable.Removal.LOST));
            } else {
              world.travelSome();
            }
          }
          world.quieten();
          world.assertTablesAgree();
          if (policy != DuplicatePolicy.POOL) {
            assertTrue(world.held().size() <= 1, () -> "held: " + world.held());
          }
        });
  }
}

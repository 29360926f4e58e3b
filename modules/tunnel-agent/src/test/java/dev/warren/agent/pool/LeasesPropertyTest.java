package dev.warren.agent.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.pool.Leases.Asked;
import dev.warren.agent.pool.Leases.Dial;
import dev.warren.agent.pool.Leases.Direct;
import dev.warren.agent.pool.Leases.Ending;
import dev.warren.agent.pool.Leases.Move;
import dev.warren.agent.pool.Leases.Settled;
import dev.warren.agent.pool.Leases.Step;
import dev.warren.agent.pool.Leases.Verdict;
import dev.warren.agent.pool.Leases.Wait;
import dev.warren.agent.reconnect.Reconnect;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Whatever happens, in whatever order: never over, and never stuck. */
class LeasesPropertyTest {
  private static final long SEQUENCES = Long.getLong("warren.leases.sequences", 100_000);
  private static final long SEED = Long.getLong("warren.seed", 20_260_101L);
  private static final int EVENTS = 40;

  @Test
  void randomEventsNeverMakeTooManyTunnelsAndNeverStopTheLastTry() {
    for (long i = 0; i < SEQUENCES; i++) {
      long seed = SEED + i;
      try {
        new Sequence(seed).run();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("with -Dwarren.seed=" + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private enum Stage {
    DIALLING,
    NAMED,
    UP,
    MOVED
  }

  /** What the owner of the leases knows, and nothing that the leases told it besides. */
  private static final class Tunnel {
    private final long lease;
    private final Leases.Way way;
    private Stage stage = Stage.DIALLING;
    private String gateway;

    private Tunnel(long lease, Leases.Way way) {
      this.lease = lease;
      this.way = way;
    }
  }

  private static final class Sequence {
    private final Random random;
    private final int wanted;
    private final int gateways;
    private final long[] generations;
    private final Leases leases;
    private final Map<Long, Tunnel> tunnels = new TreeMap<>();
    private long now;
    private long version;

    private Sequence(long seed) {
      random = new Random(seed);
      wanted = random.nextInt(5) == 0 ? Leases.ALL : 1 + random.nextInt(4);
      gateways = 1 + random.nextInt(6);
      generations = new long[gateways];
      now = random.nextLong();
      leases =
          new Leases(
              wanted,
              1 + random.nextInt(3),
              address -> Optional.of(new DirectAddress(address, 1)),
              ReconnectSettings.DEFAULT,
              random,
              now);
    }

    void run() {
      for (int i = 0; i < EVENTS; i++) {
        happen();
        check(settle());
      }
      giveEverythingBack();
    }

    /** Carries out all steps that are due, and returns the one that waits. */
    private Step settle() {
      for (int i = 0; i < 1_000; i++) {
        Step step = leases.next(now);
        if (step instanceof Dial dial) {
          tunnels.put(dial.lease(), new Tunnel(dial.lease(), dial.way()));
          check(step);
        } else if (step instanceof Move move) {
          Tunnel tunnel = tunnels.get(move.lease());
          assertEquals(Stage.UP, tunnel.stage);
          tunnel.stage = Stage.MOVED;
          assertTrue(leases.claimed() > 0, "moved the last tunnel");
        } else {
          return step;
        }
      }
      throw new AssertionError("1,000 steps without a pause");
    }

    private void happen() {
      Tunnel tunnel = any();
      int what = random.nextInt(12);
      if (what == 0 || tunnel == null) {
        pass();
      } else if (what <= 4 && tunnel.stage.compareTo(Stage.UP) < 0) {
        answer(tunnel);
      } else if (what == 5) {
        tunnels.remove(tunnel.lease);
        leases.over(tunnel.lease, ending(), now);
      } else if (what == 6) {
        leases.asked(
            tunnel.lease,
            random.nextBoolean() ? Asked.DRAIN : Asked.REBALANCE,
            Duration.ofMillis(random.nextInt(30_000)),
            now);
      } else if (what == 7) {
        leases.over(tunnel.lease + 1_000, ending(), now); // of a lease that is none
      } else if (what == 8) {
        generations[random.nextInt(gateways)]++;
      } else {
        discover(tunnel);
      }
    }

    private Tunnel any() {
      List<Tunnel> all = new ArrayList<>(tunnels.values());
      return all.isEmpty() ? null : all.get(random.nextInt(all.size()));
    }

    private void pass() {
      Step step = settle();
      now +=
          step instanceof Wait wait && random.nextBoolean()
              ? wait.delay().toNanos()
              : random.nextLong(Duration.ofSeconds(100).toNanos());
    }

    private Ending ending() {
      return random.nextInt(3) > 0
          ? Ending.PLAIN
          : new Ending(
              Duration.ofMillis(random.nextInt(100_000)),
              random.nextInt(4) == 0,
              random.nextInt(4) > 0);
    }

    private void answer(Tunnel tunnel) {
      String gateway =
          tunnel.gateway != null
              ? tunnel.gateway
              : tunnel.way instanceof Direct direct && random.nextInt(5) > 0
                  ? direct.gateway()
                  : "g" + random.nextInt(gateways);
      boolean header = tunnel.stage == Stage.DIALLING && random.nextBoolean();
      Verdict verdict =
          header
              ? leases.answered(tunnel.lease, gateway, now)
              : leases.welcomed(tunnel.lease, gateway, now);
      if (verdict != Verdict.WANTED) {
        tunnels.remove(tunnel.lease);
        return;
      }
      tunnel.gateway = gateway;
      tunnel.stage = header ? Stage.NAMED : Stage.UP;
    }

    private void discover(Tunnel by) {
      List<Frame.Gateway> list = new ArrayList<>();
      int size = random.nextInt(gateways + 2);
      for (int i = 0; i < size; i++) {
        int gateway = random.nextInt(gateways);
        list.add(
            new Frame.Gateway(
                "g" + gateway,
                Math.max(0, generations[gateway] - random.nextInt(2)),
                random.nextInt(6) == 0,
                random.nextInt(120),
                random.nextInt(3) == 0 ? "10.0.0." + gateway : "",
                random.nextInt(8) == 0));
      }
      leases.discovered(
          by.lease, new Frame.Discovery(++version, random.nextInt(3) == 0, list), now);
    }

    private void check(Step step) {
      int up = 0;
      int dialling = 0;
      Set<Leases.Way> ways = new HashSet<>();
      for (Tunnel tunnel : tunnels.values()) {
        up += tunnel.stage == Stage.UP ? 1 : 0;
        if (tunnel.stage.compareTo(Stage.UP) < 0) {
          dialling++;
          assertTrue(
              ways.add(tunnel.way) || tunnel.way instanceof Leases.Door, "dialled twice at once");
        }
      }
      assertEquals(dialling, leases.inFlight(), "leases in flight");
      assertTrue(leases.claimed() <= up, "more claims than tunnels");
      assertTrue(
          (long) leases.claimed() + leases.inFlight() <= wanted,
          leases.claimed() + " claimed and " + leases.inFlight() + " dialled of " + wanted);
      if (step instanceof Dial) {
        return;
      }
      boolean missing = leases.claimed() + leases.inFlight() < leases.target();
      boolean nothing = up + dialling == 0;
      assertFalse(step instanceof Settled && nothing, "nothing is up and nothing is tried");
      // What is missing is on its way, or waited for; a door's answer is waited for without a time.
      assertFalse(step instanceof Settled && missing && dialling == 0, "stuck");
      if (step instanceof Wait wait) {
        assertTrue(
            wait.delay().compareTo(Reconnect.MAX_RETRY_AFTER.plusMinutes(1)) <= 0, wait.toString());
      }
    }

    /** With everything lost there is a try within the time that was asked for, and it succeeds. */
    private void giveEverythingBack() {
      for (Tunnel tunnel : List.copyOf(tunnels.values())) {
        leases.over(tunnel.lease, Ending.PLAIN, now);
      }
      tunnels.clear();
      assertEquals(0, leases.claimed() + leases.inFlight());
      for (int i = 0; i < 20; i++) { // some waits are for what is forgotten
        Step step = settle();
        check(step);
        if (!tunnels.isEmpty()) {
          return;
        }
        now += ((Wait) step).delay().toNanos();
      }
      throw new AssertionError("no try after everything was lost");
    }
  }
}

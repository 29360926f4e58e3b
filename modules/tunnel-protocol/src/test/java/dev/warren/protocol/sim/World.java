package dev.warren.protocol.sim;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import dev.warren.protocol.testing.Account;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * All that one seed makes: an origin and an agent, with or without a relay between them, the roads,
 * and what the applications will do.
 */
final class World {
  static final Frame.Hello HELLO =
      new Frame.Hello(
          1,
          1,
          List.of(),
          "foo",
          new StreamId(1, 2),
          1,
          MuxSettings.DEFAULT.limits(),
          4_000,
          Frame.Rank.NONE,
          "sim",
          new byte[0]);

  /** Whatever happens, all is over by then: the longest plan takes a few seconds. */
  private static final long LONGEST_NANOS = 600_000_000_000L;

  /** On the heap, and without a detector: that every byte came back is checked at the end. */
  final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false, true);

  final Clock clock = new Clock();
  final SplittableRandom random;
  final boolean newer;
  final EndStation origin;
  final EndStation agent;
  final RelayStation relay; // or null
  private final List<Port> ports = new ArrayList<>();
  private final List<Plan> plans = new ArrayList<>();
  private final int lossKind; // 0: none, 1: the network, 2: GOAWAY
  private boolean lost;
  private boolean begun;
  private int steps;

  World(long seed) {
    random = new SplittableRandom(seed);
    boolean withRelay = random.nextBoolean();
    boolean tiny = random.nextInt(10) == 0; // reads of a few bytes
    newer = random.nextInt(8) == 0;
    lossKind = Math.max(0, random.nextInt(8) - 5);
    int streams = 1 + random.nextInt(random.nextInt(4) == 0 ? 24 : 6);
    int mostBytes = tiny ? 2_000 : random.nextInt(40) == 0 ? 400_000 : 40_000;
    for (int i = 0; i < streams; i++) {
      plans.add(new Plan(i, random, mostBytes));
    }
    origin = new EndStation(this, budget());
    agent = new EndStation(this, budget());
    if (withRelay) {
      relay = new RelayStation(9 * 1024L + random.nextLong(1 << (13 + random.nextInt(9))));
      Port[] link = connect(origin, relay, random.nextBoolean());
      Port[] tunnel = connect(relay, agent, false);
      origin.port = link[0];
      relay.towardsOrigin = link[1];
      relay.towardsAgent = tunnel[0];
      agent.port = tunnel[1];
      start(link, road(tiny));
      start(tunnel, road(tiny));
    } else {
      relay = null;
      Port[] tunnel = connect(origin, agent, false);
      origin.port = tunnel[0];
      agent.port = tunnel[1];
      start(tunnel, road(tiny));
    }
    if (lossKind > 0) {
      Port unlucky = ports.get(random.nextInt(ports.size()));
      clock.after(random.nextLong(1_000_000_000), () -> lose(unlucky));
    }
  }

  /**
   * An origin and an agent on roads that are given; little is left to chance.
   *
   * @param link from the origin to a relay; null: there is none
   * @param tunnel to the agent
   * @param budget of origin and of agent (bytes)
   */
  World(long seed, Road link, Road tunnel, long budget) {
    random = new SplittableRandom(seed);
    newer = false;
    lossKind = 0;
    origin = new EndStation(this, budget);
    agent = new EndStation(this, budget);
    relay = link == null ? null : new RelayStation(RelayBudget.DEFAULT_PER_TUNNEL);
    Station first = relay == null ? origin : relay;
    Port[] ends = connect(first, agent, false, MuxSettings.DEFAULT);
    agent.port = ends[1];
    if (relay == null) {
      origin.port = ends[0];
    } else {
      Port[] linked = connect(origin, relay, true, MuxSettings.DEFAULT);
      origin.port = linked[0];
      relay.towardsOrigin = linked[1];
      relay.towardsAgent = ends[0];
      start(linked, link);
    }
    start(ends, tunnel);
  }

  /** Lets so much time pass. */
  void passes(Duration time) {
    settle(time.toNanos());
  }

  /** Ends it, and checks that every buffer came back. */
  void end() {
    over = true;
    for (Port port : ports) {
      port.lose();
    }
    while (clock.step()) {
      // chunks on their way are released
    }
    checkMemory();
  }

  private long budget() {
    int bits = 14 + random.nextInt(11);
    return (1L << bits) + random.nextLong(1L << bits);
  }

  private Road road(boolean tiny) {
    return new Road(
        random.nextInt(3) == 0 ? 0 : random.nextLong(120_000_000),
        random.nextInt(3) == 0 ? 1 + random.nextLong(20_000_000) : 0,
        1L << (18 + random.nextInt(12)),
        1 << (10 + random.nextInt(7)),
        tiny ? 1 + random.nextInt(20) : 1 << (8 + random.nextInt(9)));
  }

  private MuxSettings settings() {
    int maxData = 1_024 << random.nextInt(7);
    boolean narrow = random.nextInt(6) == 0;
    return new MuxSettings(
        new Frame.Limits(maxData, narrow ? 4 : 10_000, narrow ? 2 : 1_000),
        Duration.ofSeconds(4),
        Duration.ofSeconds(15),
        Math.max(1_024, random.nextBoolean() ? maxData : 16 * 1024));
  }

  /** The two ends of a connection; the far one dials unless said otherwise. */
  private Port[] connect(Station near, Station far, boolean nearDials) {
    return connect(near, far, nearDials, null);
  }

  /**
   * @param settings null: at random
   */
  private Port[] connect(Station near, Station far, boolean nearDials, MuxSettings settings) {
    Account account = new Account();
    Port a = port(near, nearDials, settings, account);
    Port b = port(far, !nearDials, settings, account);
    ports.add(a);
    ports.add(b);
    return new Port[] {a, b};
  }

  private Port port(Station station, boolean dials, MuxSettings settings, Account account) {
    return new Port(
        this,
        station,
        dials ? Mux.Side.DIALLED : Mux.Side.ACCEPTED,
        settings == null ? settings() : settings,
        station instanceof EndStation end
            ? end.budget
            : new CreditBudget(CreditBudget.SMALLEST_WINDOW),
        account);
  }

  private void start(Port[] connection, Road road) {
    Pipe there = new Pipe(this, road, connection[0], connection[1]);
    Pipe back = new Pipe(this, road, connection[1], connection[0]);
    clock.after(
        0,
        () -> {
          connection[0].connect(there, back);
          connection[1].connect(back, there);
        });
  }

  Plan plan(int number) {
    return plans.get(number);
  }

  boolean isLossy() {
    return lossKind > 0;
  }

  /** An end is ready; when all connections are, streams begin. */
  void ready() {
    if (begun || !ports.stream().allMatch(port -> port.mux.isRunning())) {
      if (!begun && !lost && !over) {
        clock.after(1_000_000, this::ready);
      }
      return;
    }
    begun = true;
    for (Plan plan : plans) {
      App app = new App(origin, plan, true);
      origin.apps.add(app);
      clock.after(plan.opensAt, app::ask);
    }
  }

  private void lose(Port port) {
    lost = true;
    if (lossKind == 2) {
      port.mux.goAway(FaultCode.SHUTDOWN, "planned", 0);
      port.station.pump();
    }
    int other = ports.indexOf(port) ^ 1;
    clock.after(lossKind == 2 ? random.nextLong(500_000_000) : 0, port::lose);
    clock.after(
        lossKind == 2 ? 3_000_000_000L : random.nextLong(2_000_000_000),
        () -> ports.get(other).lose());
  }

  void ended(Port port, FaultCode code, String detail, boolean byPeer) {
    if (!lost && !over) {
      throw new AssertionError("a tunnel ended with " + code + ": " + detail);
    }
  }

  private boolean over;

  /** Runs until all streams are over and the network is empty, and checks what is left. */
  void run() {
    while (true) {
      boolean idle = !clock.step();
      if (idle || steps++ % 16 == 0) {
        check();
        if (isOver()) {
          break;
        }
      }
      if (idle || clock.now() > LONGEST_NANOS) {
        throw new AssertionError("stuck at " + clock.now() + " ns:\n" + describe());
      }
    }
    settle(3_000_000_000L); // what is on its way arrives
    check();
    for (Port port : ports) {
      if (port.mux.streams() != 0) {
        throw new AssertionError(port.mux.streams() + " streams are left:\n" + describe());
      }
    }
    origin.checkOver();
    agent.checkOver();
    if (relay != null) {
      relay.checkOver();
    }
    end();
  }

  private void checkMemory() {
    long left = allocator.metric().usedHeapMemory() + allocator.metric().usedDirectMemory();
    if (left != 0) {
      throw new AssertionError(left + " bytes of buffers were not released");
    }
  }

  private void settle(long nanos) {
    long until = clock.now() + nanos;
    while (clock.now() < until && clock.step()) {
      // on
    }
  }

  private boolean isOver() {
    if (!begun) {
      return lost && ports.stream().anyMatch(port -> port.mux.isOver());
    }
    return origin.apps.stream().allMatch(App::isDone) && agent.apps.stream().allMatch(App::isDone);
  }

  private void check() {
    origin.check();
    agent.check();
    if (relay != null) {
      relay.check();
    }
  }

  private String describe() {
    StringBuilder text = new StringBuilder();
    for (EndStation end : List.of(origin, agent)) {
      for (App app : end.apps) {
        if (!app.isDone()) {
          text.append(app).append('\n');
        }
      }
      text.append("budget ").append(end.budget.used()).append('\n');
    }
    for (Port port : ports) {
      text.append(port.mux.streams())
          .append(" streams, ended: ")
          .append(port.endedWith)
          .append('\n');
    }
    return text.toString();
  }
}

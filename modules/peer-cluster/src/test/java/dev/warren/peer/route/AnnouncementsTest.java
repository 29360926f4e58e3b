package dev.warren.peer.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.route.Announcements.Batch;
import dev.warren.peer.route.Announcements.Change;
import dev.warren.peer.wire.Peering;
import dev.warren.peer.wire.Routes;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.session.DuplicatePolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What a peer is told, in which batches, and that it ends up knowing what there is. */
class AnnouncementsTest {
  private static final GatewayIdentity HOLDER = new GatewayIdentity("g1", new Incarnation(1, 1));
  private static final GatewayIdentity PEER = new GatewayIdentity("g2", new Incarnation(2, 2));

  private long sequence;
  private final Announcements announcements = new Announcements(() -> ++sequence);

  private static Route route(String session, long instance, long connection) {
    return new Route(
        HOLDER,
        SessionKey.of(session),
        new StreamId(0, instance),
        connection,
        1,
        1,
        false,
        "agent/1",
        "192.0.2.1:1",
        5);
  }

  private static Change.Present present(String session, long connection) {
    return new Change.Present(route(session, 1, connection));
  }

  private static Change.Absent absent(String session, long connection) {
    return new Change.Absent(
        route(session, 1, connection).key(), connection, RouteTable.Removal.GONE);
  }

  private List<Batch> all() {
    List<Batch> batches = new ArrayList<>();
    while (announcements.hasNext()) {
      batches.add(announcements.next());
    }
    return batches;
  }

  private static RouteTable table() {
    return new RouteTable(PEER, DuplicatePolicy.POOL, Ranks.ofOneGateway(), () -> 0);
  }

  // ---- batches ----

  @Test
  void aSnapshotOfNothingIsSaidToo() {
    announcements.startSnapshot(List.of());
    assertEquals(List.of(new Batch(1, true, true, List.of())), all());
  }

  @Test
  void whatChangesInASnapshotIsPartOfIt() {
    announcements.startSnapshot(List.of(route("a", 1, 1), route("b", 1, 1)));
    announcements.changed(present("a", 2));
    announcements.changed(absent("b", 1));
    announcements.changed(present("c", 1));
    assertEquals(
        List.of(
            new Batch(1, true, true, List.of(present("a", 2), absent("b", 1), present("c", 1)))),
        all());
    announcements.changed(absent("c", 1));
    assertEquals(List.of(new Batch(2, false, false, List.of(absent("c", 1)))), all());
  }

  @Test
  void ofSeveralChangesOfATunnelThatWaitOnlyTheLastIsTold() {
    announcements.startSnapshot(List.of());
    all();
    announcements.changed(present("a", 1));
    announcements.changed(present("b", 1));
    announcements.changed(absent("a", 1));
    assertEquals(2, announcements.waiting());
    assertEquals(List.of(present("b", 1), absent("a", 1)), all().get(0).changes());
  }

  @Test
  void onlySoManyBatchesGoOutBeforeTheFirstIsAcknowledged() {
    List<Route> many = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      many.add(route("s-" + i, 1, 1));
    }
    announcements.startSnapshot(many);
    List<Batch> first = all();
    assertEquals(Announcements.MAX_UNACKNOWLEDGED, first.size());
    assertFalse(announcements.hasNext());
    announcements.acknowledged(0);
    assertFalse(announcements.hasNext());
    announcements.acknowledged(3); // with it those before
    assertEquals(3, all().size());
    announcements.acknowledged(2); // late
    assertFalse(announcements.hasNext());
    announcements.acknowledged(Long.MAX_VALUE);
    assertTrue(announcements.hasNext());
  }

  @Test
  void whatWasNotAcknowledgedIsToldAgainUnlessItHasChangedSince() {
    announcements.startSnapshot(List.of());
    all();
    announcements.acknowledged(1);
    announcements.changed(present("a", 1));
    all();
    announcements.changed(present("b", 1));
    all();
    announcements.changed(absent("a", 1));
    announcements.changed(present("c", 1));
    announcements.connectionLost();
    assertEquals(
        List.of(
            new Batch(4, false, false, List.of(present("b", 1), absent("a", 1), present("c", 1)))),
        all());
  }

  @Test
  void aSnapshotThatWasNotAcknowledgedBeginsAnew() {
    announcements.startSnapshot(List.of(route("a", 1, 1)));
    all();
    announcements.connectionLost();
    assertEquals(List.of(new Batch(2, true, true, List.of(present("a", 1)))), all());
    announcements.acknowledged(2);
    announcements.connectionLost();
    assertFalse(announcements.hasNext());
  }

  @Test
  void thePeerThatLostAllGetsASnapshotUnlessOneIsOnItsWay() {
    announcements.startSnapshot(List.of());
    assertFalse(announcements.needsSnapshot(0), "not sent yet");
    all();
    assertFalse(announcements.needsSnapshot(0), "sent, and not taken in when it asked");
    assertTrue(announcements.needsSnapshot(1), "it had taken this one in, and lost it");
    announcements.startSnapshot(List.of());
    assertFalse(announcements.needsSnapshot(1));
  }

  @Test
  void noBatchIsTooLongForItsFrameEvenWithTheLongestTexts() {
    String longest = "\uffff".repeat(1_024); // the longest text of a frame, three bytes a character
    String id = "x".repeat(63);
    List<Route> many = new ArrayList<>();
    List<Change> removals = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      Route route =
          new Route(
              HOLDER,
              new SessionKey(id, "a".repeat(59) + (1_000 + i)),
              new StreamId(-1, i),
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              true,
              i < 50 ? longest : "",
              i < 50 ? "[2001:0db8:1111:2222:3333:4444:5555:6666%interface0]:65535" : "",
              Long.MAX_VALUE);
      many.add(route);
      removals.add(new Change.Absent(route.key(), Long.MAX_VALUE, RouteTable.Removal.MOVED));
    }
    announcements.startSnapshot(many);
    int told = 0;
    while (told < 200) {
      Batch batch = announcements.next();
      announcements.acknowledged(sequence);
      told += batch.changes().size();
      int weight = batch.changes().stream().mapToInt(Change::weight).sum();
      int bytes =
          Peering.newBuilder().setRoutes(RouteWire.toWire(batch)).build().toByteArray().length;
      assertTrue(bytes <= weight + 64, bytes + " bytes, estimated as " + weight);
      assertTrue(bytes <= FrameCodec.MAX_PEERING_BYTES, bytes + " bytes");
      if (told == 100) {
        removals.forEach(announcements::changed);
      }
    }
  }

  // ---- taking in ----

  @Test
  void aBatchThatIsNotNewerThanTheLastIsIgnored() {
    RouteTable table = table();
    Announced announced = new Announced(HOLDER, table);
    announced.take(new Batch(5, true, true, List.of(present("a", 1))));
    announced.take(new Batch(5, false, false, List.of(absent("a", 1))));
    announced.take(new Batch(4, true, true, List.of()));
    assertEquals(5, announced.sequence());
    assertTrue(table.find(SessionKey.of("a")).isOnline());
    announced.take(new Batch(6, false, false, List.of(absent("a", 1))));
    assertFalse(table.find(SessionKey.of("a")).isOnline());
  }

  @Test
  void aSnapshotIsCompleteWithItsLastBatchAndWhatItDidNotNameIsGone() {
    RouteTable table = table();
    Announced announced = new Announced(HOLDER, table);
    announced.take(new Batch(1, true, true, List.of(present("a", 1), present("b", 1))));
    announced.take(new Batch(2, true, false, List.of(present("c", 1))));
    assertEquals(3, table.routesOf(HOLDER.incarnation()), "what was known stays until then");
    announced.take(new Batch(3, false, true, List.of(present("b", 1))));
    assertFalse(table.find(SessionKey.of("a")).isOnline());
    assertEquals(2, table.routesOf(HOLDER.incarnation()));
    assertTrue(announced.isComplete());
    announced.forget();
    assertFalse(announced.isComplete());
    assertEquals(0, table.routesOf(HOLDER.incarnation()));
  }

  @Test
  void theEndOfASnapshotWhoseBeginningIsMissingTakesNothing() {
    RouteTable table = table();
    Announced announced = new Announced(HOLDER, table);
    announced.take(new Batch(1, true, true, List.of(present("a", 1))));
    announced.forget();
    announced.take(new Batch(2, false, true, List.of(present("b", 1))));
    assertFalse(announced.isComplete());
    assertEquals(1, table.routesOf(HOLDER.incarnation()));
  }

  @Test
  void routesThatFindNoRoomAreCounted() {
    RouteTable table = table();
    Announced announced = new Announced(HOLDER, table);
    List<Change> many = new ArrayList<>();
    for (int i = 0; i < RouteTable.MAX_ROUTES_OF_SESSION + 3; i++) {
      many.add(new Change.Present(route("a", i, 1)));
    }
    announced.take(new Batch(1, true, true, many));
    assertEquals(3, announced.refused());
    assertTrue(announced.isComplete());
  }

  // ---- over connections that are lost ----

  /**
   * A holder and a peer with a link whose connections are lost at any time, in any of the ways in
   * which that looks different to the two.
   */
  private static final class Simulation {
    private static final int SESSIONS = 12;

    /** One connection, which the two sides lose each for itself. */
    private static final class Wire {
      private final ArrayDeque<byte[]> batches = new ArrayDeque<>();
      private final ArrayDeque<Long> acknowledgements = new ArrayDeque<>();
      private boolean lostToHolder;
      private boolean lostToPeer;
    }

    private final SplittableRandom random;
    private final boolean many;
    private final RouteTable table = table();
    private final Announced announced = new Announced(HOLDER, table);
    private final Map<Route.Key, Route> held = new HashMap<>();
    private final Map<Route.Key, Long> connections = new HashMap<>();
    private final List<Wire> wires = new ArrayList<>();
    private Announcements announcements;
    private long sequence;
    private Wire current; // by which the holder announces
    private Wire askedOver;
    private boolean peerUp;
    private boolean peerForgot = true;

    Simulation(long seed) {
      random = new SplittableRandom(seed);
      many = random.nextInt(8) == 0;
      announcements = new Announcements(() -> ++sequence);
    }

    void run() {
      int steps = 20 + random.nextInt(120);
      for (int i = 0; i < steps; i++) {
        step();
      }
      quieten();
      Set<Route> expected = new HashSet<>(held.values());
      Set<Route> found = new HashSet<>();
      table.all().values().forEach(known -> found.addAll(known.routes()));
      assertTrue(announced.isComplete());
      assertEquals(expected, found);
      assertEquals(0, announcements.waiting());
    }

    private void step() {
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> change();
        case 3 -> connect();
        case 4 -> loseAtHolder();
        case 5 -> loseAtPeer();
        case 6 -> forget();
        default -> deliver(wires.isEmpty() ? null : wires.get(random.nextInt(wires.size())));
      }
      send();
    }

    private void change() {
      int changes = many ? 80 : 1;
      for (int i = 0; i < changes; i++) {
        Route.Key key =
            route("s-" + random.nextInt(many ? 400 : SESSIONS), random.nextInt(2), 0).key();
        Route before = held.get(key);
        Change change;
        if (before != null && random.nextBoolean()) {
          held.remove(key);
          change = new Change.Absent(key, before.connection(), RouteTable.Removal.GONE);
        } else {
          long connection = connections.merge(key, 1L, Long::sum);
          Route now = route(key.session().toString(), key.instance().low(), connection);
          held.put(key, now);
          change = new Change.Present(now);
        }
        if (current != null) {
          announcements.changed(change);
        }
      }
    }

    /** A connection comes up, at the holder first or at the peer. */
    private void connect() {
      if (wires.stream().filter(wire -> !wire.lostToHolder && !wire.lostToPeer).count() >= 3) {
        return;
      }
      Wire wire = new Wire();
      wires.add(wire);
      if (current == null) {
        announcements.startSnapshot(List.copyOf(held.values()));
        current = wire;
      }
      if (!peerUp) {
        peerUp = true;
        ask(wire);
      }
      peerForgot = false;
    }

    /**
     * The peer has nothing, or not all: it says so on one connection, and again if that is lost.
     */
    private void ask(Wire wire) {
      if (!announced.isComplete()) {
        wire.acknowledgements.addLast(-1 - announced.sequence());
        askedOver = wire;
      }
    }

    private void loseAtHolder() {
      List<Wire> alive = wires.stream().filter(wire -> !wire.lostToHolder).toList();
      if (alive.isEmpty()) {
        return;
      }
      Wire lost = alive.get(random.nextInt(alive.size()));
      lost.lostToHolder = true;
      if (random.nextBoolean()) { // a part of what was under way is lost
        int arrive = random.nextInt(lost.batches.size() + 1);
        while (lost.batches.size() > arrive) {
          lost.batches.removeLast();
        }
      }
      if (lost == current) {
        current = wires.stream().filter(wire -> !wire.lostToHolder).findFirst().orElse(null);
        if (current != null) {
          announcements.connectionLost();
        }
      }
    }

    private void loseAtPeer() {
      List<Wire> alive = wires.stream().filter(wire -> !wire.lostToPeer).toList();
      if (alive.isEmpty()) {
        return;
      }
      Wire lost = alive.get(random.nextInt(alive.size()));
      lost.lostToPeer = true;
      if (random.nextBoolean()) {
        lost.acknowledgements.clear();
      }
      lostToPeer(lost);
    }

    private void lostToPeer(Wire lost) {
      List<Wire> left = wires.stream().filter(wire -> !wire.lostToPeer).toList();
      peerUp = !left.isEmpty();
      if (peerUp && lost == askedOver) {
        ask(left.get(0));
      }
    }

    /** The peer has been without a connection for too long. */
    private void forget() {
      if (!peerUp && !peerForgot) {
        peerForgot = true;
        announced.forget();
      }
    }

    private void send() {
      while (current != null && announcements.hasNext()) {
        Batch batch = announcements.next();
        byte[] bytes = RouteWire.toWire(batch).toByteArray();
        assertTrue(bytes.length + 8 <= FrameCodec.MAX_PEERING_BYTES, bytes.length + " bytes");
        current.batches.addLast(bytes);
      }
      assertTrue(announcements.waiting() <= 400 * 2);
    }

    private void deliver(Wire wire) {
      if (wire == null) {
        return;
      }
      if (random.nextInt(3) > 0) {
        byte[] bytes = wire.batches.pollFirst();
        if (bytes != null && !wire.lostToPeer) {
          announced.take(RouteWire.fromWire(HOLDER, read(bytes)));
          wire.acknowledgements.addLast(announced.sequence());
        }
        return;
      }
      Long sequence = wire.acknowledgements.pollFirst();
      if (sequence == null || wire.lostToHolder) {
        return;
      }
      if (sequence >= 0) {
        announcements.acknowledged(sequence);
      } else if (announcements.needsSnapshot(-1 - sequence)) {
        announcements.startSnapshot(List.copyOf(held.values()));
        current = wire;
      }
    }

    /** Nothing changes any more: what one side lost the other loses too, and all arrives. */
    private void quieten() {
      for (Wire wire : wires) {
        if (wire.lostToHolder != wire.lostToPeer) {
          while (!wire.lostToPeer && !wire.batches.isEmpty() && random.nextBoolean()) {
            announced.take(RouteWire.fromWire(HOLDER, read(wire.batches.pollFirst())));
          }
          boolean wasCurrent = wire == current;
          wire.lostToHolder = true;
          if (!wire.lostToPeer) {
            wire.lostToPeer = true;
            lostToPeer(wire);
          }
          if (wasCurrent) {
            current = wires.stream().filter(left -> !left.lostToHolder).findFirst().orElse(null);
            if (current != null) {
              announcements.connectionLost();
            }
          }
        }
      }
      if (current == null || random.nextBoolean()) {
        connect();
      }
      boolean moved = true;
      while (moved) {
        send();
        moved = false;
        for (Wire wire : wires) {
          if (!wire.lostToHolder) {
            moved |= !wire.batches.isEmpty() || !wire.acknowledgements.isEmpty();
            deliver(wire);
          }
        }
      }
    }

    private static Routes read(byte[] bytes) {
      try {
        return Routes.parseFrom(bytes);
      } catch (com.google.protobuf.InvalidProtocolBufferException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  void whenItQuietsDownThePeerKnowsWhatTheHolderHolds() {
    long first = Long.getLong("warren.test.seed", System.nanoTime());
    for (long seed = first; seed < first + 5_000; seed++) {
      try {
        new Simulation(seed).run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("-Dwarren.test.seed=" + seed + ": " + e.getMessage(), e);
      }
    }
  }
}

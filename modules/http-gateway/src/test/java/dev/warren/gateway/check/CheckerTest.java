package dev.warren.gateway.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.admin.FakeTunnel;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.DuplicatePolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class CheckerTest {
  private static final GatewayIdentity SELF = new GatewayIdentity("gw-2", new Incarnation(2, 2));
  private static final GatewayIdentity SMALLER = new GatewayIdentity("gw-1", new Incarnation(1, 1));
  private static final GatewayIdentity LARGER = new GatewayIdentity("gw-3", new Incarnation(3, 3));
  private static final Duration INTERVAL = Duration.ofSeconds(30);
  private static final String TARGET = "127.0.0.1:22";
  private static final int AT_ONCE = 3;

  private long now;
  private final RouteTable table =
      new RouteTable(SELF, DuplicatePolicy.POOL, Ranks.ofOneGateway(), () -> now);
  private final CheckResults results = new CheckResults(() -> now);
  private final List<String> asked = new ArrayList<>();
  private final ArrayDeque<CompletableFuture<Finding>> underWay = new ArrayDeque<>();
  private final Checker checker = checker("*=" + TARGET);

  private Checker checker(String... checks) {
    return new Checker(
        SELF,
        table,
        results,
        new CheckSettings(
            List.of(checks).stream().map(Check::parse).toList(),
            INTERVAL,
            Duration.ofSeconds(5),
            AT_ONCE),
        (session, check, timeout) -> {
          asked.add(session + " " + check.text());
          CompletableFuture<Finding> finding = new CompletableFuture<>();
          underWay.add(finding);
          return finding;
        },
        () -> Instant.ofEpochMilli(now / 1_000_000),
        () -> now,
        new SplittableRandom(1),
        Runnable::run,
        () -> {});
  }

  private FakeTunnel attach(String session, long since) {
    FakeTunnel tunnel = new FakeTunnel(session, since);
    table.admit(tunnel, tunnel.hello());
    table.welcomed(tunnel);
    return tunnel;
  }

  private static Route route(GatewayIdentity holder, boolean draining, long since) {
    return new Route(
        holder, SessionKey.of("foo"), StreamId.random(), 1, 1, 5, draining, "test", "", since);
  }

  /** Looks, and again when every check's time has come. */
  private List<String> askedWithin(Duration time) {
    checker.look();
    now += time.toNanos();
    checker.look();
    List<String> all = List.copyOf(asked);
    asked.clear();
    return all;
  }

  private CheckResult result() {
    return results.find(new CheckResult.Key(SessionKey.of("foo"), TARGET));
  }

  @Test
  void aCheckComesSoonAfterItsSessionAndThenOnceInAnInterval() {
    attach("foo", 1);
    assertEquals(List.of("foo " + TARGET), askedWithin(Checker.FIRST_WITHIN));
    assertEquals(List.of(), askedWithin(INTERVAL.multipliedBy(2)), "the first is under way");
    underWay.poll().complete(new Finding.Good(7));
    assertTrue(result().good());
    assertEquals(7, result().latencyNanos());
    assertEquals(List.of(), askedWithin(INTERVAL.multipliedBy(8).dividedBy(10)));
    assertEquals(List.of("foo " + TARGET), askedWithin(INTERVAL.multipliedBy(3).dividedBy(10)));
  }

  @Test
  void aStateKeepsItsBeginningAndAReasonIsGivenWhileItFails() {
    attach("foo", 1);
    askedWithin(Checker.FIRST_WITHIN);
    underWay.poll().complete(new Finding.Bad("refused", 0));
    CheckResult first = result();
    askedWithin(INTERVAL.multipliedBy(2));
    underWay.poll().complete(new Finding.Bad("reset", 0));
    CheckResult second = result();
    assertFalse(second.good());
    assertEquals("reset", second.reason());
    assertEquals(first.sinceMillis(), second.sinceMillis());
    assertTrue(second.atMillis() > first.atMillis());
    askedWithin(INTERVAL.multipliedBy(2));
    underWay.poll().complete(new Finding.Good(1));
    assertTrue(result().good());
    assertEquals("", result().reason());
    assertEquals(result().atMillis(), result().sinceMillis());
    assertEquals(3, result().round());
  }

  @Test
  void theGatewayWithTheOldestTunnelThatTakesStreamsChecks() {
    FakeTunnel tunnel = attach("foo", 10);
    Route older = route(LARGER, false, 9);
    table.announced(older);
    assertEquals(List.of(), askedWithin(INTERVAL), "the older tunnel is elsewhere");
    table.withdrawn(LARGER, older.key(), 1);
    table.announced(route(LARGER, true, 1));
    table.announced(route(LARGER, false, 10));
    assertEquals(List.of("foo " + TARGET), askedWithin(INTERVAL), "it drains, or is as old");
    table.announced(route(SMALLER, false, 10));
    underWay.poll().complete(new Finding.Good(1));
    assertNull(result(), "not ours any more");
    assertEquals(List.of(), askedWithin(INTERVAL.multipliedBy(2)));
    tunnel.draining = true;
    table.forget(SMALLER);
    table.forget(LARGER);
    assertEquals(List.of(), askedWithin(INTERVAL.multipliedBy(2)), "it drains");
    tunnel.draining = false;
    assertEquals(List.of("foo " + TARGET), askedWithin(INTERVAL));
  }

  @Test
  void whoTakesOverKnowsWhatWasBefore() {
    results.take(
        new CheckResult(
            SessionKey.of("foo"), TARGET, 8, SMALLER.incarnation(), false, 3, 4, 0, "x", INTERVAL));
    attach("foo", 1);
    askedWithin(Checker.FIRST_WITHIN);
    underWay.poll().complete(new Finding.Bad("refused", 0));
    assertEquals(9, result().round());
    assertEquals(3, result().sinceMillis());
    assertEquals(SELF.incarnation(), result().checker());
  }

  @Test
  void whatSaysNothingOfTheTargetIsNoResultAndComesAgainSoon() {
    FakeTunnel tunnel = attach("foo", 1);
    askedWithin(Checker.FIRST_WITHIN);
    underWay.poll().complete(new Finding.Unasked("overloaded"));
    assertNull(result());
    assertEquals(1, askedWithin(Checker.AGAIN.multipliedBy(2)).size());
    table.lost(tunnel, RouteTable.Removal.LOST);
    attach("foo", 2);
    underWay.poll().complete(new Finding.Bad("the tunnel was lost", 0));
    assertNull(result(), "another tunnel has taken the place of the one that was asked");
    underWay.clear();
    assertEquals(1, askedWithin(INTERVAL).size());
    underWay.poll().complete(new Finding.Bad("refused", 0));
    assertFalse(result().good());
  }

  @Test
  void sessionsThatAreOfflineAreNotChecked() {
    FakeTunnel tunnel = attach("foo", 1);
    table.lost(tunnel, RouteTable.Removal.GONE);
    assertEquals(List.of(), askedWithin(INTERVAL.multipliedBy(2)));
  }

  @Test
  void soManyChecksAreUnderWayAndTheOthersFollowOneByOne() {
    for (int i = 0; i < 10; i++) {
      attach("s" + i, 1);
    }
    assertEquals(AT_ONCE, askedWithin(INTERVAL).size());
    assertEquals(AT_ONCE, checker.underWay());
    for (int i = AT_ONCE; i < 10; i++) {
      underWay.poll().complete(new Finding.Good(1));
      assertEquals(AT_ONCE, checker.underWay());
    }
    assertEquals(10 - AT_ONCE, asked.size());
    while (!underWay.isEmpty()) {
      underWay.poll().complete(new Finding.Good(1));
    }
    assertEquals(0, checker.underWay());
    assertEquals(10, results.size());
  }
}

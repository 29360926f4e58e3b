package dev.warren.peer.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.wire.Checks;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.frame.FrameCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CheckResultsTest {
  private static final Incarnation ONE = new Incarnation(1, 0);
  private static final Incarnation TWO = new Incarnation(2, 0);
  private static final Duration INTERVAL = Duration.ofSeconds(30);

  private long now;
  private final CheckResults results = new CheckResults(() -> now);
  private final List<CheckResult> told = new ArrayList<>();

  CheckResultsTest() {
    results.listen(told::add);
  }

  private static CheckResult result(String session, String target, long round, Incarnation by) {
    return new CheckResult(
        SessionKey.of(session), target, round, by, false, 5, 6, 7, "refused", INTERVAL);
  }

  @Test
  void theHigherRoundCountsAndOfEqualOnesTheHigherChecker() {
    CheckResult first = result("foo", "a:1", 1, TWO);
    assertTrue(results.take(first));
    assertFalse(results.take(first), "the same again is no news");
    assertFalse(results.take(result("foo", "a:1", 1, ONE)));
    CheckResult second = result("foo", "a:1", 2, ONE);
    assertTrue(results.take(second));
    CheckResult both = result("foo", "a:1", 2, TWO);
    assertTrue(results.take(both));
    assertFalse(results.take(second));
    assertEquals(List.of(both), results.of(SessionKey.of("foo")));
    assertEquals(List.of(first, second, both), told);
    assertEquals(1, results.size());
  }

  @Test
  void aSessionsChecksAreSortedByTarget() {
    results.take(result("foo", "b:1", 1, ONE));
    results.take(result("foo", "a:1", 1, ONE));
    assertEquals(
        List.of("a:1", "b:1"),
        results.of(SessionKey.of("foo")).stream().map(CheckResult::target).toList());
    assertNull(results.find(new CheckResult.Key(SessionKey.of("foo"), "c:1")));
    assertEquals(List.of(), results.of(SessionKey.of("bar")));
  }

  @Test
  void soManyOfASessionAndInAllAndNoMore() {
    for (int i = 0; i < CheckResults.MAX_OF_SESSION; i++) {
      assertTrue(results.take(result("foo", "a:" + (i + 1), 1, ONE)));
    }
    assertFalse(results.take(result("foo", "b:1", 1, ONE)));
    assertTrue(results.take(result("foo", "a:1", 2, ONE)), "one that is known is renewed");
    CheckResults few = new CheckResults(() -> now, 2);
    assertTrue(few.take(result("a", "a:1", 1, ONE)));
    assertTrue(few.take(result("b", "a:1", 1, ONE)));
    assertFalse(few.take(result("c", "a:1", 1, ONE)));
    assertTrue(few.take(result("b", "a:1", 2, ONE)));
    few.forgetOld(session -> false, session -> session.id().equals("b"));
    assertTrue(few.take(result("c", "a:1", 1, ONE)), "whoever is forgotten leaves room");
  }

  @Test
  void resultsGoWithTheirSessionAndWhenNobodyRenewsThem() {
    results.take(result("online", "a:1", 1, ONE));
    results.take(result("offline", "a:1", 1, ONE));
    results.take(result("forgotten", "a:1", 1, ONE));
    Set<SessionKey> online = Set.of(SessionKey.of("online"));
    Set<SessionKey> known = Set.of(SessionKey.of("online"), SessionKey.of("offline"));
    now = INTERVAL.multipliedBy(CheckResults.KEPT_INTERVALS).toNanos() - 1;
    results.forgetOld(online::contains, known::contains);
    assertEquals(0, results.of(SessionKey.of("forgotten")).size());
    assertEquals(1, results.of(SessionKey.of("online")).size());
    now++;
    results.forgetOld(online::contains, known::contains);
    assertEquals(0, results.of(SessionKey.of("online")).size(), "its check is no more");
    assertEquals(1, results.of(SessionKey.of("offline")).size(), "nobody can check it");
    assertEquals(1, results.size());
  }

  @Test
  void whatIsToBeToldIsTheLastOfEachCheckInMessagesThatFit() {
    CheckNews news = new CheckNews(results);
    String reason = "\u4e16".repeat(CheckResult.MAX_REASON_LENGTH + 1);
    Set<CheckResult> all = new HashSet<>();
    for (int i = 0; i < 500; i++) {
      CheckResult one =
          new CheckResult(
              SessionKey.of("r".repeat(60) + "/" + "s".repeat(59) + i),
              "\u4e16".repeat(CheckResult.MAX_TARGET_LENGTH),
              1,
              ONE,
              false,
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              reason,
              INTERVAL);
      results.take(one);
      all.add(one);
    }
    news.addAll(results.all(ONE));
    news.addAll(results.all(TWO)); // again: each is told once
    news.add(new CheckResult.Key(SessionKey.of("gone"), "a:1"));
    Set<CheckResult> heard = new HashSet<>();
    for (List<CheckResult> next = news.next(); !next.isEmpty(); next = news.next()) {
      Checks message = CheckWire.toWire(next);
      assertTrue(message.getSerializedSize() <= FrameCodec.MAX_PEERING_BYTES - 64);
      assertTrue(heard.addAll(CheckWire.fromWire(message)));
    }
    assertTrue(news.isEmpty());
    assertEquals(all, heard);
  }

  @Test
  void ofAllResultsThoseOfTheGatewayItselfComeFirst() {
    results.take(result("a", "a:1", 1, ONE));
    results.take(result("b", "a:1", 1, TWO));
    assertEquals("b", results.all(TWO).iterator().next().session().id());
    assertEquals("a", results.all(ONE).iterator().next().session().id());
  }

  @Test
  void aResultThatIsNoneIsRefused() {
    Checks empty =
        Checks.newBuilder()
            .addResults(dev.warren.peer.wire.CheckResult.newBuilder().setSession("foo"))
            .build();
    assertThrows(IllegalArgumentException.class, () -> CheckWire.fromWire(empty));
  }
}

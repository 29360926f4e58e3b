package dev.warren.agent.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.connect.DirectAddress;
import dev.warren.agent.pool.Leases.Asked;
import dev.warren.agent.pool.Leases.Dial;
import dev.warren.agent.pool.Leases.Direct;
import dev.warren.agent.pool.Leases.Door;
import dev.warren.agent.pool.Leases.Ending;
import dev.warren.agent.pool.Leases.Move;
import dev.warren.agent.pool.Leases.Settled;
import dev.warren.agent.pool.Leases.Step;
import dev.warren.agent.pool.Leases.Verdict;
import dev.warren.agent.pool.Leases.Wait;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The rules of leases and claims, one by one. */
class LeasesTest {
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  private long now = Long.MAX_VALUE - 1_000; // so that the clock passes its largest value
  private long version;

  private Leases leases(int wanted, int doors) {
    return new Leases(
        wanted,
        doors,
        address ->
            address.startsWith("10.")
                ? Optional.of(new DirectAddress(address, 1))
                : Optional.empty(),
        ReconnectSettings.DEFAULT,
        new Random(5),
        now);
  }

  static Frame.Gateway gateway(String id, long generation, boolean draining, String address) {
    return new Frame.Gateway(id, generation, draining, 60, address, false);
  }

  static Frame.Gateway plain(String id) {
    return gateway(id, 1, false, "");
  }

  private static Frame.Gateway removed(String id, long generation) {
    return new Frame.Gateway(id, generation, false, 0, "", true);
  }

  private void discovered(Leases leases, long lease, Frame.Gateway... all) {
    leases.discovered(lease, new Frame.Discovery(++version, true, List.of(all)), now);
  }

  private void changed(Leases leases, long lease, Frame.Gateway... some) {
    leases.discovered(lease, new Frame.Discovery(++version, false, List.of(some)), now);
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  /** Lets time pass until there is a dial. */
  private Dial dial(Leases leases) {
    for (int i = 0; i < 100; i++) {
      Step step = leases.next(now);
      if (step instanceof Dial dial) {
        return dial;
      }
      pass(assertInstanceOf(Wait.class, step).delay());
    }
    throw new AssertionError("no dial after 100 waits");
  }

  private long claim(Leases leases, String gateway) {
    Dial dial = dial(leases);
    assertEquals(Verdict.WANTED, leases.answered(dial.lease(), gateway, now));
    assertEquals(Verdict.WANTED, leases.welcomed(dial.lease(), gateway, now));
    return dial.lease();
  }

  private void settled(Leases leases) {
    assertInstanceOf(Settled.class, leases.next(now));
  }

  @Test
  void aGatewayThatSaysNothingOfOthersIsTheOnlyOne() {
    Leases leases = leases(2, 3);
    assertEquals(new Door(0), ((Dial) leases.next(now)).way());
    settled(leases);
    leases.over(1, Ending.PLAIN, now);
    claim(leases, "a");
    settled(leases);
    assertEquals(PoolState.COMPLETE, leases.state());
  }

  @Test
  void noMoreAreWantedThanThereAreGateways() {
    Leases leases = leases(Leases.ALL, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"), plain("c"), gateway("d", 1, true, ""));
    assertEquals(PoolState.SEARCHING, leases.state());
    claim(leases, "b");
    claim(leases, "c");
    settled(leases);
    assertEquals(PoolState.COMPLETE, leases.state());
    changed(leases, first, removed("b", 1), plain("e"));
    claim(leases, "e");
    settled(leases);
  }

  @Test
  void aSecondTunnelToAGatewayIsClosedAndTheOlderStays() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"));
    Dial again = dial(leases);
    assertEquals(Verdict.DUPLICATE, leases.answered(again.lease(), "a", now));
    Dial silent = dial(leases); // a gateway that names itself in WELCOME only
    assertEquals(Verdict.DUPLICATE, leases.welcomed(silent.lease(), "a", now));
    assertEquals(1, leases.claimed());
    assertEquals(0, leases.inFlight());
    claim(leases, "b");
    settled(leases);
  }

  @Test
  void twoDialsThatLeadToOneGatewayMakeOneClaim() {
    Leases leases = leases(3, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), gateway("b", 1, false, "10.0.0.2"), plain("c"));
    Dial direct = dial(leases);
    assertInstanceOf(Direct.class, direct.way());
    Dial door = dial(leases);
    assertInstanceOf(Door.class, door.way());
    assertEquals(Verdict.WANTED, leases.answered(door.lease(), "b", now));
    assertEquals(Verdict.DUPLICATE, leases.answered(direct.lease(), "b", now));
    assertEquals(Verdict.WANTED, leases.welcomed(door.lease(), "b", now));
    assertEquals(2, leases.claimed());
  }

  @Test
  void directAddressesAreDialledAndRememberedAsWorkingOrNot() {
    Leases leases = leases(3, 1);
    long first = claim(leases, "a");
    discovered(
        leases,
        first,
        plain("a"),
        gateway("b", 1, false, "10.0.0.2"),
        gateway("c", 1, false, "10.0.0.3"),
        gateway("d", 1, false, "192.168.0.1"));
    Dial one = dial(leases);
    Dial two = dial(leases);
    Direct dead = (Direct) one.way();
    Direct live = (Direct) two.way();
    leases.over(one.lease(), Ending.PLAIN, now);
    assertEquals(Verdict.WANTED, leases.welcomed(two.lease(), live.gateway(), now));
    assertEquals("failed", route(leases, dead.gateway()));
    assertEquals("works", route(leases, live.gateway()));
    assertEquals("none", route(leases, "d"));
    // That one hides now: the door is tried for it, and the address again and again.
    for (Dial next = dial(leases); !(next.way() instanceof Door); next = dial(leases)) {
      leases.over(next.lease(), Ending.PLAIN, now);
    }
  }

  private static String route(Leases leases, String gateway) {
    return leases.gateways().stream()
        .filter(each -> each.id().equals(gateway))
        .findFirst()
        .orElseThrow()
        .route();
  }

  @Test
  void anAddressAtWhichAnotherGatewayAnswersIsLeftAlone() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), gateway("b", 1, false, "10.0.0.2"));
    Dial direct = dial(leases);
    assertEquals(Verdict.WRONG_GATEWAY, leases.answered(direct.lease(), "c", now));
    long until = now + Leases.WRONG_ADDRESS.toNanos();
    while (until - now > 0) {
      Dial next = dial(leases);
      if (next.way() instanceof Direct) {
        assertTrue(until - now <= 0, "dialled again too early");
      } else {
        leases.answered(next.lease(), "a", now);
      }
    }
  }

  @Test
  void afterALossWithoutAnotherTunnelTheNextDialIsAtOnceAndAtTheNextDoor() {
    Leases leases = leases(2, 3);
    long first = claim(leases, "a");
    pass(Duration.ofMinutes(5));
    leases.over(first, Ending.PLAIN, now);
    assertEquals(new Door(1), ((Dial) leases.next(now)).way());
  }

  @Test
  void aRetryAfterIsWaitedForAtThatGatewayOnly() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(
        leases, first, gateway("b", 1, false, "10.0.0.2"), gateway("c", 1, false, "10.0.0.3"));
    Dial one = dial(leases);
    Direct busy = (Direct) one.way();
    leases.over(one.lease(), new Ending(Duration.ofSeconds(30), false, true), now);
    long until = now + Duration.ofSeconds(30).toNanos();
    Dial two = dial(leases);
    assertTrue(two.way() instanceof Door || !((Direct) two.way()).gateway().equals(busy.gateway()));
    leases.over(two.lease(), Ending.PLAIN, now);
    while (until - now > 0) {
      Dial next = dial(leases);
      boolean same = next.way() instanceof Direct direct && direct.gateway().equals(busy.gateway());
      assertTrue(!same || until - now <= 0, "dialled before its time");
      leases.over(next.lease(), Ending.PLAIN, now);
    }
  }

  @Test
  void aSessionThatBelongsToAnotherStaysAwayFromAll() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), gateway("b", 1, false, "10.0.0.2"));
    leases.over(first, new Ending(Duration.ofSeconds(40), true, true), now);
    Wait wait = assertInstanceOf(Wait.class, leases.next(now));
    assertTrue(wait.delay().compareTo(Duration.ofSeconds(40)) >= 0, wait::toString);
    pass(wait.delay());
    assertInstanceOf(Dial.class, leases.next(now));
  }

  @Test
  void aDrainedTunnelIsUsedUntilItsReplacementIsThere() {
    Leases leases = leases(1, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"));
    settled(leases);
    leases.asked(first, Asked.DRAIN, DEADLINE, now);
    assertEquals(PoolState.MOVING, leases.state());
    Dial same = dial(leases);
    assertEquals(Verdict.DUPLICATE, leases.answered(same.lease(), "a", now));
    claim(leases, "b");
    Move move = assertInstanceOf(Move.class, leases.next(now));
    assertEquals(first, move.lease());
    assertTrue(move.limit().orElseThrow().compareTo(DEADLINE) <= 0);
    settled(leases);
    leases.over(first, Ending.PLAIN, now);
    assertFalse(leases.next(now) instanceof Dial);
    assertEquals(PoolState.COMPLETE, leases.state());
  }

  @Test
  void aDrainedTunnelIsLetGoWhereThereIsNoReplacementButAnotherTunnel() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"));
    long second = claim(leases, "b");
    changed(leases, second, gateway("a", 1, true, ""));
    assertEquals(first, assertInstanceOf(Move.class, leases.next(now)).lease());
    settled(leases);
  }

  @Test
  void whoIsAskedToMoveAndHasNowhereToGoStays() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"));
    claim(leases, "b");
    leases.asked(first, Asked.REBALANCE, DEADLINE, now);
    for (Step step = leases.next(now); !(step instanceof Settled); step = leases.next(now)) {
      pass(assertInstanceOf(Wait.class, step).delay());
    }
    assertEquals(2, leases.claimed());
    assertEquals(PoolState.COMPLETE, leases.state());
  }

  @Test
  void whoIsAskedByTwoAndFindsRoomForOneLeavesOneAndStaysAtTheOther() {
    Leases leases = leases(3, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"), plain("c"), plain("d"));
    long second = claim(leases, "b");
    discovered(leases, second, plain("a"), plain("b"), plain("c"), plain("d"));
    claim(leases, "c");
    settled(leases);
    leases.asked(first, Asked.REBALANCE, DEADLINE, now);
    leases.asked(second, Asked.REBALANCE, DEADLINE, now);
    claim(leases, "d");
    assertEquals(first, assertInstanceOf(Move.class, leases.next(now)).lease());
    settled(leases);
    assertEquals(3, leases.claimed());
    leases.over(first, Ending.PLAIN, now);
    settled(leases);
    assertEquals(PoolState.COMPLETE, leases.state());
  }

  @Test
  void whoIsAskedByTwoAndFindsRoomForBothLeavesBoth() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"), plain("c"), plain("d"));
    long second = claim(leases, "b");
    leases.asked(first, Asked.REBALANCE, DEADLINE, now);
    leases.asked(second, Asked.REBALANCE, DEADLINE, now);
    claim(leases, "c");
    assertEquals(first, assertInstanceOf(Move.class, leases.next(now)).lease());
    claim(leases, "d");
    assertEquals(second, assertInstanceOf(Move.class, leases.next(now)).lease());
    settled(leases);
    assertEquals(2, leases.claimed());
  }

  @Test
  void whoIsAskedToMoveTakesATunnelToAnotherGatewayFirstAndCutsNoStream() {
    Leases leases = leases(1, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), gateway("b", 1, false, "10.0.0.2"));
    leases.asked(first, Asked.REBALANCE, DEADLINE, now);
    Dial dial = dial(leases);
    assertEquals("b", ((Direct) dial.way()).gateway());
    assertEquals(Verdict.WANTED, leases.welcomed(dial.lease(), "b", now));
    Move move = assertInstanceOf(Move.class, leases.next(now));
    assertEquals(Optional.empty(), move.limit());
    settled(leases);
    // Its streams still run when the new one is lost: the way back is open, but not to the same.
    leases.over(dial.lease(), Ending.PLAIN, now);
    assertInstanceOf(Dial.class, leases.next(now));
  }

  @Test
  void aTunnelToAProcessThatWasReplacedIsNoneToItsSuccessor() {
    Leases leases = leases(2, 1);
    long first = claim(leases, "a");
    discovered(leases, first, gateway("a", 1, false, ""), plain("b"));
    long second = claim(leases, "b");
    settled(leases);
    changed(leases, second, gateway("a", 2, false, ""));
    long third = claim(leases, "a");
    assertEquals(first, assertInstanceOf(Move.class, leases.next(now)).lease());
    leases.over(first, Ending.PLAIN, now);
    discovered(leases, third, gateway("a", 2, false, ""), plain("b"));
    settled(leases);
  }

  @Test
  void lateAndRepeatedNewsDoesNoHarm() {
    Leases leases = leases(Leases.ALL, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), gateway("b", 2, false, ""), gateway("b", 2, false, ""));
    changed(leases, first, removed("b", 1), gateway("b", 1, true, ""));
    claim(leases, "b");
    settled(leases);
    assertEquals(2, leases.gateways().size());
  }

  @Test
  void whatNobodyNamesAnyMoreIsForgotten() {
    Leases leases = leases(Leases.ALL, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"), plain("c"));
    long second = claim(leases, "b");
    discovered(leases, second, plain("a"), plain("b"), plain("c"));
    discovered(leases, first, plain("a"), plain("b"));
    assertEquals(3, leases.gateways().size(), "the other gateway still names it");
    leases.over(second, Ending.PLAIN, now);
    leases.over(first, Ending.PLAIN, now);
    pass(Duration.ofSeconds(59));
    leases.next(now);
    assertEquals(3, leases.gateways().size());
    pass(Duration.ofSeconds(1));
    leases.next(now);
    assertEquals(List.of(), leases.gateways());
  }

  @Test
  void aListWithoutEndIsBounded() {
    Leases leases = leases(3, 1);
    long first = claim(leases, "a");
    List<Frame.Gateway> all = new ArrayList<>();
    all.add(plain("a"));
    for (int i = 0; i < 10_000; i++) {
      all.add(gateway("g" + i % 9_000, i, false, "10.0.0." + i));
    }
    all.add(plain(""));
    all.add(plain("x".repeat(300)));
    leases.discovered(first, new Frame.Discovery(1, true, all), now);
    assertEquals(Leases.MAX_KNOWN, leases.gateways().size());
    assertTrue(leases.unheeded() > 0);
    assertInstanceOf(Dial.class, leases.next(now));
    assertInstanceOf(Dial.class, leases.next(now));
    settled(leases);
  }

  @Test
  void aDoorThatAlwaysLeadsToTheSameIsTriedAtMostSixTimesAMinute() {
    Leases leases = leases(3, 1);
    long first = claim(leases, "a");
    discovered(leases, first, plain("a"), plain("b"), plain("c"));
    long start = now;
    int quick = 0;
    List<Long> later = new ArrayList<>();
    while (now - start < Duration.ofMinutes(30).toNanos()) {
      Dial dial = dial(leases);
      leases.answered(dial.lease(), "a", now);
      if (now - start < Duration.ofMinutes(1).toNanos()) {
        quick++;
      } else {
        later.add(now);
      }
    }
    assertTrue(
        quick >= Leases.STICKY && quick <= Leases.STICKY + 5, quick + " in the first minute");
    for (int i = 6; i < later.size(); i++) {
      assertTrue(later.get(i) - later.get(i - 6) > Duration.ofMinutes(1).toNanos());
    }
    assertTrue(later.size() >= 5 && later.size() < 40, later.size() + " later");
    assertEquals(PoolState.SETTLED, leases.state());
    leases.asked(first, Asked.REBALANCE, DEADLINE, now);
    assertTrue(
        assertInstanceOf(Wait.class, leases.next(now)).delay().compareTo(Leases.SPREAD) > 0,
        "a wish for balance makes it hunt again");
    // Something new is looked for at once.
    changed(leases, first, plain("d"));
    Wait wait = assertInstanceOf(Wait.class, leases.next(now));
    assertTrue(wait.delay().compareTo(Leases.SPREAD) <= 0, wait::toString);
  }
}

package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RollingRestartTest {
  private static final OptionalLong NOBODY = OptionalLong.empty();
  private static final Incarnation SELF = new Incarnation(0, 2);

  private final RollingRestart round = new RollingRestart();
  private long now;

  private void pass(Duration time) {
    now += time.toNanos() + 1;
  }

  /** Members by age; a gateway's number times 10 is its first uid, each restart adds 1. */
  private static Membership members(long... uids) {
    List<Membership.Life> lives =
        java.util.Arrays.stream(uids)
            .mapToObj(
                uid -> new Membership.Life(Optional.of(new Incarnation(0, uid / 10)), uid, true))
            .toList();
    return new Membership(true, true, lives);
  }

  @Test
  void theYoungestIsFirstTheOldestLaterAndTheConductorLast() {
    round.begin(now, members(10, 20, 30), SELF);
    assertEquals(OptionalLong.of(30), round.next(now, members(10, 20, 30)));
    assertEquals(NOBODY, round.next(now, members(10, 20, 30)));
    assertEquals(NOBODY, round.next(now, members(10, 20))); // it is away
    assertEquals(NOBODY, round.next(now, members(10, 20, 31))); // it is back
    assertEquals(NOBODY, round.next(now, members(10, 20, 31))); // a pause
    pass(RollingRestart.PAUSE);
    assertEquals(OptionalLong.of(10), round.next(now, members(10, 20, 31)));
    assertEquals(NOBODY, round.next(now, members(20, 31, 11)));
    pass(RollingRestart.PAUSE);
    assertEquals(OptionalLong.of(20), round.next(now, members(20, 31, 11)));
    assertTrue(round.isRunning());
    assertEquals(NOBODY, round.next(now, Membership.OUTSIDE)); // that is the conductor itself
    assertEquals(NOBODY, round.next(now, members(31, 11, 21)));
    assertFalse(round.isRunning());
  }

  @Test
  void anOrderIsRepeatedAndWhoDoesNotComeBackIsGivenUp() {
    round.begin(now, members(10, 20), SELF);
    assertEquals(OptionalLong.of(10), round.next(now, members(10, 20)));
    pass(RollingRestart.REPEAT);
    assertEquals(OptionalLong.of(10), round.next(now, members(10, 20)));
    pass(RollingRestart.LIMIT);
    assertEquals(NOBODY, round.next(now, members(20)));
    pass(RollingRestart.PAUSE);
    assertEquals(OptionalLong.of(20), round.next(now, members(20)));
  }

  @Test
  void whoWasRestartedByItselfMeanwhileIsLeftAlone() {
    round.begin(now, members(10, 20, 30), SELF);
    assertEquals(
        List.of(OptionalLong.of(30)), Stream.of(round.next(now, members(20, 30, 11))).toList());
    assertEquals(NOBODY, round.next(now, members(20, 11, 31)));
    pass(RollingRestart.PAUSE);
    assertEquals(NOBODY, round.next(now, members(20, 11, 31))); // 10 is skipped
    assertEquals(OptionalLong.of(20), round.next(now, members(20, 11, 31)));
  }
}

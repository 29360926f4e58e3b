package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IslandsTest {
  private static final Pacing PACING = Pacing.DEFAULT;
  private static final ClusterId MINE = new ClusterId(0, 5);
  private static final Incarnation OLDEST = new Incarnation(0, 5);
  private static final Membership MEMBERS =
      new Membership(true, true, List.of(new Membership.Life(Optional.of(OLDEST), 5, true)));

  private final Islands islands = new Islands(PACING, new Random(1));
  private long now;

  private Step next(Standing... linked) {
    return next(MINE, linked);
  }

  private Step next(ClusterId mine, Standing... linked) {
    return islands.next(now, mine, MEMBERS, List.of(linked));
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  private static Standing other(long cluster, long oldest, long uid) {
    return new Standing(
        new GatewayIdentity("other", new Incarnation(0, 1)),
        Optional.of("host:1"),
        uid,
        Optional.of(new ClusterId(0, cluster)),
        Optional.of(new Incarnation(0, oldest)),
        1,
        false,
        false,
        "test",
        0);
  }

  @Test
  void theLoserProvesThePortAndThenStartsAfresh() {
    assertEquals(Step.WAIT, next(other(4, 9, 1)));
    pass(PACING.islandAfter());
    assertEquals(new Step.Probe("host:1"), next(other(4, 9, 1)));
    assertEquals(Step.WAIT, next(other(4, 9, 1)));
    islands.probed("host:1", true);
    assertTrue(next(other(4, 9, 1)) instanceof Step.Restart);
    assertFalse(islands.split());
  }

  @Test
  void theWinnerDoesNothing() {
    next(other(6, 1, 1));
    pass(Duration.ofMinutes(10));
    assertEquals(Step.WAIT, next(other(6, 1, 1)));
  }

  @Test
  void ofEqualIdsTheSmallerIncarnationOfTheOldestWins() {
    next(other(5, 4, 1), other(5, 6, 2), other(5, 5, 3));
    pass(PACING.islandAfter());
    assertEquals(new Step.Probe("host:1"), next(other(5, 4, 1), other(5, 6, 2), other(5, 5, 3)));
    assertEquals(Step.WAIT, next(other(5, 6, 2), other(5, 5, 3)));
    pass(PACING.lastMergeRetry());
    assertEquals(Step.WAIT, next(other(5, 6, 2), other(5, 5, 3)));
  }

  @Test
  void aMemberIsNoIslandHoweverItsStandingLooks() {
    next(other(1, 1, 5));
    pass(Duration.ofMinutes(10));
    assertEquals(Step.WAIT, next(other(1, 1, 5)));
  }

  @Test
  void aPortThatStaysShutIsTriedLessAndLessOftenAndNothingIsRestarted() {
    next(other(4, 9, 1));
    pass(PACING.islandAfter());
    int probes = 0;
    long end = now + Duration.ofMinutes(30).toNanos();
    while (now < end) {
      Step step = next(other(4, 9, 1));
      assertFalse(step instanceof Step.Restart, step.toString());
      if (step instanceof Step.Probe) {
        probes++;
        islands.probed("host:1", false);
      }
      pass(Duration.ofMillis(250));
    }
    assertTrue(islands.split());
    assertTrue(probes >= 14 && probes <= 26, "probes: " + probes); // 10, 20, 40, 80, 120, 120 ...
  }

  @Test
  void whoGotInAndWasCutOffAgainLosesNoTimeOnTheWayBack() {
    for (int partition = 0; partition < 10; partition++) {
      next(other(4, 9, 1));
      pass(PACING.islandAfter());
      assertEquals(new Step.Probe("host:1"), next(other(4, 9, 1)), "partition " + partition);
      islands.probed("host:1", true);
      assertTrue(next(other(4, 9, 1)) instanceof Step.Restart);
      islands.started();
      assertEquals(Step.WAIT, next(new ClusterId(0, 4)));
      pass(Duration.ofSeconds(10));
      islands.started(); // downed, and in a cluster by itself
      assertEquals(Step.WAIT, next());
      pass(Duration.ofSeconds(45));
    }
  }

  @Test
  void aRestartThatDidNotLeadIntoTheOtherClusterIsNotRepeatedSoon() {
    next(other(4, 9, 1));
    pass(PACING.islandAfter());
    next(other(4, 9, 1));
    islands.probed("host:1", true);
    assertTrue(next(other(4, 9, 1)) instanceof Step.Restart);
    islands.started();
    next(other(4, 9, 1));
    pass(PACING.islandAfter());
    next(other(4, 9, 1));
    assertTrue(islands.split());
    pass(PACING.lastMergeRetry().dividedBy(2));
    assertEquals(Step.WAIT, next(other(4, 9, 1)));
    pass(PACING.lastMergeRetry());
    assertEquals(new Step.Probe("host:1"), next(other(4, 9, 1)));
  }

  @Test
  void splitEndsWhenTheIslandIsAMember() {
    next(other(4, 9, 1));
    pass(PACING.islandAfter());
    next(other(4, 9, 1));
    islands.probed("host:1", false);
    next(other(4, 9, 1));
    assertTrue(islands.split());
    next();
    assertFalse(islands.split());
  }
}

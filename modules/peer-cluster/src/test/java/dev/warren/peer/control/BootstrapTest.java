package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BootstrapTest {
  private static final Pacing PACING = Pacing.DEFAULT;
  private static final ClusterId NEW = new ClusterId(9, 9);

  private final Bootstrap bootstrap = new Bootstrap(new Incarnation(0, 5), PACING, () -> NEW, 0);
  private long now;

  private Step next(Standing... linked) {
    return bootstrap.next(now, Membership.OUTSIDE, List.of(linked));
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  private static Standing fresh(long number) {
    return Standing.none(new GatewayIdentity("g" + number, new Incarnation(0, number)), "test");
  }

  private static Standing member(long number, long cluster) {
    return new Standing(
        new GatewayIdentity("g" + number, new Incarnation(0, number)),
        Optional.of("host:" + number),
        number,
        Optional.of(new ClusterId(0, cluster)),
        Optional.of(new Incarnation(0, number)),
        1,
        false,
        false,
        "test",
        0);
  }

  @Test
  void aGatewayWithoutLinksFormsAfterAWhile() {
    assertEquals(Step.WAIT, next());
    pass(PACING.alone().minusNanos(1));
    assertEquals(Step.WAIT, next());
    pass(Duration.ofNanos(1));
    assertEquals(new Step.Form(NEW), next());
    assertEquals(Step.WAIT, next());
  }

  @Test
  void ofFreshGatewaysTheOneWithTheSmallestIncarnationForms() {
    pass(PACING.settle());
    assertEquals(new Step.Form(NEW), next(fresh(6), fresh(7)));
  }

  @Test
  void othersWaitForItButNotForEver() {
    pass(PACING.settle());
    assertEquals(Step.WAIT, next(fresh(4)));
    pass(PACING.formTurn());
    assertEquals(new Step.Form(NEW), next(fresh(4)));
  }

  @Test
  void theSmallestClusterIsJoinedOnceItsPortIsProvenOpen() {
    assertEquals(new Step.Probe("host:8"), next(member(7, 2), member(8, 1), fresh(1)));
    bootstrap.probed("host:7", false); // of somebody else
    assertEquals(Step.WAIT, next(member(7, 2), member(8, 1)));
    bootstrap.probed("host:8", true);
    assertEquals(new Step.Join("host:8"), next(member(7, 2), member(8, 1)));
    assertEquals(Optional.of(new ClusterId(0, 1)), bootstrap.joining());
  }

  @Test
  void whoDoesNotAnswerIsPassedOver() {
    next(member(7, 2), member(8, 1));
    bootstrap.probed("host:8", true);
    next(member(7, 2), member(8, 1));
    pass(PACING.joinTimeout().plusNanos(1));
    assertEquals(Step.WAIT, next(member(7, 2), member(8, 1)));
    assertEquals(new Step.Probe("host:7"), next(member(7, 2), member(8, 1)));
  }

  @Test
  void whereNobodyCanBeJoinedItFormsItself() {
    for (int i = 0; i < PACING.tries(); i++) {
      assertEquals(new Step.Probe("host:8"), next(member(8, 1)));
      bootstrap.probed("host:8", false);
      assertEquals(Step.WAIT, next(member(8, 1)));
      pass(PACING.retryAfter());
    }
    assertEquals(new Step.Form(NEW), next(member(8, 1)));
  }

  @Test
  void whoIsWelcomedAndNotAdmittedStartsAfresh() {
    Membership welcomed = new Membership(true, false, List.of());
    assertEquals(Step.WAIT, bootstrap.next(now, welcomed, List.of()));
    pass(PACING.admitTimeout().plusNanos(1));
    assertEquals(
        new Step.Restart("not admitted within 60 s of being welcomed"),
        bootstrap.next(now, welcomed, List.of()));
  }
}

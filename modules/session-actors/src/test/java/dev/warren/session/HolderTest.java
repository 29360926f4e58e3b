package dev.warren.session;

import static dev.warren.session.Some.tunnel;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.ManualTime;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class HolderTest {
  private static final ActorTestKit KIT = ActorTestKit.create(ManualTime.config());
  private static final SessionSettings SETTINGS = SessionSettings.DEFAULT;
  private static final SessionKey A = SessionKey.of("a");

  private record Duty(SessionKey session, StreamId instance, long connection, CloseReason reason) {}

  private final ManualTime clock = ManualTime.get(KIT.system());
  private final TestProbe<Session.Command> entities = KIT.createTestProbe(Session.Command.class);
  private final TestProbe<Duty> duties = KIT.createTestProbe(Duty.class);
  private boolean dutiesFail;
  private final ActorRef<Holder.Command> holder =
      KIT.spawn(
          Holder.create(SETTINGS, this::closeTunnel, session -> entities.getRef(), () -> 1.0));

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  private void closeTunnel(
      SessionKey session, StreamId instance, long connection, CloseReason reason, String detail) {
    duties.getRef().tell(new Duty(session, instance, connection, reason));
    if (dutiesFail) {
      throw new IllegalStateException("as the test wants it");
    }
  }

  private void up(TunnelReport tunnel) {
    holder.tell(new Holder.TunnelUp(A, tunnel));
  }

  private void lost(TunnelReport tunnel) {
    holder.tell(new Holder.TunnelLost(A, tunnel, "gone"));
  }

  private Session.Report report() {
    return entities.expectMessageClass(Session.Report.class);
  }

  /** The report that has been sent, or null: everything that the holder did is done. */
  private Session.Report nextReport() {
    TestProbe<Session.Command> fence = entities;
    fence.getRef().tell(new Session.Describe(KIT.<Description>createTestProbe().getRef()));
    Session.Command first = fence.receiveMessage();
    if (first instanceof Session.Report report) {
      fence.expectMessageClass(Session.Describe.class);
      return report;
    }
    return null;
  }

  private ActorRef<Verdict> report(TunnelReport expected) {
    Session.Report report = report();
    assertEquals(expected, report.tunnel());
    return report.replyTo();
  }

  private TestProbe<Session.Command> entity() {
    return KIT.createTestProbe(Session.Command.class);
  }

  private static Verdict kept(TestProbe<Session.Command> entity) {
    return new Verdict.Kept(entity.getRef());
  }

  /** Everything sent to the holder so far has been taken. */
  private void awaitHolder() {
    TestProbe<Session.OrderTaken> probe = KIT.createTestProbe(Session.OrderTaken.class);
    holder.tell(
        new HolderOrder.CloseTunnel(
            SessionKey.of("nobody"),
            tunnel(1, 1).identity(),
            CloseReason.ORDERED,
            "",
            probe.getRef()));
    probe.receiveMessage();
    duties.receiveMessage();
  }

  @Test
  void aTunnelIsReportedOnceWhenItsEntityAnswers() {
    up(tunnel(1, 1));
    report(tunnel(1, 1)).tell(kept(entity()));
    up(tunnel(1, 1));
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  /** Whatever went wrong with the record is mended within a minute. */
  @Test
  void aTunnelIsReportedAgainOnceAMinute() {
    TestProbe<Session.Command> entity = entity();
    up(tunnel(1, 1));
    report(tunnel(1, 1)).tell(kept(entity));
    awaitHolder();
    for (int minute = 0; minute < 3; minute++) {
      int reports = 0;
      for (int turn = 0; turn < Holder.TURNS; turn++) {
        clock.timePasses(Holder.TURN);
        awaitHolder();
        Session.Report again = nextReport();
        if (again != null) {
          assertEquals(tunnel(1, 1), again.tunnel());
          again.replyTo().tell(kept(entity));
          awaitHolder();
          reports++;
        }
      }
      assertEquals(1, reports, "in minute " + minute);
    }
  }

  @Test
  void aReportWithoutAnswerIsRepeatedWithDoublingPauses() {
    up(tunnel(1, 1));
    for (long pause : new long[] {500, 1_000, 2_000, 2_000}) {
      report(tunnel(1, 1));
      clock.timePasses(SETTINGS.askTimeout());
      awaitHolder();
      clock.expectNoMessageFor(Duration.ofMillis(pause - 1), entities);
      clock.timePasses(Duration.ofMillis(1));
    }
    report(tunnel(1, 1)).tell(kept(entity()));
  }

  @Test
  void pausesAreSpreadOverTheUpperHalf() {
    assertEquals(Duration.ofMillis(250), Holder.backoff(SETTINGS, 1, 0));
    assertEquals(Duration.ofMillis(750), Holder.backoff(SETTINGS, 2, 0.5));
    assertEquals(SETTINGS.retryLast(), Holder.backoff(SETTINGS, Integer.MAX_VALUE, 1));
  }

  @Test
  void aLossReplacesTheReportThatWasNotTaken() {
    up(tunnel(1, 1));
    report(tunnel(1, 1));
    lost(tunnel(1, 1));
    awaitHolder();
    clock.timePasses(SETTINGS.askTimeout());
    awaitHolder();
    clock.timePasses(SETTINGS.retryFirst());
    Session.Lost lost = entities.expectMessageClass(Session.Lost.class);
    assertEquals(tunnel(1, 1).identity(), lost.tunnel());
    lost.replyTo().tell(new Verdict.Removed());
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void aLossOfAnOlderConnectionOrOfOneThatNobodyKnowsIsNoNews() {
    lost(tunnel(1, 9));
    up(tunnel(1, 2));
    up(tunnel(1, 1));
    lost(tunnel(1, 1));
    report(tunnel(1, 2)).tell(kept(entity()));
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void aVerdictOnOldNewsDoesNotSettleTheNewer() {
    up(tunnel(1, 1));
    ActorRef<Verdict> replyTo = report(tunnel(1, 1));
    up(tunnel(1, 2));
    awaitHolder();
    replyTo.tell(kept(entity()));
    report(tunnel(1, 2));
  }

  @Test
  void whatLivedInAnEntityThatIsGoneIsReportedAgain() {
    TestProbe<Session.Command> entity = entity();
    up(tunnel(1, 1, 1));
    up(tunnel(1, 2, 1));
    report(tunnel(1, 1, 1)).tell(kept(entity));
    report(tunnel(1, 2, 1)).tell(kept(entity));
    awaitHolder();
    entity.stop();
    TestProbe<Session.Command> next = entity();
    report(tunnel(1, 1, 1)).tell(kept(next));
    report(tunnel(1, 2, 1)).tell(kept(next));
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void anAnswerByAnotherEntityShowsThatTheFormerHasMoved() {
    TestProbe<Session.Command> former = entity();
    TestProbe<Session.Command> next = entity();
    up(tunnel(1, 1, 1));
    report(tunnel(1, 1, 1)).tell(kept(former));
    up(tunnel(1, 2, 1));
    report(tunnel(1, 2, 1)).tell(kept(next));
    report(tunnel(1, 1, 1)).tell(kept(next));
    awaitHolder();
    former.stop();
    KIT.createTestProbe().expectTerminated(former.getRef());
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void aSupersededTunnelIsClosedAndNotReportedAgain() {
    up(tunnel(1, 1, 1));
    report(tunnel(1, 1, 1)).tell(new Verdict.Superseded(tunnel(2, 2, 1)));
    duties.expectMessage(new Duty(A, Some.instance(1), 1, CloseReason.SUPERSEDED));
    lost(tunnel(1, 1, 1));
    entities.expectMessageClass(Session.Lost.class).replyTo().tell(new Verdict.Removed());
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void aRefusedTunnelComesAgainAfterTheLongestPauseBehindTheOthers() {
    up(tunnel(1, 1, 1));
    up(tunnel(1, 2, 1));
    report(tunnel(1, 1, 1)).tell(new Verdict.Refused("full"));
    awaitHolder();
    clock.expectNoMessageFor(SETTINGS.retryLast().minusMillis(1), entities);
    clock.timePasses(Duration.ofMillis(1));
    report(tunnel(1, 2, 1)).tell(kept(entity()));
    report(tunnel(1, 1, 1));
  }

  @Test
  void anOutdatedTunnelIsNotReportedAgain() {
    up(tunnel(1, 1));
    report(tunnel(1, 1)).tell(new Verdict.Outdated());
    awaitHolder();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void atMost256SessionsAreAskedAtOnceAndTheOthersFollowInTheirOrder() {
    int sessions = Holder.MAX_IN_FLIGHT + 10;
    for (int i = 0; i < sessions; i++) {
      holder.tell(new Holder.TunnelUp(SessionKey.of("s" + i), tunnel(1, i + 1)));
    }
    List<ActorRef<Verdict>> asked = new ArrayList<>();
    for (int i = 0; i < Holder.MAX_IN_FLIGHT; i++) {
      asked.add(report(tunnel(1, i + 1)));
    }
    awaitHolder();
    entities.expectNoMessage(Duration.ZERO);
    asked.get(17).tell(kept(entity()));
    report(tunnel(1, Holder.MAX_IN_FLIGHT + 1));
    awaitHolder();
    entities.expectNoMessage(Duration.ZERO);
    clock.timePasses(SETTINGS.askTimeout()); // those without an answer make room as well
    for (int i = Holder.MAX_IN_FLIGHT + 2; i <= sessions; i++) {
      report(tunnel(1, i)).tell(kept(entity()));
    }
  }

  @Test
  void anOrderIsCarriedOutAndAcknowledgedEvenTwice() {
    TestProbe<Session.OrderTaken> taken = KIT.createTestProbe(Session.OrderTaken.class);
    HolderOrder.CloseTunnel order =
        new HolderOrder.CloseTunnel(
            A, tunnel(1, 5).identity(), CloseReason.ORDERED, "by order", taken.getRef());
    for (int i = 0; i < 2; i++) {
      holder.tell(order);
      duties.expectMessage(new Duty(A, Some.instance(1), 5, CloseReason.ORDERED));
      taken.expectMessage(new Session.OrderTaken(tunnel(1, 5).identity()));
    }
  }

  @Test
  void whenTheControlPlaneEndsItSaysNoMore() {
    TestProbe<Session.Command> entity = entity();
    up(tunnel(1, 1));
    report(tunnel(1, 1)).tell(kept(entity));
    holder.tell(new Holder.Stop());
    KIT.createTestProbe().expectTerminated(holder);
    entity.stop();
    clock.expectNoMessageFor(Holder.TURN.minusMillis(1), entities);
  }

  @Test
  void anOrderThatFailsIsNotAcknowledgedAndTheHolderGoesOn() {
    TestProbe<Session.OrderTaken> taken = KIT.createTestProbe(Session.OrderTaken.class);
    dutiesFail = true;
    holder.tell(
        new HolderOrder.CloseTunnel(
            A, tunnel(1, 5).identity(), CloseReason.ORDERED, "", taken.getRef()));
    duties.receiveMessage();
    up(tunnel(1, 1));
    report(tunnel(1, 1));
    taken.expectNoMessage(Duration.ZERO);
  }
}

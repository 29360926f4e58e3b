package dev.warren.session;

import static dev.warren.session.Some.PRINTER;
import static dev.warren.session.Some.tunnel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.ManualTime;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SessionTest {
  private static final ActorTestKit KIT = ActorTestKit.create(ManualTime.config());
  private static final long NOW = 1_800_000_000_000L;

  private final ManualTime clock = ManualTime.get(KIT.system());
  private final TestProbe<ClusterSharding.ShardCommand> shard =
      KIT.createTestProbe(ClusterSharding.ShardCommand.class);
  private final TestProbe<SessionIndex.Command> index =
      KIT.createTestProbe(SessionIndex.Command.class);
  private final TestProbe<Verdict> verdict = KIT.createTestProbe(Verdict.class);
  private final TestProbe<HolderOrder> first = KIT.createTestProbe(HolderOrder.class);
  private final TestProbe<HolderOrder> second = KIT.createTestProbe(HolderOrder.class);
  private SessionSettings settings = SessionSettings.DEFAULT;
  private ActorRef<Session.Command> session;

  @AfterAll
  static void stop() {
    KIT.shutdownTestKit();
  }

  @BeforeEach
  void start() {
    session =
        KIT.spawn(
            Session.create(
                PRINTER,
                new Session.Home("pekko://warren@a:1", "g1", settings, index.getRef(), () -> NOW),
                shard.getRef()));
  }

  private Verdict report(TunnelReport tunnel, TestProbe<HolderOrder> holder) {
    session.tell(new Session.Report(tunnel, holder.getRef(), verdict.getRef()));
    return verdict.receiveMessage();
  }

  private void keep(TunnelReport tunnel, TestProbe<HolderOrder> holder) {
    assertEquals(new Verdict.Kept(session), report(tunnel, holder));
  }

  private void lose(TunnelReport tunnel) {
    lose(tunnel, "gone");
  }

  private void lose(TunnelReport tunnel, String reason) {
    session.tell(new Session.Lost(tunnel.identity(), reason, verdict.getRef()));
    assertEquals(new Verdict.Removed(), verdict.receiveMessage());
  }

  private Description description() {
    TestProbe<Description> probe = KIT.createTestProbe(Description.class);
    session.tell(new Session.Describe(probe.getRef()));
    return probe.receiveMessage();
  }

  private TestProbe<Closed> close() {
    TestProbe<Closed> probe = KIT.createTestProbe(Closed.class);
    session.tell(new Session.Close("by order", probe.getRef()));
    return probe;
  }

  private HolderOrder.CloseTunnel order(TestProbe<HolderOrder> holder) {
    return (HolderOrder.CloseTunnel) holder.receiveMessage();
  }

  private void take(HolderOrder.CloseTunnel order) {
    order.replyTo().tell(new Session.OrderTaken(order.tunnel()));
  }

  @Test
  void whoeverOnlyAsksHearsThatTheSessionIsUnknownAndDoesNotKeepIt() {
    Description description = description();
    assertEquals(SessionStatus.UNKNOWN, description.status());
    assertEquals("pekko://warren@a:1", description.node());
    assertEquals("g1", description.gateway());
    shard.expectMessage(new ClusterSharding.Passivate<>(session));
    index.expectNoMessage(Duration.ZERO);
    assertEquals(SessionStatus.UNKNOWN, description().status(), "until the shard has stopped it");
    close().expectMessage(new Closed(0, 0));
  }

  @Test
  void aReportedTunnelIsDescribedAndListed() {
    keep(tunnel(1, 3), first);
    Description description = description();
    assertEquals(SessionStatus.ONLINE, description.status());
    assertEquals(DuplicatePolicy.NEWEST, description.policy());
    assertEquals(List.of(tunnel(1, 3)), description.tunnels());
    assertEquals(1, description.reports());
    assertEquals(tunnel(1, 3).sinceMillis(), description.lastConnectedMillis());
    SessionIndex.Changed changed = index.expectMessageClass(SessionIndex.Changed.class);
    assertEquals(
        new SessionEntry(
            PRINTER, SessionStatus.ONLINE, 1, List.of("g1"), 1, tunnel(1, 3).sinceMillis(), "g1"),
        changed.entry());
    keep(tunnel(1, 3), first);
    index.expectNoMessage(Duration.ZERO);
    assertEquals(2, description().reports());
  }

  @Test
  void sessionIsForgottenWhenItWasOfflineForLongEnough() {
    keep(tunnel(1, 1), first);
    lose(tunnel(1, 1));
    Description offline = description();
    assertEquals(SessionStatus.OFFLINE, offline.status());
    assertEquals(NOW, offline.lastConnectedMillis());
    clock.expectNoMessageFor(settings.forgetAfter().minusMillis(1), shard);
    clock.timePasses(Duration.ofMillis(1));
    shard.expectMessage(new ClusterSharding.Passivate<>(session));
    assertTrue(
        index.receiveSeveralMessages(3).get(2) instanceof SessionIndex.Removed, "last message");
  }

  @Test
  void sessionThatComesBackInTimeIsNotForgotten() {
    keep(tunnel(1, 1), first);
    lose(tunnel(1, 1));
    clock.timePasses(settings.forgetAfter().minusMillis(1));
    keep(tunnel(2, 2), second);
    clock.expectNoMessageFor(settings.forgetAfter().multipliedBy(2), shard);
    assertEquals(SessionStatus.ONLINE, description().status());
  }

  @Test
  void aLossIsEnoughToKnowThatTheSessionWasThere() {
    lose(tunnel(1, 1));
    assertEquals(SessionStatus.OFFLINE, description().status());
    assertEquals(new Verdict.Outdated(), report(tunnel(1, 1), first));
    clock.timePasses(settings.forgetAfter());
    shard.expectMessage(new ClusterSharding.Passivate<>(session));
  }

  @Test
  void whatIsReportedWhileItIsBeingForgottenIsKeptUntilTheShardStopsIt() {
    lose(tunnel(1, 1));
    clock.timePasses(settings.forgetAfter());
    shard.expectMessage(new ClusterSharding.Passivate<>(session));
    keep(tunnel(1, 2), first);
    assertEquals(SessionStatus.ONLINE, description().status());
    KIT.stop(session);
    assertTrue(
        index.receiveSeveralMessages(4).get(3) instanceof SessionIndex.Removed, "last message");
  }

  @Test
  void anInstanceThatItsHolderEndedForAnotherIsCountedOnceWhicheverReportComesFirst() {
    keep(tunnel(1, 1, 1), first);
    lose(tunnel(1, 1, 1), Session.SUPERSEDED); // before the entity had to judge
    keep(tunnel(2, 2, 1), second);
    lose(tunnel(1, 1, 1), Session.SUPERSEDED);
    assertEquals(1, description().supersessions());
    keep(tunnel(3, 3, 1), first);
    order(second);
    lose(tunnel(2, 2, 1), Session.SUPERSEDED);
    assertEquals(2, description().supersessions());
    lose(tunnel(3, 3, 1), "lost");
    assertEquals(2, description().supersessions());
  }

  @Test
  void theHoldersOfASupersededInstanceAreOrderedToCloseUntilTheyTakeTheOrder() {
    keep(tunnel(1, 1, 1), first);
    keep(tunnel(2, 2, 1), second);
    assertEquals(List.of(tunnel(2, 2, 1)), description().tunnels());
    assertEquals(1, description().supersessions());
    HolderOrder.CloseTunnel order = order(first);
    assertEquals(CloseReason.SUPERSEDED, order.reason());
    assertEquals(tunnel(1, 1, 1).identity(), order.tunnel());
    assertEquals(PRINTER, order.session());
    clock.timePasses(settings.orderRetry());
    take(order(first));
    description();
    clock.expectNoMessageFor(settings.orderRetry().multipliedBy(10), first);
    second.expectNoMessage(Duration.ZERO);
  }

  @Test
  void aReportOfALowerRankIsToldWhoHasTheSession() {
    keep(tunnel(2, 2, 1), second);
    assertEquals(new Verdict.Superseded(tunnel(2, 2, 1)), report(tunnel(1, 1, 1), first));
    assertEquals(List.of(tunnel(2, 2, 1)), description().tunnels());
    first.expectNoMessage(Duration.ZERO);
  }

  @Test
  void anInstanceThatMayReturnIsNotClosedByTheOldOrder() {
    keep(tunnel(1, 1, 1), first);
    keep(tunnel(2, 2, 1), second);
    order(first);
    lose(tunnel(2, 2, 1));
    keep(tunnel(1, 1, 1), first);
    clock.expectNoMessageFor(settings.orderRetry().multipliedBy(2), first);
  }

  @Test
  void closingOrdersEveryHolderAndAnswersWhenAllHaveTakenTheOrder() {
    keep(tunnel(1, 1), first);
    keep(tunnel(2, 2), second);
    TestProbe<Closed> closed = close();
    TestProbe<Closed> another = close();
    HolderOrder.CloseTunnel order = order(first);
    assertEquals(CloseReason.ORDERED, order.reason());
    assertEquals("by order", order.detail());
    take(order);
    closed.expectNoMessage(Duration.ZERO);
    take(order(second));
    closed.expectMessage(new Closed(2, 0));
    another.expectMessage(new Closed(2, 0));
    assertEquals(SessionStatus.OFFLINE, description().status());
    close().expectMessage(new Closed(0, 0));
    first.expectNoMessage(Duration.ZERO);
  }

  @Test
  void aTunnelThatIsLostOrWhoseHolderIsGoneCountsAsClosed() {
    keep(tunnel(1, 1), first);
    keep(tunnel(2, 2), second);
    TestProbe<Closed> closed = close();
    order(first);
    order(second);
    lose(tunnel(1, 1));
    second.stop();
    closed.expectMessage(new Closed(2, 0));
  }

  @Test
  void aHolderThatNeverAnswersIsGivenUpAfterFiveOrders() {
    keep(tunnel(1, 1), first);
    TestProbe<Closed> closed = close();
    order(first);
    for (int attempt = 2; attempt <= Session.ORDER_ATTEMPTS; attempt++) {
      clock.timePasses(settings.orderRetry());
      order(first);
    }
    closed.expectNoMessage(Duration.ZERO);
    clock.timePasses(settings.orderRetry());
    closed.expectMessage(new Closed(0, 1));
    clock.expectNoMessageFor(settings.orderRetry().multipliedBy(3), first);
    assertEquals(SessionStatus.ONLINE, description().status(), "as far as anybody knows");
    TestProbe<Closed> again = close();
    take(order(first));
    again.expectMessage(new Closed(1, 0));
  }

  @Test
  void theSixtyFifthWhoWaitsForTheEndIsAnsweredAtOnce() {
    keep(tunnel(1, 1), first);
    TestProbe<Closed> closed = KIT.createTestProbe(Closed.class);
    for (int i = 0; i < Session.MAX_CLOSERS; i++) {
      session.tell(new Session.Close("", closed.getRef()));
    }
    closed.expectNoMessage(Duration.ZERO);
    close().expectMessage(new Closed(0, 1));
    take(order(first));
    for (int i = 0; i < Session.MAX_CLOSERS; i++) {
      closed.expectMessage(new Closed(1, 0));
    }
    first.expectNoMessage(Duration.ZERO);
  }

  @Test
  void tunnelsOfAHolderThatEndsAreLost() {
    keep(tunnel(1, 1), first);
    keep(tunnel(2, 2), second);
    first.stop();
    index.receiveSeveralMessages(2);
    assertEquals(1, index.expectMessageClass(SessionIndex.Changed.class).entry().tunnels());
    assertEquals(List.of(tunnel(2, 2)), description().tunnels());
    second.stop();
    assertEquals(0, index.expectMessageClass(SessionIndex.Changed.class).entry().tunnels());
    assertEquals(SessionStatus.OFFLINE, description().status());
  }

  @Test
  void aTunnelReportedByTheHoldersNextLifeOutlivesTheFormerOne() {
    keep(tunnel(1, 1), first);
    keep(tunnel(1, 1), second);
    first.stop();
    KIT.createTestProbe().expectTerminated(first.getRef());
    assertEquals(List.of(tunnel(1, 1)), description().tunnels());
    lose(tunnel(1, 1));
    assertEquals(SessionStatus.OFFLINE, description().status());
  }

  @Test
  void theSixtyFifthTunnelIsRefusedWithTheLimit() {
    for (int gateway = 1; gateway <= Tunnels.MAX_TUNNELS; gateway++) {
      keep(tunnel(gateway, gateway), first);
    }
    Verdict.Refused refused = (Verdict.Refused) report(tunnel(65, 65), second);
    assertTrue(refused.detail().contains("printer-7 has 64 tunnels"), refused.detail());
    assertEquals(64, description().tunnels().size());
    SessionEntry entry = ((SessionIndex.Changed) index.receiveSeveralMessages(64).get(63)).entry();
    assertEquals(SessionEntry.MAX_NAMED_HOLDERS, entry.holders().size());
    assertEquals(64, entry.tunnels());
  }

  @Test
  void ordersBeyondTheLimitAreGivenUpOldestFirst() {
    // Instance after instance takes over, and nobody takes the orders.
    for (int instance = 1; instance <= Session.MAX_ORDERS + 2; instance++) {
      keep(tunnel(1, instance, 1), first);
    }
    first.receiveSeveralMessages(Session.MAX_ORDERS + 1);
    clock.timePasses(settings.orderRetry());
    List<HolderOrder> repeated = first.receiveSeveralMessages(Session.MAX_ORDERS);
    assertEquals(tunnel(1, 2, 1).identity(), ((HolderOrder.CloseTunnel) repeated.get(0)).tunnel());
  }

  @Test
  void underPoolNobodyIsOrderedToYield() {
    settings = settings.withDuplicatePolicy(DuplicatePolicy.POOL);
    start();
    keep(tunnel(1, 1, 1), first);
    keep(tunnel(2, 2, 1), second);
    assertEquals(2, description().tunnels().size());
    first.expectNoMessage(Duration.ZERO);
  }
}

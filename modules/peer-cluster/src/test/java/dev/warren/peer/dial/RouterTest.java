package dev.warren.peer.dial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.dial.DialFailedException.Outcome;
import dev.warren.peer.link.ScriptedAgent;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.session.DuplicatePolicy;
import dev.warren.session.SessionStatus;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalIoHandler;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Which way a dial takes, and what becomes of it when that one leads nowhere. */
class RouterTest {
  private static final EventLoopGroup LOOPS =
      new MultiThreadIoEventLoopGroup(2, LocalIoHandler.newFactory());
  private static final SessionKey SESSION = SessionKey.of("bench-1");
  private static final StreamId INSTANCE = new StreamId(1, 1);
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(40);

  /** Far more than a test takes: what has to wait for longer does not come. */
  private static final int PATIENCE_SECONDS = 20;

  private final List<ScriptedAgent> agents = new ArrayList<>();
  private final ScriptedPaths paths = new ScriptedPaths();
  private final AtomicInteger questions = new AtomicInteger();
  private final CompletableFuture<SessionStatus> status = new CompletableFuture<>();
  private RouteTable table = table(DuplicatePolicy.NEWEST);
  private Router router = router(settings(LONG, LONG));

  private static RouteTable table(DuplicatePolicy policy) {
    return new RouteTable(
        new GatewayIdentity("g0", new Incarnation(1, 1)),
        policy,
        Ranks.ofOneGateway(),
        System::nanoTime);
  }

  private static RouterSettings settings(Duration grace, Duration hedgeAfter) {
    return new RouterSettings(grace, 3, 5, hedgeAfter, LONG, 2);
  }

  private Router router(RouterSettings settings) {
    return new Router(
        "g0",
        table,
        paths,
        (session, within) -> {
          questions.incrementAndGet();
          return status;
        },
        settings);
  }

  /** Links whose far ends are scripted: what goes over one arrives as it would at its holder. */
  private static final class ScriptedPaths implements PeerPaths {
    private final Map<Incarnation, ScriptedPath> all = new ConcurrentHashMap<>();
    private volatile boolean mayKnowMore;

    @Override
    public Path to(Incarnation gateway) {
      return all.get(gateway);
    }

    @Override
    public boolean mayKnowMore() {
      return mayKnowMore;
    }
  }

  private static final class ScriptedPath implements PeerPaths.Path {
    private final List<TunnelHandler> connections = new ArrayList<>();
    private volatile long roundTripNanos;
    private volatile boolean silent;

    @Override
    public TunnelHandler connection() {
      return connections.get(0);
    }

    @Override
    public TunnelHandler connection(Collection<TunnelHandler> lost) {
      return connections.stream().filter(each -> !lost.contains(each)).findFirst().orElse(null);
    }

    @Override
    public long roundTripNanos() {
      return roundTripNanos;
    }

    @Override
    public boolean answeredLately() {
      return !silent;
    }

    @Override
    public long generation() {
      return 1;
    }
  }

  /** A holder at the other end of a link, as the origin sees it. */
  private final class Holder {
    private final GatewayIdentity identity;
    private final ScriptedPath path = new ScriptedPath();
    private final List<ScriptedAgent> ends = new ArrayList<>();

    Holder(int number) throws InterruptedException {
      identity = new GatewayIdentity("g" + number, new Incarnation(9, number));
      connect();
      paths.all.put(identity.incarnation(), path);
    }

    final void connect() throws InterruptedException {
      ScriptedAgent end =
          opened(
              ScriptedAgent.attach(
                  LOOPS, table(DuplicatePolicy.POOL), SESSION, StreamId.random(), 1));
      ends.add(end);
      path.connections.add(end.tunnel().handler());
    }

    ScriptedAgent end() {
      return ends.get(0);
    }

    Holder announce(long connection, boolean draining) {
      table.announced(
          new Route(identity, SESSION, INSTANCE, connection, 1, 1, draining, "agent/1", "", 0));
      return this;
    }

    Holder announce() {
      return announce(1, false);
    }

    void withdraw() {
      table.withdrawn(identity, new Route.Key(SESSION, INSTANCE), Long.MAX_VALUE);
    }

    Frame.Open expectOpen() throws InterruptedException {
      return end().expect(Frame.Open.class);
    }

    void refuse(FaultCode code, String detail) throws InterruptedException {
      end().send(new Frame.Refused(expectOpen().stream(), code, detail, 0));
    }

    void accept() throws InterruptedException {
      end().send(new Frame.Opened(expectOpen().stream(), 1 << 16));
    }
  }

  private ScriptedAgent opened(ScriptedAgent agent) {
    agents.add(agent);
    return agent;
  }

  /** A dial is counted a moment after its caller has heard. */
  private void counts(DialCounters.Snapshot expected) {
    await(
        "expected " + expected + ", found " + router.counters(),
        () -> router.counters().equals(expected));
  }

  @AfterEach
  void closeAll() throws Exception {
    awaitWaiting(0);
    for (ScriptedAgent agent : agents) {
      await("a stream is left", () -> agent.tunnel().handler().streams() == 0);
    }
    agents.forEach(ScriptedAgent::close);
  }

  @AfterAll
  static void stopLoops() {
    LOOPS.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private ScriptedAgent ownAgent() throws InterruptedException {
    return opened(ScriptedAgent.attach(LOOPS, table, SESSION, INSTANCE, 1));
  }

  private Future<OpenedStream> dial() {
    return dial(LONG);
  }

  private Future<OpenedStream> dial(Duration deadline) {
    return dial(StreamId.random(), deadline);
  }

  private Future<OpenedStream> dial(StreamId id, Duration deadline) {
    EventLoop loop = LOOPS.next();
    return router.open(
        new Dial(id, SESSION, Target.parse("127.0.0.1:80"), deadline, "me", ""), loop);
  }

  private static OpenedStream succeeds(Future<OpenedStream> dial) throws Exception {
    OpenedStream stream = dial.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    stream.channel().close().sync();
    return stream;
  }

  private static DialFailedException fails(Future<OpenedStream> dial, Outcome outcome) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> dial.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    DialFailedException why = assertInstanceOf(DialFailedException.class, failed.getCause());
    assertEquals(outcome, why.outcome(), why.getMessage());
    return why;
  }

  private static void await(String otherwise, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, otherwise);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void awaitWaiting(int count) {
    await("never " + count + " dials wait", () -> router.waiting() == count);
  }

  private void lostLately() throws InterruptedException {
    Holder gone = new Holder(99);
    gone.announce();
    gone.withdraw();
  }

  // ---- which way first ----

  @Test
  void anOwnTunnelComesFirstAndNeedsNoHop() throws Exception {
    Holder peer = new Holder(1).announce();
    ScriptedAgent agent = ownAgent();
    Future<OpenedStream> dial = dial();
    Frame.Open open = agent.expect(Frame.Open.class);
    assertEquals(0, open.hopsLeft());
    assertEquals("", open.session());
    assertEquals("me", open.caller());
    agent.send(new Frame.Opened(open.stream(), 1 << 16));
    assertEquals("g0, g0", succeeds(dial).via());
    assertFalse(peer.end().has(Frame.Open.class));
    counts(new DialCounters.Snapshot(1, 1, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void aPeerIsAskedWithOneHopAndTheSession() throws Exception {
    Holder peer = new Holder(1).announce();
    Future<OpenedStream> dial = dial();
    Frame.Open open = peer.expectOpen();
    assertEquals(1, open.hopsLeft());
    assertEquals("bench-1", open.session());
    assertEquals(0, open.attempt());
    peer.end().send(new Frame.Opened(open.stream(), 1 << 16));
    assertEquals("g0, g1", succeeds(dial).via());
    counts(new DialCounters.Snapshot(1, 1, 0, 0, 0, 0, 0, 1));
  }

  @Test
  void thoseThatDrainComeLastThenTheSilentThenTheFar() throws Exception {
    Holder draining = new Holder(1).announce(1, true);
    Holder silent = new Holder(2).announce();
    Holder far = new Holder(3).announce();
    Holder near = new Holder(4).announce();
    silent.path.silent = true;
    far.path.roundTripNanos = 2_000_000;
    near.path.roundTripNanos = 1_000_000;
    Future<OpenedStream> dial = dial();
    near.refuse(FaultCode.NOT_HERE, "");
    far.refuse(FaultCode.OVERLOADED, "");
    silent.refuse(FaultCode.DRAINING, "");
    draining.accept();
    assertEquals("g0, g1", succeeds(dial).via());
    assertEquals(3, router.counters().again());
  }

  @Test
  void anOwnTunnelThatDrainsComesAfterAPeersThatDoesNot() throws Exception {
    ScriptedAgent agent = ownAgent();
    Holder peer = new Holder(1).announce();
    agent.send(new Frame.Drain(1_000, "going"));
    await("it does not drain", agent.tunnel()::draining);
    Future<OpenedStream> dial = dial();
    peer.accept();
    assertEquals("g0, g1", succeeds(dial).via());
  }

  @Test
  void underPoolTheOneWithTheFewestStreamsComesFirst() throws Exception {
    table = table(DuplicatePolicy.POOL);
    router = router(settings(LONG, LONG));
    Holder first = new Holder(1).announce();
    Holder second = new Holder(2).announce();
    second.path.roundTripNanos = 1;
    Future<OpenedStream> one = dial();
    await(
        "nobody was asked",
        () -> first.end().has(Frame.Open.class) || second.end().has(Frame.Open.class));
    boolean firstWas = first.end().has(Frame.Open.class);
    Holder took = firstWas ? first : second;
    Holder other = firstWas ? second : first;
    took.accept();
    OpenedStream stays = one.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    Future<OpenedStream> two = dial();
    other.accept();
    succeeds(two);
    stays.channel().close().sync();
  }

  // ---- trying again ----

  @Test
  void aRefusalThatAnotherHolderMayNotRepeatGoesOnWithTheSameIdAndAHigherAttempt()
      throws Exception {
    Holder first = new Holder(1).announce();
    Holder second = new Holder(2).announce();
    second.path.roundTripNanos = 1;
    StreamId id = StreamId.random();
    Future<OpenedStream> dial = dial(id, LONG);
    Frame.Open one = first.expectOpen();
    first.end().send(new Frame.Refused(one.stream(), FaultCode.NOT_HERE, "moved", 0));
    Frame.Open two = second.expectOpen();
    assertEquals(List.of(id, id), List.of(one.id(), two.id()));
    assertEquals(List.of(0, 1), List.of(one.attempt(), two.attempt()));
    second.end().send(new Frame.Opened(two.stream(), 1 << 16));
    assertEquals("g0, g2", succeeds(dial).via());
    counts(new DialCounters.Snapshot(1, 1, 0, 1, 0, 0, 0, 2));
  }

  @ParameterizedTest
  @CsvSource({
    "FORBIDDEN, FORBIDDEN",
    "TARGET_REFUSED, REFUSED",
    "TARGET_UNREACHABLE, REFUSED",
    "TARGET_UNKNOWN, REFUSED",
    "TARGET_TIMEOUT, TIMED_OUT",
    "UNSUPPORTED, UNSUPPORTED",
    "INTERNAL, REFUSED"
  })
  void whatTheTargetOrTheAgentsRulesSaidIsFinal(FaultCode code, Outcome outcome) throws Exception {
    Holder first = new Holder(1).announce();
    Holder second = new Holder(2).announce();
    second.path.roundTripNanos = 1;
    Future<OpenedStream> dial = dial();
    first.refuse(code, "so it is");
    DialFailedException why = fails(dial, outcome);
    assertTrue(why.getMessage().contains("so it is"), why.getMessage());
    assertEquals("g0, g1", why.via());
    assertFalse(second.end().has(Frame.Open.class));
  }

  @Test
  void whenAllAreOverloadedTheDialFailsAtOnce() throws Exception {
    Holder only = new Holder(1).announce();
    Future<OpenedStream> dial = dial();
    only.end()
        .send(new Frame.Refused(only.expectOpen().stream(), FaultCode.OVERLOADED, "full", 7_000));
    assertEquals(Duration.ofSeconds(7), fails(dial, Outcome.UNAVAILABLE).retryAfter());
  }

  @Test
  void whenTheConnectionIsLostTheHolderIsAskedOverAnotherOfTheLink() throws Exception {
    Holder holder = new Holder(1).announce();
    holder.connect();
    StreamId id = StreamId.random();
    Future<OpenedStream> dial = dial(id, LONG);
    holder.expectOpen();
    holder.end().close();
    Frame.Open again = holder.ends.get(1).expect(Frame.Open.class);
    assertEquals(id, again.id());
    assertEquals(1, again.attempt());
    holder.ends.get(1).send(new Frame.Opened(again.stream(), 1 << 16));
    succeeds(dial);
  }

  @Test
  void aHolderWhoseTunnelWasLostIsNotAskedTwice() throws Exception {
    Holder holder = new Holder(1).announce();
    holder.connect();
    router = router(settings(SHORT, LONG));
    Future<OpenedStream> dial = dial();
    holder.refuse(FaultCode.LINK_LOST, "the agent's tunnel was lost");
    fails(dial, Outcome.UNAVAILABLE);
    assertFalse(holder.ends.get(1).has(Frame.Open.class));
  }

  @Test
  void aDialThatFindsNoEndIsGivenUp() throws Exception {
    router = router(settings(LONG, LONG));
    Holder holder = new Holder(1);
    holder.announce(1, false);
    Future<OpenedStream> dial = dial();
    for (int i = 0; i < RoutedDial.MAX_ATTEMPTS; i++) {
      Frame.Open open = holder.expectOpen();
      holder.announce(i + 2, false); // always another tunnel, and never the right one
      holder.end().send(new Frame.Refused(open.stream(), FaultCode.NOT_HERE, "", 0));
    }
    fails(dial, Outcome.UNAVAILABLE);
  }

  // ---- nobody answers ----

  @Test
  void whereNobodyAnswersInTimeTheNextIsAskedAndTheFirstThatOpensWins() throws Exception {
    router = router(settings(LONG, SHORT));
    Holder slow = new Holder(1).announce();
    Holder quick = new Holder(2).announce();
    quick.path.roundTripNanos = 1;
    StreamId id = StreamId.random();
    Future<OpenedStream> dial = dial(id, LONG);
    Frame.Open one = slow.expectOpen();
    Frame.Open two = quick.expectOpen();
    assertEquals(List.of(id, id), List.of(one.id(), two.id()));
    assertEquals(1, two.attempt());
    quick.end().send(new Frame.Opened(two.stream(), 1 << 16));
    assertEquals("g0, g2", succeeds(dial).via());
    Frame.Reset reset = slow.end().expect(Frame.Reset.class);
    assertEquals(one.stream(), reset.stream());
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, reset.code());
    counts(new DialCounters.Snapshot(1, 1, 0, 0, 1, 0, 0, 2));
  }

  @Test
  void theFirstOneMayStillAnswer() throws Exception {
    router = router(settings(LONG, SHORT));
    Holder slow = new Holder(1).announce();
    Holder slower = new Holder(2).announce();
    slower.path.roundTripNanos = 1;
    Future<OpenedStream> dial = dial();
    slower.expectOpen();
    slow.accept();
    assertEquals("g0, g1", succeeds(dial).via());
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, slower.end().expect(Frame.Reset.class).code());
  }

  @Test
  void aFinalRefusalOfOneTakesTheOthersBack() throws Exception {
    router = router(settings(LONG, SHORT));
    Holder slow = new Holder(1).announce();
    Holder quick = new Holder(2).announce();
    quick.path.roundTripNanos = 1;
    Future<OpenedStream> dial = dial();
    quick.refuse(FaultCode.TARGET_REFUSED, "closed");
    fails(dial, Outcome.REFUSED);
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, slow.end().expect(Frame.Reset.class).code());
  }

  @Test
  void aHolderThatIsFarAwayHasFourRoundTrips() throws Exception {
    router = router(settings(LONG, SHORT));
    Holder far = new Holder(1).announce();
    Holder farther = new Holder(2).announce();
    far.path.roundTripNanos = Duration.ofSeconds(20).toNanos();
    farther.path.roundTripNanos = Duration.ofSeconds(21).toNanos();
    Future<OpenedStream> dial = dial(Duration.ofMillis(200));
    far.expectOpen();
    fails(dial, Outcome.TIMED_OUT);
    assertEquals(0, router.counters().hedged());
    assertEquals(FaultCode.DEADLINE, far.end().expect(Frame.Reset.class).code());
  }

  @Test
  void aHolderThatTurnsUpWhileNobodyAnswersIsAskedToo() throws Exception {
    router = router(settings(LONG, SHORT));
    Holder slow = new Holder(1).announce();
    Future<OpenedStream> dial = dial();
    slow.expectOpen();
    awaitWaiting(1);
    Holder late = new Holder(2).announce();
    late.accept();
    assertEquals("g0, g2", succeeds(dial).via());
  }

  @Test
  void aCallerThatLeavesTakesItsDialBack() throws Exception {
    Holder holder = new Holder(1).announce();
    Future<OpenedStream> dial = dial();
    holder.expectOpen();
    assertTrue(dial.cancel(false));
    assertEquals(FaultCode.CANCELLED, holder.end().expect(Frame.Reset.class).code());
    await("not counted", () -> router.counters().failed() == 1);
  }

  // ---- waiting ----

  @Test
  void aDialForASessionThatWasLostLatelyWaitsAndSucceedsWhenItIsBack() throws Exception {
    lostLately();
    Future<OpenedStream> dial = dial();
    awaitWaiting(1);
    Holder back = new Holder(1).announce();
    back.accept();
    assertEquals("g0, g1", succeeds(dial).via());
    counts(new DialCounters.Snapshot(1, 1, 0, 0, 0, 1, 0, 1));
    assertEquals(0, questions.get());
  }

  @Test
  void andOnItsOwnGatewayToo() throws Exception {
    lostLately();
    Future<OpenedStream> dial = dial();
    awaitWaiting(1);
    ScriptedAgent agent = ownAgent();
    agent.send(new Frame.Opened(agent.expect(Frame.Open.class).stream(), 1 << 16));
    succeeds(dial);
  }

  @Test
  void whenTheGraceIsOverItIsUnavailableAndNobodyIsAsked() throws Exception {
    router = router(settings(SHORT, LONG));
    lostLately();
    DialFailedException why = fails(dial(), Outcome.UNAVAILABLE);
    assertTrue(why.getMessage().contains("is offline since"), why.getMessage());
    assertEquals(Duration.ofSeconds(1), why.retryAfter());
    assertEquals(0, questions.get());
    counts(new DialCounters.Snapshot(1, 0, 1, 0, 0, 1, 0, 0));
  }

  @Test
  void aGatewayThatMayKnowMoreLaterWaitsToo() throws Exception {
    router = router(settings(SHORT, LONG));
    paths.mayKnowMore = true;
    fails(dial(), Outcome.UNAVAILABLE);
    assertEquals(1, router.counters().waited());
    assertEquals(0, questions.get());
  }

  @Test
  void aRouteWithoutALinkIsWaitedForUntilTheLinkIsUp() throws Exception {
    Holder holder = new Holder(1).announce();
    paths.all.clear();
    Future<OpenedStream> dial = dial();
    awaitWaiting(1);
    paths.all.put(holder.identity.incarnation(), holder.path);
    router.linkUp(new Incarnation(7, 7)); // another one
    assertEquals(1, router.waiting());
    router.linkUp(holder.identity.incarnation());
    holder.accept();
    succeeds(dial);
  }

  @Test
  void onlySoManyDialsOfASessionWaitAndOnlySoManyInAll() throws Exception {
    lostLately();
    List<Future<OpenedStream>> waiting = new ArrayList<>();
    for (int i = 1; i <= 3; i++) {
      waiting.add(dial());
      awaitWaiting(i);
    }
    assertTrue(fails(dial(), Outcome.UNAVAILABLE).getMessage().contains("too many dials wait"));
    paths.mayKnowMore = true;
    for (int i = 4; i <= 6; i++) {
      Future<OpenedStream> other =
          router.open(
              new Dial(
                  StreamId.random(),
                  SessionKey.of("other-" + i),
                  Target.parse("127.0.0.1:80"),
                  LONG,
                  "",
                  ""),
              LOOPS.next());
      if (i < 6) {
        awaitWaiting(i);
        waiting.add(other);
      } else {
        fails(other, Outcome.UNAVAILABLE);
      }
    }
    waiting.forEach(dial -> dial.cancel(false));
    awaitWaiting(0);
  }

  @Test
  void aDialWaitsNoLongerThanItsDeadline() throws Exception {
    lostLately();
    fails(dial(SHORT), Outcome.TIMED_OUT);
    awaitWaiting(0);
  }

  @Test
  void aDialWhoseHoldersAllSentItAwayWaitsForAnotherTunnel() throws Exception {
    Holder holder = new Holder(1).announce();
    Future<OpenedStream> dial = dial();
    holder.refuse(FaultCode.NOT_HERE, "moved");
    awaitWaiting(1);
    holder.announce(2, false);
    holder.accept();
    succeeds(dial);
  }

  // ---- what nobody here knows ----

  @Test
  void aGatewayByItselfKnowsWhomItDoesNotKnow() throws Exception {
    router = new Router("g0", table, PeerPaths.NONE, PresenceLookup.NONE, settings(LONG, LONG));
    fails(dial(), Outcome.UNKNOWN_SESSION);
    assertEquals(0, router.counters().askedControlPlane());
  }

  @ParameterizedTest
  @EnumSource(SessionStatus.class)
  void theControlPlaneSaysWhetherASessionIsUnknown(SessionStatus found) throws Exception {
    status.complete(found);
    fails(dial(), found == SessionStatus.UNKNOWN ? Outcome.UNKNOWN_SESSION : Outcome.UNAVAILABLE);
    assertEquals(1, questions.get());
    counts(new DialCounters.Snapshot(1, 0, 1, 0, 0, 0, 1, 0));
  }

  @Test
  void whereItCannotSayNobodyIsCalledUnknown() throws Exception {
    status.completeExceptionally(new IllegalStateException("no cluster"));
    fails(dial(), Outcome.UNAVAILABLE);
  }

  @Test
  void norWhereItDoesNotAnswerInTime() throws Exception {
    router = router(new RouterSettings(LONG, 3, 5, LONG, SHORT, 2));
    DialFailedException why = fails(dial(), Outcome.UNAVAILABLE);
    assertTrue(why.getMessage().contains("does not answer"), why.getMessage());
    status.complete(SessionStatus.UNKNOWN); // late
  }

  @Test
  void norWhereItBreaks() throws Exception {
    router =
        new Router(
            "g0",
            table,
            paths,
            (session, within) -> {
              throw new IllegalStateException("broken");
            },
            settings(LONG, LONG));
    for (int i = 0; i < 5; i++) { // more than may be asked at a time
      DialFailedException why = fails(dial(), Outcome.UNAVAILABLE);
      assertTrue(why.getMessage().contains("does not answer"), why.getMessage());
    }
  }

  @Test
  void onlySoManyQuestionsAreAskedAtATime() throws Exception {
    Future<OpenedStream> one = dial();
    Future<OpenedStream> two = dial();
    await("they do not ask", () -> questions.get() == 2);
    assertTrue(fails(dial(), Outcome.UNAVAILABLE).getMessage().contains("too many questions"));
    status.complete(SessionStatus.UNKNOWN);
    fails(one, Outcome.UNKNOWN_SESSION);
    fails(two, Outcome.UNKNOWN_SESSION);
    fails(dial(), Outcome.UNKNOWN_SESSION);
  }

  @Test
  void aRouteThatComesWhileTheControlPlaneIsAskedIsTaken() throws Exception {
    Future<OpenedStream> dial = dial();
    await("it does not ask", () -> questions.get() == 1);
    Holder holder = new Holder(1).announce();
    status.complete(SessionStatus.UNKNOWN);
    holder.accept();
    succeeds(dial);
  }
}

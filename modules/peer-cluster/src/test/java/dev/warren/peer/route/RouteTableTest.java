package dev.warren.peer.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.session.DuplicatePolicy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** Who stays of two rivals, here and at peers, and what is remembered of those who have gone. */
class RouteTableTest {
  private static final SessionKey SESSION = SessionKey.of("bench-1");
  private static final StreamId SMALL = new StreamId(1, 1);
  private static final StreamId LARGE = new StreamId(2, 2);
  private static final GatewayIdentity SELF = gateway("g0", 5);
  private static final GatewayIdentity PEER = gateway("g1", 6);
  private static final GatewayIdentity OTHER = gateway("g2", 7);
  private static final int MAX_REMEMBERED = 10;

  private final List<byte[]> keys = List.of("key".getBytes(StandardCharsets.UTF_8));
  private long now = Duration.ofHours(1).toNanos();
  private RouteTable table = table(DuplicatePolicy.NEWEST);
  private final List<String> told = new ArrayList<>();

  private static GatewayIdentity gateway(String id, long number) {
    return new GatewayIdentity(id, new Incarnation(number, number));
  }

  private RouteTable table(DuplicatePolicy policy) {
    return new RouteTable(SELF, policy, new Ranks(() -> keys, 10), () -> now, MAX_REMEMBERED);
  }

  /** An instance of the agent, and what it was told last. */
  private final class Rival {
    private final StreamId instance;
    private final SessionKey session;
    private Frame.Rank rank = Frame.Rank.NONE;
    private ScriptedTunnel tunnel;

    Rival(StreamId instance, SessionKey session) {
      this.instance = instance;
      this.session = session;
    }

    RouteTable.Admission attach(long connection) {
      ScriptedTunnel made = new ScriptedTunnel(session);
      RouteTable.Admission admission =
          table.admit(made, ScriptedTunnel.hello(session, instance, connection, rank));
      if (admission instanceof RouteTable.Admission.Admitted admitted) {
        tunnel = made;
        rank = admitted.rank();
        table.welcomed(made);
      }
      return admission;
    }

    RouteTable.Admission.Admitted attached(long connection) {
      return assertInstanceOf(RouteTable.Admission.Admitted.class, attach(connection));
    }

    RouteTable.Admission.Refused refused(long connection) {
      return assertInstanceOf(RouteTable.Admission.Refused.class, attach(connection));
    }

    void lose() {
      table.lost(tunnel, RouteTable.Removal.LOST);
    }
  }

  private Rival rival(StreamId instance) {
    return new Rival(instance, SESSION);
  }

  private OwnTunnel holder() {
    List<OwnTunnel> own = table.find(SESSION).own();
    assertEquals(1, own.size(), own::toString);
    return own.get(0);
  }

  private static Route route(
      GatewayIdentity holder, SessionKey session, StreamId instance, long connection, long epoch) {
    return route(holder, session, instance, connection, epoch, 10);
  }

  private static Route route(
      GatewayIdentity holder,
      SessionKey session,
      StreamId instance,
      long connection,
      long epoch,
      long rankIncarnation) {
    return new Route(
        holder,
        session,
        instance,
        connection,
        epoch,
        rankIncarnation,
        false,
        "agent/1",
        "192.0.2.9:1",
        0);
  }

  private List<Route> routes() {
    return table.find(SESSION).routes();
  }

  private void isUnknown(SessionKey session) {
    RouteTable.Known known = table.find(session);
    assertFalse(known.isOnline());
    assertNull(known.offlineFor());
  }

  private void isOffline(SessionKey session) {
    RouteTable.Known known = table.find(session);
    assertFalse(known.isOnline());
    assertNotNull(known.offlineFor(), session + " is unknown");
  }

  private void listen() {
    table.listen(
        new RouteTable.Listener() {
          @Override
          public void own(OwnTunnel tunnel) {
            told.add("own " + tunnel.connection());
          }

          @Override
          public void released(OwnTunnel tunnel, RouteTable.Removal reason) {
            told.add("released " + tunnel.connection() + " " + reason);
          }

          @Override
          public void reachable(SessionKey session) {
            told.add("reachable " + session);
          }
        });
  }

  // ---- rivals at this gateway ----

  @Test
  void theInstanceThatCameLaterWinsWhicheverIsLarger() {
    Rival first = rival(LARGE);
    Rival second = rival(SMALL);
    first.attached(7);
    RouteTable.Admission.Admitted won = second.attached(1);
    assertEquals(FaultCode.SUPERSEDED, first.tunnel.endCode());
    assertTrue(first.tunnel.endDetail().contains("192.0.2.1:4000"), first.tunnel.endDetail());
    assertEquals(5_000, first.tunnel.endRetryAfterMillis());
    assertEquals(2, won.rank().epoch());
    assertSame(second.tunnel, holder());
    assertEquals(1, table.online());
    assertEquals(1, table.held());
  }

  @Test
  void theOneThatLostIsToldToWaitTwiceAsLongEachTime() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    long[] expected = {5, 10, 20, 40, 80, 160, 300, 300, 300};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(Duration.ofSeconds(expected[i]), first.refused(2 + i).retryAfter(), "try " + i);
      assertSame(second.tunnel, holder());
    }
  }

  @Test
  void theWaitStartsAnewWithANewWinnerAndNotWithAReconnectOfTheSame() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.refused(2);
    second.attached(2);
    assertEquals(Duration.ofSeconds(10), first.refused(3).retryAfter());
    rival(new StreamId(3, 3)).attached(1);
    assertEquals(Duration.ofSeconds(5), first.refused(4).retryAfter());
  }

  @Test
  void theWaitStartsAnewWithAWinnerThatAPeerAnnounces() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.refused(2);
    first.refused(3);
    table.announced(route(PEER, SESSION, new StreamId(3, 3), 1, 9));
    assertEquals(Duration.ofSeconds(5), first.refused(4).retryAfter());
  }

  @Test
  void aReconnectTakesItsOwnPlaceWithItsRankAndAnOlderConnectionDoesNot() {
    Rival agent = rival(SMALL);
    long epoch = agent.attached(5).rank().epoch();
    ScriptedTunnel before = agent.tunnel;
    assertEquals(Duration.ZERO, agent.refused(5).retryAfter());
    assertEquals(Duration.ZERO, agent.refused(4).retryAfter());
    assertSame(before, holder());
    assertNull(before.endCode());
    assertEquals(epoch, agent.attached(6).rank().epoch());
    assertEquals(FaultCode.SUPERSEDED, before.endCode());
    assertEquals(0, before.endRetryAfterMillis());
    assertSame(agent.tunnel, holder());
    assertEquals(1, table.held());
  }

  @Test
  void aRankThatWasNotGivenToThisInstanceCountsAsNone() {
    Rival honest = rival(SMALL);
    Rival thief = rival(LARGE);
    honest.attached(1);
    thief.rank = honest.rank; // overheard
    assertEquals(2, thief.attached(1).rank().epoch());
    Rival forger = rival(new StreamId(3, 3));
    forger.rank = new Frame.Rank(Long.MAX_VALUE - 1, 1, new byte[32]);
    assertEquals(3, forger.attached(1).rank().epoch());
  }

  @Test
  void aRankThatAnotherGatewayGaveIsHonoured() {
    Frame.Rank given = new Ranks(() -> keys, 77).first(SESSION, SMALL, 41);
    Rival agent = rival(SMALL);
    agent.rank = given;
    assertEquals(given.epoch(), agent.attached(1).rank().epoch());
    assertEquals(given.incarnation(), agent.rank.incarnation());
    assertEquals(42, rival(LARGE).attached(1).rank().epoch());
  }

  @Test
  void aLoserGetsThePlaceBackOnlyWhenItIsFree() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.refused(2);
    second.lose();
    assertEquals(1, first.attached(3).rank().epoch());
    second.attached(2);
    assertEquals(2, holder().rank().epoch());
  }

  @Test
  void theEndOfASupersededTunnelTakesNothingFromTheWinner() {
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    second.attached(1);
    first.lose();
    assertSame(second.tunnel, holder());
    assertEquals(1, table.online());
    second.lose();
    second.lose();
    assertEquals(0, table.online());
    assertEquals(0, table.held());
  }

  @Test
  void underRejectTheFirstStaysAndItsReconnectIsNeverRejected() {
    table = table(DuplicatePolicy.REJECT);
    Rival first = rival(SMALL);
    Rival second = rival(LARGE);
    first.attached(1);
    RouteTable.Admission.Refused refused = second.refused(1);
    assertTrue(refused.detail().contains("attached before"), refused.detail());
    assertEquals(Duration.ofSeconds(10), second.refused(2).retryAfter());
    first.attached(2);
    assertSame(first.tunnel, holder());
    first.lose();
    second.attached(3);
  }

  @Test
  void underPoolAllStayUpToALimit() {
    table = table(DuplicatePolicy.POOL);
    Rival first = rival(SMALL);
    first.attached(1);
    for (int i = 1; i < RouteTable.MAX_HELD_OF_SESSION; i++) {
      rival(new StreamId(9, i)).attached(1);
    }
    assertEquals(RouteTable.MAX_HELD_OF_SESSION, table.held());
    RouteTable.Admission.Refused refused = rival(LARGE).refused(1);
    assertTrue(refused.detail().contains("(limit: 64)"), refused.detail());
    assertEquals(Duration.ofSeconds(5), refused.retryAfter());
    first.attached(2); // a reconnect needs no room
    assertEquals(RouteTable.MAX_HELD_OF_SESSION, table.held());
    assertEquals(1, table.online());
  }

  @Test
  void listenersHearOfChangesAndNotOfAPlaceThatTheSameInstanceKeeps() {
    listen();
    Rival first = rival(SMALL);
    first.attached(1);
    first.attached(2);
    rival(LARGE).attached(7);
    assertEquals(
        List.of(
            "own 1",
            "reachable bench-1",
            "own 2",
            "reachable bench-1",
            "released 2 GONE",
            "own 7",
            "reachable bench-1"),
        told);
    told.clear();
    first.tunnel.draining(true);
    table.changed(first.tunnel); // it is none any more
    assertEquals(List.of(), told);
    table.changed(holder());
    table.lost(holder(), RouteTable.Removal.GONE);
    assertEquals(List.of("own 7", "released 7 GONE"), told);
  }

  // ---- rivals at peers ----

  @Test
  void anInstanceOfLowerRankIsRefusedForOneAtAPeer() {
    Rival first = rival(SMALL);
    first.attached(1);
    first.lose();
    table.announced(route(PEER, SESSION, LARGE, 1, 2));
    RouteTable.Admission.Refused refused = first.refused(2);
    assertTrue(refused.detail().contains("attached later"), refused.detail());
    assertTrue(refused.detail().contains("gateway g1"), refused.detail());
    assertEquals(Duration.ofSeconds(5), refused.retryAfter());
    assertEquals(Duration.ofSeconds(10), first.refused(3).retryAfter());
  }

  @Test
  void aNewInstanceRanksAboveAllThatPeersAnnounce() {
    table.announced(route(PEER, SESSION, LARGE, 1, 8));
    assertEquals(9, rival(SMALL).attached(1).rank().epoch());
    table.withdrawn(PEER, new Route.Key(SESSION, LARGE), 1);
    assertEquals(10, rival(new StreamId(3, 3)).attached(1).rank().epoch());
  }

  @Test
  void underRejectANewInstanceIsRefusedForOneAtAPeer() {
    table = table(DuplicatePolicy.REJECT);
    table.announced(route(PEER, SESSION, LARGE, 1, 2));
    assertTrue(rival(SMALL).refused(1).detail().contains("attached before"));
    rival(LARGE).attached(2); // the same instance, by a second tunnel
  }

  @Test
  void underPoolInstancesAtPeersAreNoRivals() {
    table = table(DuplicatePolicy.POOL);
    Rival here = rival(SMALL);
    here.attached(1);
    table.announced(route(PEER, SESSION, LARGE, 1, 2));
    rival(new StreamId(3, 3)).attached(1);
    assertNull(here.tunnel.endCode());
    assertEquals(2, table.find(SESSION).own().size());
    assertEquals(1, routes().size());
  }

  @Test
  void anAnnouncedInstanceOfHigherRankSupersedesOurs() {
    listen();
    Rival ours = rival(SMALL);
    ours.attached(3);
    told.clear();
    table.announced(route(PEER, SESSION, LARGE, 1, 2));
    assertEquals(FaultCode.SUPERSEDED, ours.tunnel.endCode());
    assertEquals(
        "another agent with the id bench-1 attached at gateway g1 from 192.0.2.9:1",
        ours.tunnel.endDetail());
    assertEquals(5_000, ours.tunnel.endRetryAfterMillis());
    assertEquals(List.of(), table.find(SESSION).own());
    assertEquals(0, table.held());
    assertEquals(1, table.online());
    assertEquals(List.of("released 3 MOVED", "reachable bench-1"), told);
    ours.lose(); // its end takes nothing from the route
    assertEquals(1, routes().size());
  }

  @Test
  void anAnnouncedInstanceOfLowerRankLeavesOursAlone() {
    rival(LARGE).attached(1);
    Rival ours = rival(new StreamId(3, 3));
    ours.attached(3);
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    assertNull(ours.tunnel.endCode());
    assertSame(ours.tunnel, holder());
  }

  @Test
  void tiesOfEqualEpochsGoToTheLargerIncarnationAndThenToTheLargerInstance() {
    Rival ours = rival(SMALL);
    ours.attached(1); // epoch 1 of incarnation 5: 10 >>> 1
    table.announced(route(PEER, SESSION, LARGE, 1, 1, 4));
    assertNull(ours.tunnel.endCode(), "a smaller incarnation");
    table.announced(route(OTHER, SESSION, new StreamId(0, 9), 1, 1, 5));
    assertNull(ours.tunnel.endCode(), "the same incarnation, a smaller instance");
    table.announced(route(OTHER, SESSION, new StreamId(-1, 0), 1, 1, 5));
    assertEquals(FaultCode.SUPERSEDED, ours.tunnel.endCode(), "the largest, as unsigned numbers");
  }

  @Test
  void anAgentWithTunnelsAtSeveralGatewaysKeepsThemAll() {
    Rival agent = rival(SMALL);
    agent.attached(2);
    table.announced(route(PEER, SESSION, SMALL, 1, 1, 5));
    table.announced(route(OTHER, SESSION, SMALL, 3, 1, 5));
    assertNull(agent.tunnel.endCode());
    agent.attached(4);
    assertSame(agent.tunnel, holder());
    assertEquals(2, routes().size());
    table.withdrawn(OTHER, new Route.Key(SESSION, SMALL), 3);
    assertEquals(1, routes().size());
    agent.lose();
    assertTrue(table.find(SESSION).isOnline());
  }

  // ---- routes of peers ----

  @Test
  void aNewerConnectionOfAnInstanceTakesThePlaceOfTheOlder() {
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    table.announced(route(PEER, SESSION, SMALL, 2, 1));
    assertEquals(List.of(route(PEER, SESSION, SMALL, 2, 1)), routes());
  }

  @Test
  void theEndOfAnOlderConnectionNeverTakesANewerOne() {
    table.announced(route(PEER, SESSION, SMALL, 2, 1));
    table.withdrawn(PEER, new Route.Key(SESSION, SMALL), 1);
    table.withdrawn(OTHER, new Route.Key(SESSION, SMALL), 9);
    table.withdrawn(PEER, new Route.Key(SESSION, LARGE), 9);
    assertEquals(1, routes().size());
    table.withdrawn(PEER, new Route.Key(SESSION, SMALL), 2);
    isOffline(SESSION);
    table.withdrawn(PEER, new Route.Key(SESSION, SMALL), 2);
    table.withdrawn(PEER, new Route.Key(SessionKey.of("nobody"), SMALL), 2);
    assertEquals(0, table.online());
  }

  @Test
  void dialsHearOfARouteThatIsNewAndNotOfOneThatIsToldAgainOrDrains() {
    listen();
    Route drains = new Route(PEER, SESSION, SMALL, 3, 1, 10, true, "agent/1", "", 0);
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    assertEquals(List.of("reachable bench-1"), told);
    table.announced(route(PEER, SESSION, SMALL, 2, 1));
    table.announced(drains);
    assertEquals(2, told.size());
    assertEquals(List.of(drains), routes());
  }

  @Test
  void ofASnapshotOnlyWhatItNamesStays() {
    SessionKey second = SessionKey.of("bench-2");
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    table.announced(route(PEER, SESSION, LARGE, 1, 2));
    table.announced(route(PEER, second, SMALL, 1, 1));
    table.announced(route(OTHER, second, LARGE, 1, 1));
    table.keepOnly(PEER, Set.of(new Route.Key(SESSION, LARGE)));
    assertEquals(List.of(route(PEER, SESSION, LARGE, 1, 2)), routes());
    assertEquals(List.of(route(OTHER, second, LARGE, 1, 1)), table.find(second).routes());
    assertEquals(1, table.routesOf(PEER.incarnation()));
    assertEquals(2, table.online());
  }

  @Test
  void whenAPeerIsLostItsRoutesGoAndThoseOfItsNextLifeStay() {
    GatewayIdentity again = gateway("g1", 60);
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    table.announced(route(again, SESSION, SMALL, 2, 1));
    table.forget(PEER);
    assertEquals(List.of(route(again, SESSION, SMALL, 2, 1)), routes());
    table.forget(again);
    isOffline(SESSION);
  }

  @Test
  void aSessionHasSoManyRoutesAndNoMore() {
    table = table(DuplicatePolicy.POOL);
    for (int i = 0; i < RouteTable.MAX_ROUTES_OF_SESSION; i++) {
      assertTrue(table.announced(route(PEER, SESSION, new StreamId(1, i), 1, 1)));
    }
    assertFalse(table.announced(route(OTHER, SESSION, LARGE, 1, 1)));
    assertTrue(table.announced(route(PEER, SESSION, new StreamId(1, 7), 2, 1)), "known already");
    assertEquals(RouteTable.MAX_ROUTES_OF_SESSION, routes().size());
    table.withdrawn(PEER, new Route.Key(SESSION, new StreamId(1, 7)), 2);
    assertTrue(table.announced(route(OTHER, SESSION, LARGE, 1, 1)));
  }

  // ---- what is remembered ----

  @Test
  void aSessionIsOfflineForTenMinutesAndThenForgotten() {
    Rival agent = rival(SMALL);
    agent.attached(1);
    agent.lose();
    now += RouteTable.REMEMBERED.toNanos() - 1;
    table.forgetOld();
    assertEquals(RouteTable.REMEMBERED.minusNanos(1), table.find(SESSION).offlineFor());
    assertEquals(1, table.remembered());
    now++;
    isUnknown(SESSION);
    table.forgetOld();
    assertEquals(0, table.remembered());
    assertTrue(table.all().isEmpty());
  }

  @Test
  void aSessionOfAPeerIsRememberedToo() {
    table.announced(route(PEER, SESSION, SMALL, 1, 1));
    now += 5;
    table.forget(PEER);
    now += 7;
    assertEquals(Duration.ofNanos(7), table.find(SESSION).offlineFor());
  }

  @Test
  void theLastOfItsTunnelsIsTheOneThatCounts() {
    Rival agent = rival(SMALL);
    agent.attached(1);
    table.announced(route(PEER, SESSION, SMALL, 2, 1, 5));
    agent.lose();
    now += 100;
    assertNull(table.find(SESSION).offlineFor());
    table.withdrawn(PEER, new Route.Key(SESSION, SMALL), 2);
    now += 3;
    assertEquals(Duration.ofNanos(3), table.find(SESSION).offlineFor());
  }

  @Test
  void ofTooManyTheOlderHalfIsForgottenAndNobodyWhoIsOnline() {
    rival(SMALL).attached(1);
    for (int i = 0; i <= MAX_REMEMBERED; i++) {
      Rival agent = new Rival(SMALL, SessionKey.of("gone-" + i));
      agent.attached(1);
      now++;
      agent.lose();
      assertEquals(i < MAX_REMEMBERED ? i + 1 : 5, table.remembered());
    }
    isUnknown(SessionKey.of("gone-5"));
    isOffline(SessionKey.of("gone-6"));
    assertEquals(1, table.online());
    assertEquals(1, table.ownTunnels().size());
  }

  @Test
  void thisHoldsForSessionsOfPeersHoweverTheyGo() {
    for (int i = 0; i <= 3 * MAX_REMEMBERED; i++) {
      SessionKey session = SessionKey.of("gone-" + i);
      table.announced(route(PEER, session, SMALL, 1, 1));
      now++;
      if (i % 2 == 0) {
        table.withdrawn(PEER, new Route.Key(session, SMALL), 1);
      } else {
        table.keepOnly(PEER, Set.of());
      }
      assertTrue(table.remembered() <= MAX_REMEMBERED, () -> "remembered " + table.remembered());
    }
  }

  /**
   * A dial that found a session unknown while its agent moves would be told 404. Reads and changes
   * race here; the clock is far from zero, as it is on a machine that has been up for long.
   */
  @Test
  void aSessionThatLosesItsTunnelIsNeverUnknownInBetween() throws InterruptedException {
    AtomicBoolean over = new AtomicBoolean();
    AtomicBoolean unknown = new AtomicBoolean();
    rival(SMALL).attached(1);
    Thread reader =
        new Thread(
            () -> {
              while (!over.get()) {
                RouteTable.Known known = table.find(SESSION);
                if (!known.isOnline() && known.offlineFor() == null) {
                  unknown.set(true);
                }
              }
            });
    reader.start();
    for (int i = 0; i < 20_000; i++) {
      SessionKey fresh = SESSION;
      table.lost(holder(), RouteTable.Removal.LOST);
      new Rival(new StreamId(4, i), fresh).attached(1);
    }
    over.set(true);
    reader.join();
    assertFalse(unknown.get());
  }

  // ---- flapping ----

  private List<String> reportsOf(Runnable steps) {
    Logger logger = (Logger) LoggerFactory.getLogger(RouteTable.class);
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    logger.addAppender(appender);
    try {
      steps.run();
    } finally {
      logger.detachAppender(appender);
    }
    return appender.list.stream().map(ILoggingEvent::getMessage).toList();
  }

  @Test
  void agentsThatTakeASessionFromEachOtherAreReported() {
    List<String> reports =
        reportsOf(
            () -> {
              for (int i = 0; i <= 2 * RouteTable.FLAPPING; i++) {
                rival(new StreamId(4, i)).attached(1);
              }
            });
    assertEquals(List.of("session.flapping", "session.flapping"), reports);
  }

  @Test
  void andThoseThatTakeItAtAnotherGateway() {
    List<String> reports =
        reportsOf(
            () -> {
              for (int i = 0; i < RouteTable.FLAPPING; i++) {
                rival(new StreamId(4, i)).attached(1);
                table.announced(route(PEER, SESSION, new StreamId(5, i), 1, 2 * i + 2));
                table.withdrawn(PEER, new Route.Key(SESSION, new StreamId(5, i)), 1);
              }
            });
    assertEquals(List.of("session.flapping"), reports);
  }

  @Test
  void aChangeOfHandsNowAndThenIsNoFlapping() {
    List<String> reports =
        reportsOf(
            () -> {
              for (int i = 0; i < 40; i++) {
                rival(new StreamId(4, i)).attached(1);
                now += Duration.ofSeconds(25).toNanos();
              }
            });
    assertEquals(List.of(), reports);
  }

  @ParameterizedTest
  @EnumSource(RouteTable.Removal.class)
  void reasonsKeepTheirNumbers(RouteTable.Removal reason) {
    assertSame(reason, RouteTable.Removal.of(reason.number()));
    assertSame(RouteTable.Removal.LOST, RouteTable.Removal.of(99));
  }
}

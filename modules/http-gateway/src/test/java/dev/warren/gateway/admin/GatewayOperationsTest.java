package dev.warren.gateway.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.control.ControlStatus;
import dev.warren.peer.control.NoControlPlaneException;
import dev.warren.peer.link.HolderCounts;
import dev.warren.peer.link.TunnelCounts;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.DuplicatePolicy;
import dev.warren.session.SessionStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GatewayOperationsTest {
  private static final Instant NOW = Instant.parse("2026-03-01T10:00:00Z");
  private static final GatewayIdentity SELF = new GatewayIdentity("gw-1", new Incarnation(1, 1));
  private static final GatewayIdentity PEER = new GatewayIdentity("gw-2", new Incarnation(2, 2));

  private static final CheckResults CHECKS = new CheckResults(System::nanoTime);

  private long nanos;
  private final RouteTable table =
      new RouteTable(SELF, DuplicatePolicy.POOL, Ranks.ofOneGateway(), () -> nanos);
  private final FakeControlPlane control = new FakeControlPlane();
  private final Operations clustered =
      operations(table, SELF, Optional.of(control), HolderCounts.NONE);
  private final Operations alone = operations(table, SELF, Optional.empty(), HolderCounts.NONE);

  private static Operations operations(
      RouteTable table,
      GatewayIdentity self,
      Optional<FakeControlPlane> control,
      HolderCounts counts) {
    return new GatewayOperations(
        self,
        table,
        CHECKS,
        control.map(plane -> plane),
        counts,
        () -> {
          throw new UnsupportedOperationException();
        },
        null,
        () -> {},
        () -> NOW);
  }

  private FakeTunnel own(String session) {
    FakeTunnel tunnel = new FakeTunnel(session, NOW.minusSeconds(60).toEpochMilli());
    assertInstanceOf(RouteTable.Admission.Admitted.class, table.admit(tunnel, tunnel.hello()));
    table.welcomed(tunnel);
    return tunnel;
  }

  private static Route route(GatewayIdentity holder, String session, StreamId instance) {
    return new Route(
        holder,
        SessionKey.of(session),
        instance,
        1,
        1,
        5,
        false,
        "warren-agent/1",
        "10.0.0.9:4711",
        NOW.minusSeconds(60).toEpochMilli());
  }

  private void atPeer(String session) {
    assertTrue(table.announced(route(PEER, session, StreamId.random())));
  }

  private static <T> T done(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private static List<String> lines(SessionsAnswer answer) {
    return answer.sessions().stream()
        .map(
            one ->
                one.session()
                    + " "
                    + one.status()
                    + " "
                    + one.tunnels().stream().map(SessionAnswer.Tunnel::holder).toList()
                    + " "
                    + (one.entity() == null ? "-" : one.entity().gateway()))
        .toList();
  }

  @Test
  void listIsTheUnionOfRoutesAndEntitiesSortedByKey() throws Exception {
    own("b");
    atPeer("d");
    own("lab/a");
    control.knows("b", SessionStatus.ONLINE, 1_000);
    control.knows("a", SessionStatus.OFFLINE, 2_000);
    control.knows("c", SessionStatus.OFFLINE, 3_000);
    SessionsAnswer answer = done(clustered.sessions(null, 500));
    assertEquals(
        List.of(
            "a offline [] gw-of-entity",
            "b online [gw-1] gw-of-entity",
            "c offline [] gw-of-entity",
            "d online [gw-2] -",
            "lab/a online [gw-1] -"),
        lines(answer));
    assertEquals(Instant.ofEpochMilli(2_000), answer.sessions().get(0).lastConnected());
    assertEquals(SessionsAnswer.ANSWERED, answer.control());
    assertEquals(List.of("pekko://warren@127.0.0.1:7109"), answer.silent());
    assertFalse(answer.more());
  }

  @Test
  void pagesOfAnySizeHaveEverySessionOnce() throws Exception {
    for (int i = 0; i < 20; i++) {
      String session = "s" + (char) ('a' + i);
      if (i % 3 != 0) {
        control.knows(session, SessionStatus.OFFLINE, 1);
      }
      if (i % 3 != 1) {
        atPeer(session);
      }
    }
    for (int limit = 1; limit <= 21; limit++) {
      StringBuilder seen = new StringBuilder();
      SessionKey after = null;
      SessionsAnswer page;
      do {
        page = done(clustered.sessions(after, limit));
        assertTrue(page.sessions().size() <= limit);
        assertTrue(page.sessions().size() == limit || !page.more(), "a short page that goes on");
        for (SessionAnswer one : page.sessions()) {
          seen.append(one.session().charAt(1));
          after = SessionKey.of(one.session());
        }
      } while (page.more());
      assertEquals("abcdefghijklmnopqrst", seen.toString(), "limit " + limit);
    }
  }

  @Test
  void everyGatewayAnswersTheSame() throws Exception {
    FakeTunnel first = own("foo");
    FakeTunnel second = own("foo");
    RouteTable there =
        new RouteTable(PEER, DuplicatePolicy.POOL, Ranks.ofOneGateway(), () -> nanos);
    for (FakeTunnel tunnel : List.of(second, first)) {
      assertTrue(
          there.announced(
              new Route(
                  SELF,
                  tunnel.session(),
                  tunnel.instance(),
                  tunnel.connection(),
                  tunnel.rank().epoch(),
                  tunnel.rank().incarnation(),
                  false,
                  tunnel.software(),
                  tunnel.remote(),
                  tunnel.sinceMillis())));
    }
    control.knows("foo", SessionStatus.ONLINE, 1_000);
    Operations peer =
        operations(
            there,
            PEER,
            Optional.of(control),
            (sessions, within) -> {
              assertEquals(Map.of(SELF, Set.of(SessionKey.of("foo"))), sessions);
              return CompletableFuture.completedFuture(
                  Map.of(SELF, List.of(TunnelCounts.of(first), TunnelCounts.of(second))));
            });
    assertEquals(done(clustered.sessions(null, 10)), done(peer.sessions(null, 10)));
    assertEquals(
        done(clustered.session(SessionKey.of("foo"))), done(peer.session(SessionKey.of("foo"))));
    SessionAnswer.Tunnel shown =
        done(peer.session(SessionKey.of("foo"))).orElseThrow().tunnels().get(0);
    assertEquals(0, shown.streams());
    assertNull(shown.roundTripMillis(), "not measured yet");
  }

  @Test
  void holderThatDoesNotSayHowBusyItsTunnelsAreLeavesThatOut() throws Exception {
    atPeer("foo");
    SessionAnswer answer = done(clustered.session(SessionKey.of("foo"))).orElseThrow();
    assertNull(answer.tunnels().get(0).streams());
    assertEquals(answer.tunnels().get(0).since(), answer.since());
  }

  @Test
  void sessionThatOnlyOneTableRemembersIsNoAnswerOfTheCluster() throws Exception {
    FakeTunnel tunnel = own("foo");
    table.lost(tunnel, RouteTable.Removal.LOST);
    assertEquals(List.of(), lines(done(clustered.sessions(null, 10))));
    assertEquals(Optional.empty(), done(clustered.session(SessionKey.of("foo"))));
  }

  @Test
  void aloneItTellsWhatItsTableRemembers() throws Exception {
    own("b");
    table.lost(own("a"), RouteTable.Removal.LOST);
    nanos = TimeUnit.SECONDS.toNanos(90);
    SessionsAnswer answer = done(alone.sessions(null, 10));
    assertEquals(List.of("a offline [] -", "b online [gw-1] -"), lines(answer));
    assertEquals(NOW.minusSeconds(90), answer.sessions().get(0).lastConnected());
    assertEquals(SessionsAnswer.NONE, answer.control());
    assertEquals(Optional.empty(), done(alone.session(SessionKey.of("c"))));
  }

  @Test
  void controlPlaneThatIsAwayIsSaidAndTheTableAnswers() throws Exception {
    own("foo");
    control.failure = new NoControlPlaneException(ControlStatus.State.RESTARTING);
    SessionsAnswer answer = done(clustered.sessions(null, 10));
    assertEquals(List.of("foo online [gw-1] -"), lines(answer));
    assertEquals(SessionsAnswer.UNAVAILABLE, answer.control());
    assertTrue(done(clustered.session(SessionKey.of("foo"))).isPresent());
  }

  @Test
  void controlPlaneThatIsSilentIsNotWaitedForLong() throws Exception {
    own("foo");
    control.silent = true;
    assertEquals(SessionsAnswer.UNAVAILABLE, done(clustered.sessions(null, 10)).control());
  }

  @Test
  void withoutAnAnswerNoSessionIsCalledUnknown() {
    control.failure = new NoControlPlaneException(ControlStatus.State.JOINING);
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> done(clustered.session(SessionKey.of("foo"))));
    assertInstanceOf(Operations.UnavailableException.class, failed.getCause());
  }

  @Test
  void oneSessionHasItsEntitysPlace() throws Exception {
    own("foo");
    control.knows("foo", SessionStatus.ONLINE, 1_000);
    SessionAnswer answer = done(clustered.session(SessionKey.of("foo"))).orElseThrow();
    assertEquals(
        new SessionAnswer.Entity("gw-of-entity", "pekko://warren@127.0.0.1:7101", "newest", 2L),
        answer.entity());
    assertEquals("gw-1", answer.tunnels().get(0).holder());
    assertEquals(SELF.incarnation().toString(), answer.tunnels().get(0).holderIncarnation());
    assertNull(done(alone.session(SessionKey.of("foo"))).orElseThrow().entity());
  }

  @Test
  void closingIsTheEntitysOrder() throws Exception {
    FakeTunnel tunnel = own("foo");
    assertEquals(
        Optional.of(new ClosedAnswer(2, 1, SessionsAnswer.ANSWERED)),
        done(clustered.close(SessionKey.of("foo"))));
    assertEquals(List.of("close foo: closed by order of an operator"), control.orders);
    assertNull(tunnel.ended, "the holder is told by the entity");
    assertEquals(Optional.empty(), done(clustered.close(SessionKey.of("bar"))));
  }

  @Test
  void withoutAControlPlaneItsOwnTunnelsAreClosed() throws Exception {
    FakeTunnel tunnel = own("foo");
    atPeer("foo");
    assertEquals(
        Optional.of(new ClosedAnswer(1, 1, SessionsAnswer.NONE)),
        done(alone.close(SessionKey.of("foo"))));
    assertEquals("CLOSED_BY_ORDER, closed by order of an operator, 5000", tunnel.ended);
    assertEquals(Optional.empty(), done(alone.close(SessionKey.of("bar"))));
  }

  @Test
  void whileTheControlPlaneIsAwayItsOwnTunnelsAreClosed() throws Exception {
    FakeTunnel tunnel = own("foo");
    control.failure = new NoControlPlaneException(ControlStatus.State.RESTARTING);
    assertEquals(
        Optional.of(new ClosedAnswer(1, 0, SessionsAnswer.UNAVAILABLE)),
        done(clustered.close(SessionKey.of("foo"))));
    assertTrue(tunnel.ended.startsWith("CLOSED_BY_ORDER"), tunnel.ended);
  }

  @Test
  void restartGoesToTheControlPlane() {
    clustered.restartControlPlane(false, "by order of alice");
    clustered.restartControlPlane(true, "by order of bob");
    assertEquals(
        List.of("restart: by order of alice", "restart all: by order of bob"), control.orders);
    Operations.NoClusterException refused =
        assertThrows(
            Operations.NoClusterException.class, () -> alone.restartControlPlane(true, "x"));
    assertTrue(refused.getMessage().contains("gw-1 is alone"), refused.getMessage());
  }
}

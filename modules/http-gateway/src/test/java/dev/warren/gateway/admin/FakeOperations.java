package dev.warren.gateway.admin;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.session.DuplicatePolicy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Answers what a test says, and remembers what it was asked. */
final class FakeOperations implements Operations {
  static final GatewayIdentity SELF = new GatewayIdentity("gw-1", new Incarnation(1, 1));
  static final Instant SINCE = Instant.parse("2026-03-01T10:00:00.123Z");

  final RouteTable table =
      new RouteTable(SELF, DuplicatePolicy.POOL, Ranks.ofOneGateway(), System::nanoTime);
  final CheckResults checks = new CheckResults(System::nanoTime);
  final SessionFeed feed = SessionFeed.of(SELF, table, checks, () -> SINCE);
  final List<String> asked = new ArrayList<>();
  volatile RuntimeException failure;

  static SessionAnswer foo() {
    return SessionAnswer.of(
        SessionKey.of("foo"),
        SessionAnswer.ONLINE,
        List.of(
            new SessionAnswer.Tunnel(
                "gw-1",
                "aa",
                "bb",
                3,
                7,
                false,
                SINCE,
                "10.0.0.9:4711",
                "warren-agent/1",
                1.25,
                2,
                3L,
                4L)),
        SINCE,
        new SessionAnswer.Entity("gw-2", null, null, null));
  }

  private synchronized void asked(String question) {
    asked.add(question);
    if (failure != null) {
      throw failure;
    }
  }

  synchronized List<String> questions() {
    return List.copyOf(asked);
  }

  @Override
  public StatusAnswer status() {
    asked("status");
    return new StatusAnswer(
        new StatusAnswer.Gateway(
            "gw-1", "aa", "1.0", SINCE, true, false, "127.0.0.1:8123", null, null),
        StatusAnswer.Control.NONE,
        List.of(),
        new StatusAnswer.Sessions(1, 1, 0, 0),
        new StatusAnswer.Dials(9, 8, 1, 0, 0, 0, 0, 0),
        new StatusAnswer.RefusedHandshakes(0, Map.of()),
        new StatusAnswer.Memory(1, 2, 3, 4, 5, 6));
  }

  @Override
  public CompletionStage<SessionsAnswer> sessions(SessionKey after, int limit) {
    asked("sessions " + after + " " + limit);
    return CompletableFuture.completedFuture(
        new SessionsAnswer(List.of(foo()), false, List.of(), SessionsAnswer.ANSWERED));
  }

  @Override
  public CompletionStage<Optional<SessionAnswer>> session(SessionKey session) {
    asked("session " + session);
    if (session.id().equals("unheard")) {
      return CompletableFuture.failedFuture(new UnavailableException("nobody answers"));
    }
    return CompletableFuture.completedFuture(
        session.id().equals("foo") ? Optional.of(foo()) : Optional.empty());
  }

  @Override
  public CompletionStage<Optional<ClosedAnswer>> close(SessionKey session) {
    asked("close " + session);
    return CompletableFuture.completedFuture(
        session.id().equals("foo")
            ? Optional.of(new ClosedAnswer(2, 0, SessionsAnswer.ANSWERED))
            : Optional.empty());
  }

  @Override
  public void restartControlPlane(boolean all, String reason) {
    asked("restart " + all + " " + reason);
  }

  @Override
  public SessionFeed feed() {
    return feed;
  }

  @Override
  public void drain() {
    asked("drain");
  }
}

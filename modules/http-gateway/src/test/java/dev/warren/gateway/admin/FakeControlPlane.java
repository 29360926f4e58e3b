package dev.warren.gateway.admin;

import dev.warren.peer.control.ControlPlane;
import dev.warren.peer.control.ControlStatus;
import dev.warren.peer.control.HeldTunnel;
import dev.warren.protocol.SessionKey;
import dev.warren.session.Closed;
import dev.warren.session.Description;
import dev.warren.session.DuplicatePolicy;
import dev.warren.session.SessionEntry;
import dev.warren.session.SessionPage;
import dev.warren.session.SessionStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Knows the sessions that a test gives it; fails, or says nothing, where the test wants that. */
final class FakeControlPlane implements ControlPlane {
  final TreeMap<SessionKey, SessionEntry> entries = new TreeMap<>();
  final List<String> orders = new ArrayList<>();
  RuntimeException failure;
  boolean silent;

  void knows(String session, SessionStatus status, long lastConnectedMillis) {
    SessionKey key = SessionKey.of(session);
    entries.put(
        key, new SessionEntry(key, status, 0, List.of(), 0, lastConnectedMillis, "gw-of-entity"));
  }

  private <T> CompletionStage<T> answer(T answer) {
    return silent
        ? new CompletableFuture<>()
        : failure != null
            ? CompletableFuture.failedFuture(failure)
            : CompletableFuture.completedFuture(answer);
  }

  @Override
  public CompletionStage<Description> describe(SessionKey session, Duration timeout) {
    SessionEntry entry = entries.get(session);
    return answer(
        new Description(
            session,
            entry == null ? SessionStatus.UNKNOWN : entry.status(),
            DuplicatePolicy.NEWEST,
            List.of(),
            entry == null ? 0 : entry.lastConnectedMillis(),
            1,
            2,
            "pekko://warren@127.0.0.1:7101",
            "gw-of-entity"));
  }

  @Override
  public CompletionStage<SessionPage> list(SessionKey after, int limit, Duration timeout) {
    List<SessionEntry> behind =
        List.copyOf((after == null ? entries : entries.tailMap(after, false)).values());
    return answer(
        new SessionPage(
            behind.subList(0, Math.min(limit, behind.size())),
            behind.size() > limit,
            List.of("pekko://warren@127.0.0.1:7109")));
  }

  @Override
  public CompletionStage<Closed> closeSession(SessionKey session, String detail) {
    orders.add("close " + session + ": " + detail);
    return answer(new Closed(2, 1));
  }

  @Override
  public void restart(String reason) {
    orders.add("restart: " + reason);
  }

  @Override
  public void restartAll(String reason) {
    orders.add("restart all: " + reason);
  }

  @Override
  public int entitiesHere() {
    return entries.size();
  }

  @Override
  public ControlStatus status() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void tunnelUp(HeldTunnel tunnel) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void tunnelLost(HeldTunnel tunnel, String reason) {
    throw new UnsupportedOperationException();
  }

  @Override
  public CompletionStage<SessionStatus> presence(SessionKey session, Duration timeout) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void draining() {
    throw new UnsupportedOperationException();
  }

  @Override
  public CompletionStage<Void> close() {
    throw new UnsupportedOperationException();
  }
}

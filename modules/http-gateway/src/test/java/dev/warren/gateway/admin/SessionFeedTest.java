package dev.warren.gateway.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.DuplicatePolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.SinkQueueWithCancel;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SessionFeedTest {
  private static final GatewayIdentity SELF = new GatewayIdentity("gw-1", new Incarnation(1, 1));
  private static final GatewayIdentity PEER = new GatewayIdentity("gw-2", new Incarnation(2, 2));

  private final RouteTable table =
      new RouteTable(SELF, DuplicatePolicy.POOL, Ranks.ofOneGateway(), System::nanoTime);
  private final CheckResults checks = new CheckResults(System::nanoTime);
  private final SessionFeed feed = SessionFeed.of(SELF, table, checks, () -> Instant.EPOCH);
  private final Ear ear = new Ear();

  private static final class Ear implements SessionFeed.Listener {
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @Override
    public void told(SessionEvent event) {
      heard.add(
          event.number()
              + " "
              + event.kind()
              + " "
              + event.session()
              + " "
              + event.before()
              + event.holders()
              + (event.check() == null
                  ? ""
                  : " " + event.check().target() + " " + event.check().reason()));
    }

    @Override
    public void closed() {
      heard.add("closed");
    }

    String next() throws InterruptedException {
      return heard.poll(30, TimeUnit.SECONDS);
    }
  }

  @AfterEach
  void close() {
    feed.close();
  }

  private void listening(SessionFeed.Listener listener) {
    int before = feed.listeners();
    feed.add(listener);
    while (feed.listeners() == before) {
      Thread.onSpinWait();
    }
  }

  private FakeTunnel attach(String session) {
    FakeTunnel tunnel = new FakeTunnel(session, 0);
    table.admit(tunnel, tunnel.hello());
    table.welcomed(tunnel);
    return tunnel;
  }

  private static Route route(String session) {
    return new Route(
        PEER, SessionKey.of(session), StreamId.random(), 1, 1, 5, false, "test", "", 0);
  }

  @Test
  void sessionsThatComeMoveAndGoAreToldWithTheirHolders() throws Exception {
    attach("before");
    listening(ear);
    FakeTunnel tunnel = attach("lab/foo");
    assertEquals("1 online lab/foo [][gw-1]", ear.next());
    Route moved = route("lab/foo");
    table.announced(moved);
    assertEquals("2 moved lab/foo [gw-1][gw-1, gw-2]", ear.next());
    table.lost(tunnel, RouteTable.Removal.MOVED);
    assertEquals("3 moved lab/foo [gw-1, gw-2][gw-2]", ear.next());
    table.withdrawn(PEER, moved.key(), 1);
    assertEquals("4 offline lab/foo [gw-2][]", ear.next());
    table.announced(route("bar"));
    assertEquals("5 online bar [][gw-2]", ear.next());
    table.forget(PEER);
    assertEquals("6 offline bar [gw-2][]", ear.next());
  }

  @Test
  void checksThatFailAndRecoverAreToldOnce() throws Exception {
    attach("foo");
    checks.take(checked("foo", "a:1", 1, false)); // before anybody listens
    listening(ear);
    checks.take(checked("foo", "a:1", 2, false));
    checks.take(checked("foo", "b:1", 1, true));
    checks.take(checked("foo", "c:1", 1, false));
    assertEquals("1 check-failed foo [gw-1][gw-1] c:1 refused", ear.next());
    checks.take(checked("foo", "c:1", 2, false));
    checks.take(checked("foo", "a:1", 3, true));
    assertEquals("2 check-recovered foo [gw-1][gw-1] a:1 null", ear.next());
  }

  private static CheckResult checked(String session, String target, long round, boolean good) {
    return new CheckResult(
        SessionKey.of(session),
        target,
        round,
        PEER.incarnation(),
        good,
        1,
        2,
        3,
        good ? "" : "refused",
        Duration.ofSeconds(30));
  }

  @Test
  void soManyListenAndNoMoreAndAllHearOfTheEnd() throws Exception {
    for (int i = 0; i < SessionFeed.MAX_LISTENERS; i++) {
      assertTrue(feed.hasRoom());
      listening(i == 0 ? ear : new Ear());
    }
    assertFalse(feed.hasRoom());
    Ear late = new Ear();
    feed.add(late);
    assertEquals("closed", late.next());
    feed.close();
    assertEquals("closed", ear.next());
  }

  @Test
  void clientThatDoesNotReadIsSentAwayWithALastEvent() throws Exception {
    ActorSystem system = ActorSystem.create();
    try {
      SinkQueueWithCancel<ByteString> client =
          EventStream.of(feed, Duration.ofHours(1)).toMat(Sink.queue(1), Keep.right()).run(system);
      assertTrue(pull(client).startsWith(": still here"));
      while (feed.listeners() == 0) {
        Thread.onSpinWait();
      }
      listening(ear);
      int events = EventStream.MAX_WAITING + 200; // more than wait in it and in the stream's stages
      for (int i = 0; i < events; i++) {
        table.announced(route("s" + i));
      }
      for (int i = 0; i < events; i++) {
        ear.next();
      }
      while (feed.listeners() > 1) {
        Thread.onSpinWait();
      }
      int delivered = 0;
      String text = pull(client);
      while (text.startsWith("id: ")) {
        delivered++;
        text = pull(client);
      }
      assertTrue(delivered >= EventStream.MAX_WAITING && delivered < events, delivered + " events");
      assertEquals("event: end\ndata: {\"reason\":\"slow\"}\n\n", text);
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void whoHearsNothingHearsThatItIsStillThere() throws Exception {
    ActorSystem system = ActorSystem.create();
    try {
      SinkQueueWithCancel<ByteString> client =
          EventStream.of(feed, Duration.ofMillis(10))
              .toMat(Sink.queue(1), Keep.right())
              .run(system);
      for (int i = 0; i < 3; i++) {
        assertEquals(": still here\n\n", pull(client));
      }
      client.cancel();
      while (feed.listeners() > 0) {
        Thread.onSpinWait();
      }
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  private static String pull(SinkQueueWithCancel<ByteString> client) throws Exception {
    return CompletableFuture.supplyAsync(client::pull)
        .thenCompose(stage -> stage)
        .get(30, TimeUnit.SECONDS)
        .orElseThrow()
        .utf8String();
  }
}

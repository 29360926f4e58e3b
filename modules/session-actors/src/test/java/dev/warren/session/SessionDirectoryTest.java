package dev.warren.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Down;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.Leave;
import org.apache.pekko.remote.RemoteActorRefProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import scala.concurrent.Future;
import scala.jdk.javaapi.FutureConverters;

/** Real nodes in one JVM: entities, holders and indexes over Artery. */
class SessionDirectoryTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** Far more than anything here takes; only a failure lasts so long. */
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  /** A gateway without a data plane: a set of tunnels. */
  private static final class Node implements HolderDuties {
    final String id;
    final Incarnation life = Incarnation.random();
    final Map<SessionKey, TunnelReport> tunnels = new ConcurrentHashMap<>();
    final ActorSystem<Void> system;
    final SessionDirectory directory;

    Node(String id) {
      this.id = id;
      system =
          ActorSystem.create(
              Behaviors.empty(),
              "warren",
              SessionSettings.shardingConfig()
                  .withFallback(
                      ConfigFactory.load(ConfigFactory.parseResources("cluster-test.conf"))));
      directory = SessionDirectory.start(system, SessionSettings.DEFAULT, id, life, this);
    }

    Address address() {
      return Cluster.get(system).selfMember().address();
    }

    void attach(String session, int instance, long connection) {
      TunnelReport tunnel =
          new TunnelReport(
              id, life, Some.instance(instance), connection, instance, 7, 1, "", "", "");
      tunnels.put(SessionKey.of(session), tunnel);
      directory.tunnelUp(SessionKey.of(session), tunnel);
    }

    void detach(String session) {
      TunnelReport tunnel = tunnels.remove(SessionKey.of(session));
      directory.tunnelLost(SessionKey.of(session), tunnel, "gone");
    }

    @Override
    public void close(
        SessionKey session, StreamId instance, long connection, CloseReason reason, String detail) {
      TunnelReport tunnel = tunnels.get(session);
      if (tunnel != null
          && tunnel.instance().equals(instance)
          && tunnel.connection() == connection) {
        detach(session.toString());
      }
    }
  }

  private final List<Node> nodes = new ArrayList<>();

  private Node node(String id) {
    Node node = new Node(id);
    nodes.add(node);
    Cluster.get(node.system).manager().tell(Join.create(nodes.get(0).address()));
    return node;
  }

  @AfterEach
  void stop() throws Exception {
    for (Node node : nodes) {
      node.system.terminate();
    }
    for (Node node : nodes) {
      get(node.system.getWhenTerminated());
    }
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private interface Question<T> {
    CompletionStage<T> ask();
  }

  /** Asks again until the answer is as expected; unanswered questions are asked again as well. */
  private static <T> T eventually(Question<T> question, Predicate<T> expected) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    Object last = null;
    while (System.nanoTime() < deadline) {
      try {
        T answer = get(question.ask());
        if (expected.test(answer)) {
          return answer;
        }
        last = answer;
      } catch (ExecutionException e) {
        last = e.getCause();
      }
      TimeUnit.MILLISECONDS.sleep(50); // a pause between questions, no synchronisation
    }
    throw new AssertionError("last answer: " + last);
  }

  private static Description online(Node at, String session, int tunnels) throws Exception {
    return eventually(
        () -> at.directory.describe(SessionKey.of(session), SECOND),
        description -> description.tunnels().size() == tunnels);
  }

  private static SessionPage list(Node at, int sessions) throws Exception {
    return eventually(
        () -> at.directory.list(null, 500, SECOND),
        page -> page.entries().size() == sessions && page.silentNodes().isEmpty());
  }

  @Test
  void oneNodeKnowsWhatItHoldsListsItAndClosesIt() throws Exception {
    Node alone = node("g1");
    alone.attach("printer-7", 1, 1);
    alone.attach("plant/pump", 1, 1);
    alone.attach("camera", 1, 1);
    Description printer = online(alone, "printer-7", 1);
    assertEquals(SessionStatus.ONLINE, printer.status());
    assertEquals(List.of(alone.tunnels.get(Some.PRINTER)), printer.tunnels());
    assertEquals(alone.address().toString(), printer.node());
    assertEquals("g1", printer.gateway());

    list(alone, 3);
    assertEquals(3, alone.directory.entitiesHere());
    SessionPage first = get(alone.directory.list(null, 2, SECOND));
    assertEquals(List.of("camera", "printer-7"), keys(first));
    assertTrue(first.more());
    SessionPage next = get(alone.directory.list(first.entries().get(1).session(), 2, SECOND));
    assertEquals(List.of("plant/pump"), keys(next));
    assertFalse(next.more());

    assertEquals(new Closed(1, 0), get(alone.directory.close(Some.PRINTER, "by order")));
    assertFalse(alone.tunnels.containsKey(Some.PRINTER));
    assertEquals(SessionStatus.OFFLINE, online(alone, "printer-7", 0).status());
    assertEquals(
        SessionStatus.UNKNOWN,
        get(alone.directory.describe(SessionKey.of("nobody"), SECOND)).status());
    assertEquals(new Closed(0, 0), get(alone.directory.close(SessionKey.of("nobody"), "by order")));
  }

  /** Some are allocated there at once, others move there: then they are reported again. */
  private static void awaitEntitiesOnBoth(Node node) throws Exception {
    eventually(
        () -> node.directory.list(null, 500, SECOND),
        page ->
            Set.of("g1", "g2")
                .equals(
                    page.entries().stream()
                        .map(SessionEntry::gateway)
                        .collect(Collectors.toSet())));
  }

  private static List<String> keys(SessionPage page) {
    return page.entries().stream().map(entry -> entry.session().toString()).toList();
  }

  @Test
  void twoNodesKnowTheSameAndWhatLivesOnALeavingOneIsReportedAgain() throws Exception {
    Node first = node("g1");
    Node second = node("g2");
    for (int i = 0; i < 30; i++) {
      first.attach("a" + i, 1, 1);
      second.attach("a" + i, 1, 2);
    }
    list(first, 30);
    list(second, 30);
    awaitEntitiesOnBoth(first);
    for (int i = 0; i < 30; i++) {
      assertEquals(online(first, "a" + i, 2).tunnels(), online(second, "a" + i, 2).tunnels());
    }

    // By order from anywhere, both tunnels are closed.
    assertEquals(new Closed(2, 0), get(second.directory.close(SessionKey.of("a0"), "by order")));
    assertFalse(first.tunnels.containsKey(SessionKey.of("a0")));
    assertFalse(second.tunnels.containsKey(SessionKey.of("a0")));

    // A newer instance at one gateway supersedes the older one at the other.
    first.attach("a1", 2, 1);
    eventually(
        () -> second.directory.describe(SessionKey.of("a1"), SECOND),
        description ->
            description.tunnels().equals(List.of(first.tunnels.get(SessionKey.of("a1")))));
    eventually(
        () -> second.directory.describe(SessionKey.of("a1"), SECOND),
        description -> !second.tunnels.containsKey(SessionKey.of("a1")));

    Cluster.get(first.system).manager().tell(Leave.create(first.address()));
    get(first.system.getWhenTerminated());
    for (int i = 2; i < 30; i++) {
      SessionKey session = SessionKey.of("a" + i);
      eventually(
          () -> second.directory.describe(session, SECOND),
          description ->
              description.gateway().equals("g2")
                  && description.tunnels().equals(List.of(second.tunnels.get(session))));
    }
    // The two others are offline, or were on the node that has left.
    eventually(
        () -> second.directory.list(null, 500, SECOND),
        page ->
            page.silentNodes().isEmpty()
                && page.entries().stream()
                        .filter(entry -> entry.status() == SessionStatus.ONLINE)
                        .count()
                    == 28);
  }

  @Test
  void whatLivedOnANodeThatDiesIsReportedAgainOnceItIsDown() throws Exception {
    Node first = node("g1");
    Node second = node("g2");
    for (int i = 0; i < 20; i++) {
      first.attach("a" + i, 1, 1);
    }
    list(first, 20);
    awaitEntitiesOnBoth(first);
    // Without a word: nothing is handed over.
    Address dead = second.address();
    abort(second);
    SessionPage meanwhile = get(first.directory.list(null, 500, Duration.ofMillis(300)));
    assertEquals(List.of(dead.toString()), meanwhile.silentNodes());
    Cluster.get(first.system).manager().tell(new Down(dead));
    for (int i = 0; i < 20; i++) {
      assertEquals("g1", online(first, "a" + i, 1).gateway());
    }
    list(first, 20);
  }

  /** Ends the transport first, so that nobody hears of the end of the actors. */
  private static void abort(Node node) throws Exception {
    var provider =
        (RemoteActorRefProvider) ((ExtendedActorSystem) Adapter.toClassic(node.system)).provider();
    Future<?> ended = provider.transport().shutdown();
    get(FutureConverters.asJava(ended));
  }

  @Test
  void aSystemWithoutTheShardingConfigIsRefused() throws Exception {
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(),
            "warren",
            ConfigFactory.load(ConfigFactory.parseResources("cluster-test.conf")));
    try {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      SessionDirectory.start(
                          system,
                          SessionSettings.DEFAULT,
                          "g1",
                          Incarnation.random(),
                          (session, instance, connection, reason, detail) -> {}))
              .getMessage();
      assertTrue(message.contains("number-of-shards: 1000 (expected: 60"), message);
    } finally {
      system.terminate();
      get(system.getWhenTerminated());
    }
  }

  @Test
  void aReportOfAnotherLifeIsRefused() {
    Node alone = node("g1");
    assertThrows(
        IllegalArgumentException.class,
        () -> alone.directory.tunnelUp(Some.PRINTER, Some.tunnel(1, 1)));
  }
}

package dev.warren.peer.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.netty.handler.ssl.SslProvider;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.pekko.actor.AbstractActor;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Props;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class ArteryTest {
  private static final Duration WAIT = Duration.ofSeconds(20);
  private static final Config CONFIG =
      ConfigFactory.parseString(
              """
              pekko.actor.provider = remote
              pekko.remote.artery.transport = tls-tcp
              pekko.remote.artery.canonical.hostname = 127.0.0.1
              pekko.remote.artery.canonical.port = 0
              pekko.log-dead-letters = off
              pekko.coordinated-shutdown.run-by-jvm-shutdown-hook = off
              """)
          .withFallback(ConfigFactory.load());

  /** Which refusals were logged, in order, as {@code direction reason}. */
  private static final class Refusals extends AppenderBase<ILoggingEvent> {
    private final LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();

    @Override
    protected void append(ILoggingEvent event) {
      seen.add(
          event.getKeyValuePairs().stream()
              .filter(pair -> List.of("port", "direction", "reason").contains(pair.key))
              .map(pair -> String.valueOf(pair.value))
              .collect(Collectors.joining(" ")));
    }

    void await(String wanted) throws InterruptedException {
      List<String> others = new ArrayList<>();
      for (String next = ""; !next.equals(wanted); others.add(next)) {
        next = seen.poll(WAIT.toSeconds(), TimeUnit.SECONDS);
        assertNotNull(next, () -> "not logged: " + wanted + ", but " + others);
      }
    }
  }

  @TempDir Path directory;

  private final List<Node> nodes = new ArrayList<>();
  private final List<ActorSystem> systems = new ArrayList<>();
  private final Refusals refusals = new Refusals();
  private final Logger logger = (Logger) LoggerFactory.getLogger(HandshakeRefusals.class);

  /** Stands for a gateway's life: it answers to {@code Identify} by itself. */
  private static final class Silent extends AbstractActor {
    @Override
    public Receive createReceive() {
      return receiveBuilder().build();
    }
  }

  @BeforeEach
  void listen() {
    logger.setLevel(Level.INFO);
    refusals.start();
    logger.addAppender(refusals);
  }

  @AfterEach
  void stop() throws Exception {
    logger.detachAppender(refusals);
    systems.forEach(ActorSystem::terminate);
    for (ActorSystem system : systems) {
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
    nodes.forEach(Node::close);
  }

  private Node node(String id, Instant now, String... tokens) {
    Node node = new Node(directory, id, SslProvider.JDK, now, tokens);
    nodes.add(node);
    return node;
  }

  private ActorSystem start(Node node) {
    ActorSystem system =
        ActorSystem.create(
            "test", ActorSystemSetup.create(BootstrapSetup.create(CONFIG), node.tls.arterySetup()));
    system.actorOf(Props.create(Silent.class, Silent::new), "silent");
    systems.add(system);
    return system;
  }

  private static Address address(ActorSystem system) {
    return ((ExtendedActorSystem) system).provider().getDefaultAddress();
  }

  private static CompletableFuture<ActorRef> reach(ActorSystem from, ActorSystem to) {
    return from.actorSelection(address(to) + "/user/silent").resolveOne(WAIT).toCompletableFuture();
  }

  @Test
  void systemsWithOneTokenReachEachOtherAndAStrangerReachesNobody() throws Exception {
    Node one = node("one", Node.NOW, Node.TOKEN);
    Node two = node("two", Node.NOW, Node.NEXT_TOKEN, Node.TOKEN);
    one.tokens(Node.TOKEN, Node.NEXT_TOKEN);
    Node other = node("other", Node.NOW, Node.OTHER_TOKEN);
    ActorSystem first = start(one);
    ActorSystem second = start(two);
    assertNotNull(reach(first, second).get(30, TimeUnit.SECONDS));
    assertNotNull(reach(second, first).get(30, TimeUnit.SECONDS));
    assertEquals(0, one.refused() + two.refused());

    ActorSystem stranger = start(other);
    CompletableFuture<ActorRef> reached = reach(stranger, first);
    refusals.await("cluster in wrong-token");
    assertTrue(one.refused(RefusalReason.WRONG_TOKEN) > 0);
    CompletableFuture<ActorRef> alsoNot = reach(second, stranger);
    refusals.await("cluster out wrong-token");
    assertTrue(other.refused(RefusalReason.WRONG_TOKEN) > 0);
    assertFalse(reached.isDone() && !reached.isCompletedExceptionally());
    assertFalse(alsoNot.isDone() && !alsoNot.isCompletedExceptionally());
  }

  @Test
  void connectionsAfterAChangeUseTheNewToken() throws Exception {
    Node one = node("one", Node.NOW, Node.TOKEN);
    Node two = node("two", Node.NOW, Node.NEXT_TOKEN);
    ActorSystem first = start(one);
    ActorSystem second = start(two);
    CompletableFuture<ActorRef> early = reach(first, second);
    refusals.await("cluster in wrong-token");
    one.tokens(Node.NEXT_TOKEN);
    // Artery tries again by itself, and delivers what waited or what comes.
    assertTrue(
        early.handle((ref, failure) -> ref != null).get(30, TimeUnit.SECONDS)
            || reach(first, second).get(30, TimeUnit.SECONDS) != null);
  }

  @Test
  void garbageAndHangingUpOnTheClusterPortAreCounted() throws Exception {
    Node one = node("one", Node.NOW, Node.TOKEN);
    ActorSystem first = start(one);
    int port = (Integer) address(first).port().get();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      refusals.await("cluster in not-tls");
    }
    one.clock.passes(Duration.ofMinutes(1));
    new Socket(InetAddress.getLoopbackAddress(), port).close();
    refusals.await("cluster in stopped");
    assertEquals(1, one.refused(RefusalReason.NOT_TLS));
    assertEquals(1, one.refused(RefusalReason.STOPPED));
  }

  @Test
  void expiredCertificateIsRefusedOnTheClusterPort() throws Exception {
    Node good = node("good", Node.NOW, Node.TOKEN);
    Node expired = node("expired", Node.NOW.minus(Duration.ofDays(8)), Node.TOKEN);
    expired.clock.passes(Duration.ofDays(8));
    CompletableFuture<ActorRef> reached = reach(start(expired), start(good));
    refusals.await("cluster in not-valid-now");
    assertFalse(reached.isDone() && !reached.isCompletedExceptionally());
  }

  @Test
  void silentPeerOnTheClusterPortIsCountedAfterTheTimeout() throws Exception {
    Node one = impatient();
    int port = (Integer) address(start(one)).port().get();
    try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), port)) {
      refusals.await("cluster in stopped");
      assertTrue(silent.isConnected());
    }
    assertEquals(1, one.refused());
  }

  @Test
  void peerThatIsNotThereIsNoRefusal() throws Exception {
    Node one = impatient();
    ActorSystem first = start(one);
    int nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = socket.getLocalPort();
    }
    assertThrows(
        ExecutionException.class,
        () ->
            first
                .actorSelection("pekko://test@127.0.0.1:" + nobody + "/user/silent")
                .resolveOne(Duration.ofSeconds(2)) // Artery tries twice within it
                .toCompletableFuture()
                .get(30, TimeUnit.SECONDS));
    assertEquals(0, one.refused());
  }

  private Node impatient() {
    Node node =
        new Node(directory, "one", SslProvider.JDK, Node.NOW, Duration.ofMillis(100), Node.TOKEN);
    nodes.add(node);
    return node;
  }
}

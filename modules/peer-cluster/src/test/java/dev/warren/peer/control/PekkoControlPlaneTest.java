package dev.warren.peer.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.SessionKey;
import dev.warren.session.SessionStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Down;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real actor systems with real TLS, in one process. */
class PekkoControlPlaneTest {
  private static final Duration LIMIT = Duration.ofSeconds(40);

  @TempDir private Path directory;

  private static SessionStatus presence(ControlPlanes.Gateway at, String session) {
    try {
      return at.plane
          .presence(SessionKey.of(session), Duration.ofSeconds(1))
          .toCompletableFuture()
          .get(5, TimeUnit.SECONDS);
    } catch (Exception e) {
      return null;
    }
  }

  @Test
  void threeAreOneClusterAndARestartedOneComesBackWithItsTunnels() throws Exception {
    try (ControlPlanes planes = new ControlPlanes(directory)) {
      ControlPlanes.Gateway one = planes.start("one");
      ControlPlanes.Gateway two = planes.start("two");
      ControlPlanes.Gateway three = planes.start("three");
      ExecutionException early =
          assertThrows(
              ExecutionException.class,
              () ->
                  three
                      .plane
                      .presence(SessionKey.of("printer"), Duration.ofSeconds(1))
                      .toCompletableFuture()
                      .get());
      assertEquals(NoControlPlaneException.class, early.getCause().getClass());
      HeldTunnel tunnel = two.attach("printer"); // before there is a cluster
      planes.until("one cluster", LIMIT, planes::areOne);
      for (ControlPlanes.Gateway gateway : List.of(one, two, three)) {
        assertEquals(0, gateway.status().restarts());
        assertEquals(
            List.of("one", "three", "two"),
            gateway.status().members().stream().map(ControlStatus.Member::id).sorted().toList());
        planes.until(
            "printer is known", LIMIT, () -> presence(gateway, "printer") == SessionStatus.ONLINE);
      }

      long uid = two.status().uid();
      String address = two.status().cluster().orElseThrow();
      two.plane.restart("a test");
      planes.until("restarted", LIMIT, () -> two.status().uid() != uid && two.status().uid() != 0);
      HeldTunnel another = two.attach("camera"); // while it joins
      planes.until("one cluster again", LIMIT, planes::areOne);
      assertEquals(address, two.status().cluster().orElseThrow());
      assertEquals(1, two.status().restarts());
      assertEquals("a test", two.status().lastReason());
      for (HeldTunnel each : List.of(tunnel, another)) {
        planes.until(
            each.session() + " is known again",
            LIMIT,
            () -> presence(one, each.session().toString()) == SessionStatus.ONLINE);
      }

      three.plane.closeSession(SessionKey.of("printer"), "no longer wanted");
      planes.until("the holder is told", LIMIT, () -> two.ordered.size() == 1);
      assertEquals("printer ORDERED no longer wanted", two.ordered.get(0));
      planes.until(
          "printer is offline", LIMIT, () -> presence(one, "printer") == SessionStatus.OFFLINE);

      three.stop();
      assertEquals(ControlStatus.State.STOPPED, three.status().state());
      planes.until("it has left", LIMIT, planes::areOne);
    }
  }

  @Test
  void twoClustersMergeAndAllAreRestartedByOrderOneAfterAnother() throws Exception {
    try (ControlPlanes planes = new ControlPlanes(directory)) {
      ControlPlanes.Gateway one = planes.start("one");
      planes.cutId(one, "two");
      ControlPlanes.Gateway two = planes.start("two");
      planes.until(
          "two clusters", LIMIT, () -> Stream.of(one, two).allMatch(each -> each.isMemberOf(1)));
      ClusterId smaller =
          Stream.of(one, two)
              .map(each -> each.status().clusterId().orElseThrow())
              .sorted()
              .findFirst()
              .orElseThrow();
      planes.healLinks();
      planes.until("one cluster", LIMIT, planes::areOne);
      assertEquals(smaller, one.status().clusterId().orElseThrow());
      assertEquals(1, one.status().restarts() + two.status().restarts());

      long uidOfOne = one.status().uid();
      long uidOfTwo = two.status().uid();
      one.plane.restartAll("a test");
      planes.until("two is restarted", LIMIT, () -> two.status().uid() != uidOfTwo);
      assertEquals(uidOfOne, one.status().uid(), "both at once");
      planes.until(
          "one is restarted, too", LIMIT, () -> one.status().uid() != uidOfOne && planes.areOne());
      assertNotEquals(uidOfTwo, two.status().uid());
      assertTrue(two.status().lastReason().contains("ordered by one"), two.status().lastReason());
    }
  }

  @Test
  void whereTheClusterPortIsFilteredTheyStaySplitAndDoNotRestart() throws Exception {
    try (ControlPlanes planes = new ControlPlanes(directory)) {
      ControlPlanes.Gateway one = planes.start("one");
      planes.cutId(one, "two");
      ControlPlanes.Gateway two = planes.start("two");
      planes.filter(one);
      planes.filter(two);
      planes.until(
          "two clusters", LIMIT, () -> Stream.of(one, two).allMatch(each -> each.isMemberOf(1)));
      planes.healLinks();
      planes.until(
          "both say split",
          LIMIT,
          () ->
              Stream.of(one, two)
                  .allMatch(each -> each.status().state() == ControlStatus.State.SPLIT));
      assertEquals(0, one.status().restarts() + two.status().restarts());
      planes.unfilter(one);
      planes.unfilter(two);
      planes.until("one cluster", LIMIT, planes::areOne);
      assertEquals(1, one.status().restarts() + two.status().restarts());
    }
  }

  /** As seen in a network that takes nothing: it keeps its port, and the process goes on. */
  @Test
  void whoseActorSystemDoesNotEndJoinsAgainByAnotherPort() throws Exception {
    CountDownLatch holdsOut = new CountDownLatch(1);
    try (ControlPlanes planes = new ControlPlanes(directory)) {
      ControlPlanes.Gateway one = planes.start("one");
      planes.until("formed", LIMIT, () -> one.status().clusterId().isPresent());
      Optional<String> before = one.status().cluster();
      one.plane.withSystem(
          system ->
              system.systemActorOf(
                  Behaviors.receive(String.class)
                      .onSignal(
                          PostStop.class,
                          stop -> {
                            holdsOut.await();
                            return Behaviors.same();
                          })
                      .build(),
                  "holds-out",
                  DispatcherSelector.blocking()));
      one.plane.restart("a test");
      planes.until(
          "at another port",
          LIMIT,
          () ->
              one.status().state() == ControlStatus.State.MEMBER
                  && !one.status().cluster().equals(before));
      assertEquals(1, one.status().restarts());
    } finally {
      holdsOut.countDown();
    }
  }

  @Test
  void whoIsDownedOrLosesItsActorSystemStartsAfreshAndJoinsAgain() throws Exception {
    try (ControlPlanes planes = new ControlPlanes(directory)) {
      ControlPlanes.Gateway one = planes.start("one");
      ControlPlanes.Gateway two = planes.start("two");
      HeldTunnel tunnel = two.attach("printer");
      planes.until("one cluster", LIMIT, planes::areOne);
      HostAndPort address = HostAndPort.parse(two.address);
      one.plane.withSystem(
          system ->
              Cluster.get(system)
                  .manager()
                  .tell(
                      new Down(
                          new Address(
                              "pekko", PekkoControlPlane.SYSTEM, address.host(), address.port()))));
      planes.until("two is restarted", LIMIT, () -> two.status().restarts() == 1);
      planes.until("one cluster again", LIMIT, planes::areOne);
      planes.until(
          "printer is known again",
          LIMIT,
          () -> presence(one, tunnel.session().toString()) == SessionStatus.ONLINE);

      two.plane.withSystem(ActorSystem::terminate);
      planes.until("two is restarted", LIMIT, () -> two.status().restarts() == 2);
      assertEquals("its actor system has ended", two.status().lastReason());
      planes.until("one cluster at last", LIMIT, planes::areOne);
      assertEquals(0, one.status().restarts());
    }
  }
}

package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.network.TlsPeer;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogFile;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import dev.warren.peer.token.ClusterAuthority;
import dev.warren.peer.token.ClusterToken;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Whoever does not know the token, or speaks no TLS at all, at the ports of a cluster. */
@ExtendWith(LogsOnFailure.class)
class WrongTokenTest {
  /** How long a stranger is watched. */
  private static final Duration WATCHED = Duration.ofSeconds(6);

  /** Longer than a gateway waits for the end of a handshake. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Duration DAY = Duration.ofDays(1);
  private static final int ROUNDS = 2;
  private static final long SEED = 20_261_121;

  /** The first bytes of a TLS ClientHello of 512 bytes; the rest never comes. */
  private static final byte[] HALF_HANDSHAKE = {22, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3, 7, 7};

  private static GatewayCluster cluster;
  private static OriginProcess origin;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    cluster = GatewayCluster.shared();
    for (GatewayProcess gateway : cluster.all()) {
      cluster.agent("guarded-" + gateway.id(), List.of(gateway)).awaitUp();
    }
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  @Test
  void aGatewayWithAnotherTokenIsNeverAMemberNorAtALink() throws Exception {
    List<Long> before = refused("wrong-token");
    try (Load load = Load.start(30, targets());
        GatewayProcess stranger = cluster.stranger("stranger", cluster.otherToken())) {
      stranger.awaitReady();
      Eventually.always(
          WATCHED,
          () -> {
            for (GatewayProcess gateway : cluster.all()) {
              assertFalse(gateway.admin().allMembers().contains("stranger"), "a member");
              assertFalse(gateway.admin().links().contains("stranger"), "at a link");
            }
          });
      Eventually.within(
          Duration.ofSeconds(20), () -> assertTrue(allGrew(before, refused("wrong-token"))));
      // The operators' port comes with the control plane, some time after the first readiness.
      Eventually.within(
          Duration.ofSeconds(60),
          () -> assertEquals(List.of(), stranger.admin().links(), "links of the stranger"));
      assertTrue(
          Set.of("stranger").containsAll(stranger.admin().allMembers()),
          "the stranger's members: " + stranger.admin().allMembers());
      assertEquals(List.of(), Outages.failed(load.stop()));
    }
    // Once a minute for each address: the line may have told of what another test did just before.
    for (GatewayProcess gateway : cluster.all()) {
      assertFalse(
          gateway.log().events("peer.handshake-refused").isEmpty(),
          gateway.id() + " logged nothing");
    }
    GatewayCluster.assertOne(cluster.all());
  }

  @Test
  void noiseAtThePortsDisturbsNobodyAndIsCounted() throws Exception {
    long before = total();
    List<Socket> open = new ArrayList<>();
    try (Load load = Load.start(30, targets())) {
      SplittableRandom random = new SplittableRandom(SEED);
      byte[] garbage = new byte[2_000];
      for (int round = 0; round < 5; round++) {
        for (GatewayProcess gateway : cluster.all()) {
          for (int port : new int[] {gateway.place().cluster(), gateway.place().link()}) {
            random.nextBytes(garbage);
            open.add(send(port, garbage));
            open.add(send(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes("US-ASCII")));
            open.add(send(port, HALF_HANDSHAKE));
            open.add(send(port, new byte[0]));
            send(port, HALF_HANDSHAKE).close();
          }
        }
      }
      // Two kinds of five at each port are plainly no TLS, and one hangs up: those count at once.
      Eventually.within(
          Duration.ofSeconds(30),
          () -> assertTrue(total() >= before + 3 * 5 * 6, "refused: " + (total() - before)));
      assertEquals(List.of(), Outages.failed(load.stop()));
      GatewayCluster.assertOne(cluster.all());
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
  }

  @Test
  void whoHasNoGoodCertificateOrStopsIsKeptOutCountedAndLoggedOnceAMinute() throws Exception {
    ClusterAuthority authority =
        ClusterAuthority.of(ClusterToken.parse(Files.readString(cluster.token()).strip()));
    Instant now = Instant.now();
    TlsPeer without = TlsPeer.withoutCertificate();
    TlsPeer expired =
        TlsPeer.withCertificate(authority, now.minus(DAY.multipliedBy(8)), now.minus(DAY));
    TlsPeer early =
        TlsPeer.withCertificate(authority, now.plus(DAY), now.plus(DAY.multipliedBy(8)));
    List<Long> noneBefore = refused("no-certificate");
    List<Long> notNowBefore = refused("not-valid-now");
    List<Long> stoppedBefore = refused("stopped");
    List<Integer> atLinks = cluster.all().stream().map(gateway -> gateway.place().link()).toList();
    List<Socket> stopped = new ArrayList<>();
    try (Load load = Load.start(20, targets())) { // one each 50 ms
      for (InetSocketAddress port : peerPorts()) {
        stopped.add(without.stopsWithinTheHandshake("127.0.0.9", port, PATIENCE));
      }
      for (int round = 0; round < ROUNDS; round++) {
        for (InetSocketAddress port : peerPorts()) {
          without.refusal("127.0.0.6", port, PATIENCE);
          expired.refusal("127.0.0.7", port, PATIENCE);
          early.refusal("127.0.0.8", port, PATIENCE);
        }
      }
      // A port for gateways' control planes and one for links, each of them once a round.
      assertEquals(plus(noneBefore, 2 * ROUNDS), refused("no-certificate"), "no certificate");
      assertEquals(plus(notNowBefore, 2 * 2 * ROUNDS), refused("not-valid-now"), "not valid now");
      // A link that stops is thrown out, too. A cluster port counts it and keeps the connection.
      for (Socket socket : stopped) {
        if (atLinks.contains(socket.getPort())) {
          drain(socket);
        }
      }
      // At least: what another test left half open may be counted meanwhile.
      Eventually.within(
          PATIENCE, () -> assertTrue(allGrew(plus(stoppedBefore, 1), refused("stopped"))));
      assertEquals(List.of(), Outages.failed(load.stop()));
    } finally {
      for (Socket socket : stopped) {
        socket.close();
      }
    }
    for (GatewayProcess gateway : cluster.all()) {
      assertLoggedOnce(gateway, "127.0.0.6", "no-certificate", "no certificate");
      assertLoggedOnce(gateway, "127.0.0.7", "not-valid-now", "the clock of that gateway");
      assertLoggedOnce(gateway, "127.0.0.8", "not-valid-now", "the clock of that gateway");
      assertLoggedOnce(gateway, "127.0.0.9", "stopped", "stopped within the handshake");
      // The control plane does not know addresses: all that come to its port are one to the log.
      List<String> lines =
          gateway.log().events("peer.handshake-refused", " port=cluster ", "direction=in");
      assertFalse(lines.isEmpty(), gateway.id() + " has logged nothing of its cluster port");
      for (int i = 1; i < lines.size(); i++) {
        Duration between =
            Duration.between(LogFile.timeOf(lines.get(i - 1)), LogFile.timeOf(lines.get(i)));
        assertTrue(between.toSeconds() >= 59, gateway.id() + ": " + between + ": " + lines);
      }
    }
    GatewayCluster.assertOne(cluster.all());
  }

  private static List<InetSocketAddress> peerPorts() {
    List<InetSocketAddress> ports = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      ports.add(new InetSocketAddress("127.0.0.1", gateway.place().cluster()));
      ports.add(new InetSocketAddress("127.0.0.1", gateway.place().link()));
    }
    return ports;
  }

  private static List<Long> plus(List<Long> counts, long more) {
    return counts.stream().map(count -> count + more).toList();
  }

  /** Reads until the other side has ended the connection. */
  private static void drain(Socket socket) throws IOException {
    byte[] chunk = new byte[4_096];
    try {
      while (socket.getInputStream().read(chunk) >= 0) {
        // ServerHello and what is encrypted after it.
      }
    } catch (SocketException e) {
      // Reset, which is an end too. A timeout is not: it fails the test.
    }
  }

  private static void assertLoggedOnce(
      GatewayProcess gateway, String remote, String reason, String detail) {
    List<String> lines =
        gateway.log().events("peer.handshake-refused", " port=link ", " remote=" + remote + " ");
    assertEquals(1, lines.size(), gateway.id() + ", " + remote + ": " + lines);
    assertEquals(reason, LogFile.field(lines.get(0), "reason"), lines.get(0));
    assertTrue(lines.get(0).contains(detail), lines.get(0));
  }

  @Test
  void aSecondGatewayWithATakenIdIsRefusedLoudly() throws Exception {
    String taken = cluster.all().get(0).id();
    String incarnation = incarnation(cluster.all().get(0));
    try (Load load = Load.start(30, targets());
        GatewayProcess second = cluster.stranger(taken, cluster.token())) {
      Eventually.within(
          Duration.ofSeconds(40),
          () -> {
            Set<String> loud = new TreeSet<>();
            for (GatewayProcess gateway : cluster.all()) {
              if (!gateway.log().events("link.duplicate-id").isEmpty()) {
                loud.add(gateway.id());
              }
            }
            boolean heard =
                !second.log().events("link.duplicate-id").isEmpty()
                    || !second.log().events("link.refused").isEmpty();
            assertTrue(!loud.isEmpty() && heard, "loud: " + loud + ", the second: " + heard);
          });
      Eventually.always(WATCHED, () -> GatewayCluster.assertOne(cluster.all()));
      assertEquals(incarnation, incarnation(cluster.all().get(0)));
      assertEquals(List.of(), Outages.failed(load.stop()));
    }
  }

  private static String incarnation(GatewayProcess gateway) throws IOException {
    return gateway.admin().status().path("gateway").path("incarnation").asText();
  }

  private static List<Load.Target> targets() {
    List<Load.Target> targets = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      for (GatewayProcess home : cluster.all()) {
        targets.add(new Load.Target(gateway.caller(), origin.hello("guarded-" + home.id())));
      }
    }
    return targets;
  }

  private static List<Long> refused(String reason) throws IOException {
    List<Long> counts = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      counts.add(gateway.number("refusedHandshakes.byReason." + reason));
    }
    return counts;
  }

  private static long total() throws IOException {
    long total = 0;
    for (GatewayProcess gateway : cluster.all()) {
      total += gateway.number("refusedHandshakes.total");
    }
    return total;
  }

  private static boolean allGrew(List<Long> before, List<Long> after) {
    for (int i = 0; i < before.size(); i++) {
      if (after.get(i) <= before.get(i)) {
        throw new AssertionError("refused before: " + before + ", after: " + after);
      }
    }
    return true;
  }

  private static Socket send(int port, byte[] bytes) throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress("127.0.0.1", port), 5_000);
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      // It has been thrown out already, which is as good.
    }
    return socket;
  }
}

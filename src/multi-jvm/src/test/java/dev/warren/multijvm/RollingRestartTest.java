package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.load.SlowTarget;
import dev.warren.multijvm.load.WebSocketEcho;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.HaProxy;
import dev.warren.multijvm.process.HaProxy.Balance;
import dev.warren.multijvm.process.Herd;
import dev.warren.multijvm.process.Herd.Finds;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** All gateways are restarted, one after the other (SIGTERM), and no caller notices. */
@ExtendWith(LogsOnFailure.class)
class RollingRestartTest {
  /** Starting, leaving the cluster and saying goodbye, beside what a drain may take. */
  private static final Duration END_SLACK = Duration.ofSeconds(10);

  private static final int SESSIONS_AT_EACH = 4;

  private static OriginProcess origin;
  private static SlowTarget slow;
  private GatewayCluster cluster;
  private final List<AutoCloseable> closed = new ArrayList<>();

  /**
   * @param dripSeconds of a download
   * @param pause between two restarts, for rebalancing
   */
  private record Size(
      int agents,
      double requestsPerSecond,
      int downloads,
      int dripSeconds,
      Duration notice,
      Duration timeout,
      Duration pause) {}

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    slow = SlowTarget.start();
  }

  @BeforeEach
  void balancer() {
    HaProxy.assumeInstalled();
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : closed) {
      each.close();
    }
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void nobodyNoticesThatAllGatewaysAreRestarted() throws Exception {
    restartAll(new Size(3, 60, 6, 3, Duration.ofSeconds(2), Duration.ofSeconds(8), Duration.ZERO));
  }

  @Test
  @Tag("chaos")
  void nobodyNoticesUnderLoadThatAllGatewaysAreRestarted() throws Exception {
    restartAll(
        new Size(
            10,
            300,
            20,
            12,
            Duration.ofSeconds(5),
            Duration.ofSeconds(20),
            Duration.ofSeconds(15)));
  }

  private void restartAll(Size size) throws Exception {
    cluster =
        GatewayCluster.start(
            3,
            "--agent-advertise",
            GatewayProcess.OWN_ADDRESS,
            "--drain-notice",
            size.notice().toMillis() + "ms",
            "--drain-timeout",
            size.timeout().toMillis() + "ms");
    HaProxy proxy = opened(HaProxy.before(cluster.all(), Duration.ofMillis(250)));
    List<String> ids = new ArrayList<>();
    List<Herd> herds = new ArrayList<>();
    for (Finds finds : Finds.values()) {
      for (int tunnels = 1; tunnels <= 2; tunnels++) {
        Herd herd =
            opened(
                Herd.start(
                    (finds == Finds.DIRECTLY ? "direct-" : "hidden-") + tunnels,
                    size.agents(),
                    List.of(proxy.connect(Balance.ROUNDROBIN)),
                    tunnels,
                    finds,
                    1));
        herds.add(herd);
        ids.addAll(herd.ids());
      }
    }
    for (int i = 0; i < herds.size(); i++) {
      Herd herd = herds.get(i);
      int tunnels = 1 + i % 2;
      Eventually.within(Duration.ofSeconds(40), () -> herd.assertTunnels(tunnels));
      herd.forget();
    }
    List<Load.Target> targets =
        ids.stream()
            .map(id -> new Load.Target(proxy.caller(Balance.ROUNDROBIN), origin.hello(id)))
            .toList();
    List<Download> downloads = new ArrayList<>();
    for (int i = 0; i < size.downloads(); i++) {
      downloads.add(
          opened(
              Download.start(
                  proxy.caller(Balance.ROUNDROBIN),
                  slow.drip(ids.get(i * 7 % ids.size()), size.dripSeconds()),
                  SlowTarget.bytes(size.dripSeconds()),
                  1 << 30)));
    }
    List<Double> took = new ArrayList<>();
    int echoes = 0;
    int sessions = 0;
    List<Sample> samples;
    try (Load load = Load.start(size.requestsPerSecond(), targets)) {
      Thread.sleep(1_000);
      for (GatewayProcess gateway : cluster.all()) {
        List<WebSocketEcho> elsewhere = new ArrayList<>();
        for (GatewayProcess other : cluster.except(gateway)) {
          elsewhere.addAll(sessionsAt(other, herds));
        }
        long start = System.nanoTime();
        int status = gateway.terminate(size.notice().plus(size.timeout()).plus(END_SLACK));
        took.add((System.nanoTime() - start) / 1e6);
        assertEquals(0, status, gateway.id() + ": exit status");
        gateway.restart();
        for (WebSocketEcho session : elsewhere) {
          echoes += session.stop();
          sessions++;
        }
        Thread.sleep(size.pause().toMillis());
      }
      Thread.sleep(1_000);
      samples = load.stop();
    }
    int whole = 0;
    for (Download download : downloads) {
      whole += download.finish();
    }
    assertEquals(List.of(), Outages.failed(samples), "requests");
    assertTrue(whole >= size.downloads(), "whole downloads: " + whole);
    assertFalse(sessions == 0, "no WebSocket sessions through the gateways that stayed");
    for (Herd herd : herds) {
      assertEquals(List.of(), herd.lonely(), "agents that were without a tunnel");
    }
    if (!size.pause().isZero()) {
      Figures figures =
          new Figures("rolling-restart", "Rolling restart of 3 gateways behind HAProxy");
      figures.row("from SIGTERM to the end of a gateway").addAll(took);
      figures.row("a request").addAll(samples.stream().map(Sample::millis).toList());
      figures.note(samples.size() + " requests, none failed.");
      figures.note(whole + " downloads of " + size.dripSeconds() + " s, none broken.");
      figures.note(
          sessions + " WebSockets through the others, " + echoes + " messages, none broken.");
      figures.ran();
    }
  }

  /** WebSockets that come in here and go over tunnels that end here. */
  private List<WebSocketEcho> sessionsAt(GatewayProcess gateway, List<Herd> herds)
      throws IOException {
    List<WebSocketEcho> sessions = new ArrayList<>();
    for (Herd herd : herds) {
      List<String> here =
          herd.members().stream()
              .filter(member -> member.gateways().contains(gateway.id()))
              .map(Herd.Member::id)
              .limit(SESSIONS_AT_EACH / herds.size() + 1)
              .toList();
      for (String id : here) {
        sessions.add(opened(WebSocketEcho.open(gateway.caller(), slow.echo(id))));
      }
    }
    return sessions;
  }

  private <T extends AutoCloseable> T opened(T each) {
    closed.add(0, each);
    return each;
  }
}

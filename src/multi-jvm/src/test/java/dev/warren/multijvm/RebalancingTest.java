package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.load.SlowTarget;
import dev.warren.multijvm.load.WebSocketEcho;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.Herd;
import dev.warren.multijvm.process.Herd.Finds;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A gateway joins, and takes its share of the tunnels; no stream is cut for it. */
@ExtendWith(LogsOnFailure.class)
class RebalancingTest {
  private static final double LARGEST_BY_MEAN = 1.25;
  private static final Duration WITHIN = Duration.ofSeconds(60);
  private static final int DRIP_SECONDS = 4;

  private static OriginProcess origin;
  private static SlowTarget slow;
  private GatewayCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    slow = SlowTarget.start();
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void theTunnelsSpreadOverTheGatewayThatJoins() throws Exception {
    join(150, 30, 12, Duration.ZERO);
  }

  @Test
  @Tag("chaos")
  void threeHundredTunnelsSpreadOverTheGatewayThatJoins() throws Exception {
    join(300, 100, 40, WITHIN);
  }

  /**
   * @param watched how long all is watched in any case
   */
  private void join(int agents, double perSecond, int streams, Duration watched) throws Exception {
    cluster = GatewayCluster.start(2, "--agent-advertise", GatewayProcess.OWN_ADDRESS);
    List<String> connect = cluster.all().stream().map(GatewayProcess::connect).toList();
    List<WebSocketEcho> sockets = new ArrayList<>();
    List<Download> downloads = new ArrayList<>();
    try (Herd herd = Herd.start("spread", agents, connect, 1, Finds.DIRECTLY, 1)) {
      Eventually.within(Duration.ofSeconds(60), () -> herd.assertTunnels(1));
      herd.forget();
      List<Load.Target> targets = new ArrayList<>();
      for (int i = 0; i < agents; i++) {
        GatewayProcess at = cluster.all().get(i % 2);
        targets.add(new Load.Target(at.caller(), origin.hello(herd.ids().get(i))));
      }
      for (int i = 0; i < streams; i++) {
        String id = herd.ids().get(i * 7 % agents);
        GatewayProcess at = cluster.all().get(i / 2 % 2);
        if (i % 2 == 0) {
          sockets.add(WebSocketEcho.open(at.caller(), slow.echo(id)));
        } else {
          downloads.add(
              Download.start(
                  at.caller(),
                  slow.drip(id, DRIP_SECONDS),
                  SlowTarget.bytes(DRIP_SECONDS),
                  1 << 30));
        }
      }
      int requests;
      int echoes = 0;
      int whole = 0;
      Duration took;
      try (Load load = Load.start(perSecond, targets)) {
        GatewayProcess third = cluster.grow();
        long joined = System.nanoTime();
        took = Eventually.within(WITHIN, () -> assertSpread(herd, third));
        long left = watched.toNanos() - (System.nanoTime() - joined);
        Thread.sleep(Math.max(1_000, left / 1_000_000));
        assertSpread(herd, third);
        List<Sample> samples = load.stop();
        assertEquals(List.of(), Outages.failed(samples), "requests");
        requests = samples.size();
      }
      for (WebSocketEcho socket : sockets) {
        echoes += socket.stop();
      }
      for (Download download : downloads) {
        whole += download.finish();
      }
      assertEquals(List.of(), herd.lonely(), "agents that were without a tunnel");
      if (!watched.isZero()) {
        Figures figures =
            new Figures(
                "rebalancing",
                "A third gateway joins two that hold " + agents + " agents with one tunnel");
        figures
            .row(
                "from its readiness until the largest has at most 1.25 times the mean",
                Figures.Limit.worst(WITHIN))
            .add(took.toNanos() / 1e6);
        figures.note("In the end: " + counts(herd) + ".");
        figures.note(requests + " requests, none failed.");
        figures.note(sockets.size() + " WebSockets, " + echoes + " messages, none broken.");
        figures.note(whole + " downloads of " + DRIP_SECONDS + " s, none broken.");
        figures.ran();
      }
    } finally {
      sockets.forEach(WebSocketEcho::close);
      downloads.forEach(Download::close);
    }
  }

  private static Map<String, Long> counts(Herd herd) {
    return herd.members().stream()
        .flatMap(member -> member.gateways().stream())
        .collect(Collectors.groupingBy(id -> id, TreeMap::new, Collectors.counting()));
  }

  private void assertSpread(Herd herd, GatewayProcess joined) {
    Map<String, Long> counts = counts(herd);
    long all = counts.values().stream().mapToLong(count -> count).sum();
    long largest = counts.values().stream().mapToLong(count -> count).max().orElse(0);
    assertTrue(counts.containsKey(joined.id()), "tunnels " + counts);
    assertTrue(
        largest <= LARGEST_BY_MEAN * all / cluster.all().size(),
        "tunnels " + counts + " (expected: at most 1.25 times the mean)");
  }
}

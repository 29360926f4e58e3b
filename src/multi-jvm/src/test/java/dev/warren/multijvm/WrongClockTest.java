package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import dev.warren.multijvm.process.WrongClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Clocks that differ: nothing depends on them but the dates of certificates. Needs libfaketime. */
@ExtendWith(LogsOnFailure.class)
class WrongClockTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final String NOT_VALID_NOW = "refusedHandshakes.byReason.not-valid-now";
  private static GatewayCluster cluster;
  private static OriginProcess origin;

  @BeforeAll
  static void start() throws Exception {
    around(HOUR); // before anything is started in vain
    origin = OriginProcess.shared();
    cluster = GatewayCluster.shared();
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.closeAgents();
    }
  }

  private static List<Long> notValidNow() throws IOException {
    List<Long> counts = new ArrayList<>();
    for (GatewayProcess gateway : cluster.all()) {
      counts.add(gateway.number(NOT_VALID_NOW));
    }
    return counts;
  }

  private static List<String> around(Duration off) {
    return WrongClock.around(off)
        .orElseGet(
            () ->
                Assumptions.abort(
                    "no libfaketime here (expected: /usr/lib/*/faketime/libfaketimeMT.so.1, as by"
                        + " apt-get install faketime)"));
  }

  @Test
  void anHourOnAGatewayOrAnAgentChangesNothing() throws Exception {
    List<Long> before = notValidNow();
    try (GatewayProcess ahead = cluster.stranger("ahead", cluster.token(), around(HOUR))) {
      ahead.awaitReady();
      List<GatewayProcess> all = new ArrayList<>(cluster.all());
      all.add(ahead);
      AgentProcess late = cluster.agentWithin(around(HOUR.negated()), "late", List.of(ahead));
      AgentProcess early = cluster.agentWithin(around(HOUR), "early", cluster.all().subList(0, 1));
      late.awaitUp();
      early.awaitUp();
      Eventually.within(
          Duration.ofSeconds(60), Duration.ofMillis(100), () -> GatewayCluster.assertOne(all));
      List<Load.Target> targets = new ArrayList<>();
      for (GatewayProcess gateway : all) {
        for (String agent : List.of("late", "early")) {
          // The route to an agent that has just come takes a moment.
          Eventually.within(
              Duration.ofSeconds(10),
              () -> assertEquals(200, gateway.caller().status(origin.hello(agent))));
          targets.add(new Load.Target(gateway.caller(), origin.hello(agent)));
        }
      }
      try (Load load = Load.start(20, targets)) {
        Thread.sleep(3_000);
        assertEquals(List.of(), Outages.failed(load.stop()));
      }
      for (GatewayProcess gateway : all) {
        assertEquals(List.of("ahead"), gateway.admin().holders("late"), gateway.id());
      }
      assertEquals(before, notValidNow(), "handshakes refused for their dates");
      assertEquals(0, ahead.number(NOT_VALID_NOW), "the same at the one that is ahead");
      assertEquals(1, late.tunnelsSoFar(), "tunnels of the agent that is late");
      assertEquals(1, early.tunnelsSoFar(), "tunnels of the agent that is early");
      ahead.terminate(); // so that the others need not find out
    }
    cluster.awaitOne();
  }

  @Test
  void tenDaysOnAGatewayKeepItOutAndTheTextNamesTheDatesAndTheClock() throws Exception {
    cluster.awaitOne();
    List<Long> before = notValidNow();
    try (GatewayProcess off =
        cluster.stranger("ten-days", cluster.token(), around(Duration.ofDays(10)))) {
      off.awaitReady();
      Eventually.within(
          Duration.ofSeconds(40),
          () -> {
            for (int i = 0; i < before.size(); i++) {
              assertTrue(notValidNow().get(i) > before.get(i), "before: " + before);
            }
            assertTrue(off.number(NOT_VALID_NOW) > 0, "the one that is off has counted nothing");
          });
      String text = off.log().last("peer.handshake-refused", "reason=not-valid-now").orElseThrow();
      assertTrue(text.contains("the clock of that gateway or of this one may be wrong"), text);
      assertTrue(text.contains("valid from ") || text.contains("expired"), text);
      assertEquals(List.of(), off.admin().links(), "links of the one that is off");
      GatewayCluster.assertOne(cluster.all());
    }
  }
}

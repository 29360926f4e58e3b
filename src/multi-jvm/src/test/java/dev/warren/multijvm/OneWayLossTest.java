package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.network.TcpProxy;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The network between an agent and its gateway loses one direction, or is slow in one. */
@ExtendWith(LogsOnFailure.class)
class OneWayLossTest {
  /** Where little flows: three heartbeats without an answer, and what it takes to see them. */
  private static final Duration NOTICED_WITHIN = Duration.ofSeconds(15);

  /** Under bulk in the direction that is left. */
  private static final Duration NOTICED_UNDER_BULK_WITHIN = Duration.ofSeconds(60);

  private static final int BULK_BYTES_PER_SECOND = 400 * 1024;

  private static GatewayCluster cluster;
  private static GatewayProcess home;

  @BeforeAll
  static void start() throws Exception {
    cluster = GatewayCluster.shared();
    home = cluster.all().get(0);
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  private static AgentProcess agent(String id, TcpProxy proxy) throws Exception {
    AgentProcess agent =
        AgentProcess.start(
            id, List.of("ws://" + proxy.address() + "/connect"), List.of(), List.of());
    agent.awaitUp();
    Eventually.within(
        Duration.ofSeconds(20),
        () -> assertEquals(List.of(home.id()), home.admin().holders(id), id));
    return agent;
  }

  /** Until both sides know (the later of the two). */
  private static void awaitNoticed(AgentProcess agent, Duration within)
      throws InterruptedException {
    Eventually.within(
        within,
        () -> {
          assertFalse(agent.log().events("tunnel.lost").isEmpty(), agent.id() + " has not noticed");
          assertEquals(
              List.of(), home.admin().holders(agent.id()), agent.id() + ": by the gateway");
        });
  }

  /**
   * Two agents lose a direction each. Meanwhile the way up of a third takes 250 KiB a second, and
   * what waits for it in the kernel is some megabytes: answers to pings come far later than three
   * heartbeats, and its tunnel stays.
   */
  @Test
  void bothSidesNoticeThatOneDirectionIsLostAndOneThatIsOnlySlowIsNot() throws Exception {
    OriginProcess origin = OriginProcess.shared();
    try (TcpProxy up = TcpProxy.to(home.http());
        TcpProxy down = TcpProxy.to(home.http());
        TcpProxy slow = TcpProxy.to(home.http());
        AgentProcess unheard = agent("unheard", up);
        AgentProcess deaf = agent("deaf", down);
        AgentProcess patient = agent("patient", slow)) {
      slow.cap(250 * 1024);
      try (Download download =
          Download.start(
              home.caller(), origin.large("patient"), OriginProcess.largeBytes(), 64 << 20)) {
        long lost = System.nanoTime();
        up.loseUp();
        down.loseDown();
        for (AgentProcess each : List.of(unheard, deaf)) {
          awaitNoticed(each, NOTICED_WITHIN.minusNanos(System.nanoTime() - lost));
          System.out.println(
              each.id()
                  + ": noticed by both after "
                  + (System.nanoTime() - lost) / 1_000_000
                  + " ms");
        }
        up.heal();
        down.heal();
        for (AgentProcess each : List.of(unheard, deaf)) {
          each.awaitUp(2);
        }
        Eventually.within(
            Duration.ofSeconds(60),
            () -> assertTrue(download.received() > 4 << 20, download.received() + " bytes"));
        assertFalse(download.isBroken());
        assertEquals(List.of(), patient.log().events("tunnel.lost"));
        assertEquals(1, patient.tunnelsSoFar());
      }
    }
  }

  @Test
  @Tag("chaos")
  void bothSidesNoticeUnderBulkInTheDirectionThatIsLeft() throws Exception {
    OriginProcess origin = OriginProcess.shared();
    try (TcpProxy proxy = TcpProxy.to(home.http());
        AgentProcess agent = agent("bulk", proxy)) {
      try (Download download =
          Download.start(
              home.caller(),
              origin.large(agent.id()),
              OriginProcess.largeBytes(),
              BULK_BYTES_PER_SECOND)) {
        Eventually.within(
            Duration.ofSeconds(20), () -> assertTrue(download.received() > 1 << 20, "it flows"));
        long lost = System.nanoTime();
        proxy.loseDown(); // credit and answers to pings; the bulk goes on as far as credit lets it
        awaitNoticed(agent, NOTICED_UNDER_BULK_WITHIN);
        System.out.println(
            "under bulk: noticed by both after " + (System.nanoTime() - lost) / 1_000_000 + " ms");
      }
    }
  }
}

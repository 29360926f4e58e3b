package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.agent.AgentSettings;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.HaProxy;
import dev.warren.multijvm.process.HaProxy.Balance;
import dev.warren.multijvm.process.Herd;
import dev.warren.multijvm.process.Herd.Finds;
import dev.warren.multijvm.process.LogsOnFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Agents that see one address, behind which HAProxy chooses, find as many gateways as they want.
 */
@ExtendWith(LogsOnFailure.class)
class BehindBalancerTest {
  private static final int GATEWAYS = 4;
  private static final Duration DIRECTLY_WITHIN = Duration.ofSeconds(10);
  private static final Duration HUNTED_WITHIN = Duration.ofSeconds(40);
  private static final Duration CHECKS = Duration.ofMillis(250);
  private static final int MAX_DIALS_A_MINUTE = 6;

  /** What a short case grants beyond the promise, since two cores run all of it and more. */
  private static final Duration SHORT_SLACK = Duration.ofSeconds(10);

  private GatewayCluster cluster;
  private HaProxy proxy;
  private final List<Flock> flocks = new ArrayList<>();

  /**
   * Agents of one kind.
   *
   * @param tunnels that they should come to have
   * @param within how soon
   * @param steady whether they have to have a tunnel at all times
   */
  private record Flock(
      String name, Herd herd, int tunnels, Duration within, boolean steady, List<Double> took) {}

  @BeforeEach
  void balancer() {
    HaProxy.assumeInstalled();
  }

  @AfterEach
  void stop() {
    flocks.forEach(flock -> flock.herd().close());
    if (proxy != null) {
      proxy.close();
    }
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void agentsFindTheirGatewaysAndFindThemAgain() throws Exception {
    begin("--agent-advertise", GatewayProcess.OWN_ADDRESS);
    long start = System.nanoTime();
    for (Balance balance : Balance.values()) {
      flock(balance, Finds.DIRECTLY, 4, 3, DIRECTLY_WITHIN.plus(SHORT_SLACK));
    }
    flock(Balance.ROUNDROBIN, Finds.BY_ITS_DOORS, 4, 3, HUNTED_WITHIN);
    flock(Balance.LEASTCONN, Finds.BY_ITS_DOORS, 4, 3, HUNTED_WITHIN);
    flock(Balance.SOURCE, Finds.BY_ITS_DOORS, 4, 3, HUNTED_WITHIN);
    flock(
        Balance.ROUNDROBIN,
        Finds.BY_ITS_DOORS,
        4,
        AgentSettings.ALL_TUNNELS,
        HUNTED_WITHIN.plus(SHORT_SLACK));
    awaitAll(start);
    replace(cluster.get("g2"));
  }

  @Test
  @Tag("chaos")
  void fiftyAgentsDialTheAddressesThatGatewaysAdvertise() throws Exception {
    begin("--agent-advertise", GatewayProcess.OWN_ADDRESS);
    long start = System.nanoTime();
    for (Balance balance : Balance.values()) {
      flock(balance, Finds.DIRECTLY, 50, 3, DIRECTLY_WITHIN);
    }
    flock(Balance.ROUNDROBIN, Finds.DIRECTLY, 50, AgentSettings.ALL_TUNNELS, DIRECTLY_WITHIN);
    awaitAll(start);
    for (int round = 0; round < 3; round++) {
      for (GatewayProcess gateway : cluster.all()) {
        replace(gateway);
      }
    }
    figures(
            "balancer-direct",
            "Behind HAProxy, 4 gateways that advertise addresses, 50 agents of each kind")
        .ran();
  }

  @Test
  @Tag("chaos")
  void fiftyAgentsFindWhatHidesBehindTheBalancer() throws Exception {
    begin();
    long start = System.nanoTime();
    flock(Balance.ROUNDROBIN, Finds.DIRECTLY, 50, 3, HUNTED_WITHIN);
    flock(Balance.LEASTCONN, Finds.DIRECTLY, 50, 3, HUNTED_WITHIN);
    flock(Balance.ROUNDROBIN, Finds.DIRECTLY, 50, AgentSettings.ALL_TUNNELS, HUNTED_WITHIN);
    Flock stuck = flock(Balance.SOURCE, Finds.DIRECTLY, 50, 3, HUNTED_WITHIN);
    awaitAll(start);
    long minute = start + Duration.ofMinutes(1).toNanos();
    Thread.sleep(Math.max(0, (minute - System.nanoTime()) / 1_000_000));
    List<Long> before = stuck.herd().dials();
    Thread.sleep(60_000);
    List<Long> after = stuck.herd().dials();
    Map<Long, Integer> dials = new TreeMap<>();
    for (int i = 0; i < before.size(); i++) {
      dials.merge(after.get(i) - before.get(i), 1, Integer::sum);
    }
    stuck.herd().assertTunnels(1);
    long most = dials.keySet().stream().mapToLong(each -> each).max().orElseThrow();
    assertTrue(most <= MAX_DIALS_A_MINUTE, "dials in the second minute, by agents: " + dials);
    for (int round = 0; round < 3; round++) {
      for (GatewayProcess gateway : cluster.all()) {
        replace(gateway);
      }
    }
    Figures figures =
        figures("balancer-hidden", "Behind HAProxy, 4 gateways that hide, 50 agents of each kind");
    figures.note("Dials of an agent in the second minute with source, by number: " + dials + ".");
    figures.ran();
  }

  private void begin(String... more) throws Exception {
    cluster = GatewayCluster.start(GATEWAYS, more);
    proxy = HaProxy.before(cluster.all(), CHECKS);
  }

  private Flock flock(Balance balance, Finds finds, int count, int tunnels, Duration within) {
    boolean hidden = within.compareTo(HUNTED_WITHIN) >= 0;
    boolean stuck = hidden && balance == Balance.SOURCE;
    String name =
        balance.name().toLowerCase(java.util.Locale.ROOT)
            + (hidden ? "-hidden" : "-direct")
            + (tunnels == AgentSettings.ALL_TUNNELS ? "-all" : "");
    Flock flock =
        new Flock(
            name,
            Herd.start(name, count, List.of(proxy.connect(balance)), tunnels, finds, 1),
            stuck ? 1 : Math.min(tunnels, GATEWAYS),
            within,
            !stuck,
            new ArrayList<>());
    flocks.add(flock);
    return flock;
  }

  /** Waits until all have what they want, each kind within its time. */
  private void awaitAll(long start) throws InterruptedException, IOException {
    List<Flock> waiting = new ArrayList<>(flocks);
    while (!waiting.isEmpty()) {
      Thread.sleep(50);
      long now = System.nanoTime();
      for (Flock flock : List.copyOf(waiting)) {
        try {
          flock.herd().assertTunnels(flock.tunnels());
          flock.took().add((now - start) / 1e6);
          waiting.remove(flock);
        } catch (AssertionError e) {
          if (now - start > flock.within().toNanos()) {
            throw new AssertionError(flock.name() + ": not within " + flock.within(), e);
          }
        }
      }
    }
    Eventually.within(Duration.ofSeconds(10), Duration.ofMillis(250), this::assertGatewaysAgree);
  }

  /** That the gateways hold these tunnels, and no others. */
  private void assertGatewaysAgree() throws IOException {
    Map<String, List<String>> held = new TreeMap<>();
    for (Flock flock : flocks) {
      flock.herd().members().forEach(member -> held.put(member.id(), member.gateways()));
    }
    for (GatewayProcess gateway : cluster.alive()) {
      Map<String, List<String>> listed = new TreeMap<>();
      for (JsonNode session : gateway.admin().sessions()) {
        List<String> holders = new ArrayList<>();
        session.path("tunnels").forEach(tunnel -> holders.add(tunnel.path("holder").asText()));
        listed.put(session.path("session").asText(), holders.stream().sorted().toList());
      }
      assertEquals(held, listed, "sessions by " + gateway.id());
    }
  }

  /** A gateway is killed, and another one comes in its place. */
  private void replace(GatewayProcess gateway) throws Exception {
    flocks.forEach(flock -> flock.herd().forget());
    gateway.kill();
    gateway.restart();
    awaitAll(System.nanoTime());
    for (Flock flock : flocks) {
      if (flock.steady()) {
        assertEquals(List.of(), flock.herd().lonely(), flock.name() + ": without any tunnel");
      }
    }
    cluster.awaitOne();
  }

  private Figures figures(String name, String title) {
    Figures figures = new Figures(name, title);
    for (Flock flock : flocks) {
      List<Double> took = flock.took();
      Figures.Limit limit = Figures.Limit.worst(flock.within());
      figures
          .row(flock.name() + ": until all have " + flock.tunnels(), limit)
          .addAll(took.subList(0, 1));
      figures
          .row(flock.name() + ": again, from the readiness of a replacement", limit)
          .addAll(took.subList(1, took.size()));
    }
    return figures;
  }
}

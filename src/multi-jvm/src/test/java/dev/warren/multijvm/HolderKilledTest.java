package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.load.Load;
import dev.warren.multijvm.load.Sample;
import dev.warren.multijvm.process.AgentCrowd;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A gateway dies without a word (SIGKILL); its agents come back through the others. */
@ExtendWith(LogsOnFailure.class)
class HolderKilledTest {
  private static final Duration ENTITY_WITHIN = Duration.ofSeconds(20);

  /** What a short case grants beyond the promise, since two cores run all of it and more. */
  private static final Duration SHORT_SLACK = Duration.ofSeconds(5);

  /** How much longer a full case waits than is promised; its limits are asserted at the end. */
  private static final Duration SLACK = Duration.ofSeconds(20);

  private static OriginProcess origin;
  private GatewayCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
  }

  @AfterEach
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void dialsWaitForTheAgentAndTheOtherSessionsNoticeNothing() throws Exception {
    cluster = GatewayCluster.start(3);
    AgentProcess rover = cluster.agent("rover", cluster.all());
    rover.awaitUp();
    GatewayProcess victim = cluster.get(rover.gateway());
    List<GatewayProcess> survivors = cluster.except(victim);
    try (AgentCrowd first = AgentCrowd.start("first", 6, survivors.subList(0, 1));
        AgentCrowd second = AgentCrowd.start("second", 6, survivors.subList(1, 2))) {
      List<String> others = new ArrayList<>(first.ids());
      others.addAll(second.ids());
      Eventually.within(Duration.ofSeconds(20), () -> assertEntities(cluster.all(), others));
      Map<String, JsonNode> tunnels = tunnels(survivors.get(0), others);
      List<Long> asked = numbers(survivors, "dials.askedControlPlane");

      List<Sample> samples;
      List<Sample> rovers;
      try (Load steady = Load.start(60, targets(survivors, others))) {
        Thread.sleep(1_000);
        victim.kill();
        try (Load meanwhile = Load.start(10, targets(survivors, List.of("rover")))) {
          Thread.sleep(4_000);
          rovers = meanwhile.stop();
        }
        samples = steady.stop();
      }
      assertEquals(List.of(), Outages.failed(rovers), "dials to the agent of the dead gateway");
      assertEquals(List.of(), Outages.failed(samples), "dials to the agents of the others");
      double away = rovers.get(0).millis();
      assertTrue(
          away < 2_000 + SHORT_SLACK.toMillis(), "the first dial was answered after " + away);
      assertEquals(asked, numbers(survivors, "dials.askedControlPlane"), "asked the control plane");

      Eventually.within(
          ENTITY_WITHIN.plus(SHORT_SLACK),
          Duration.ofMillis(250),
          () -> {
            assertEntities(survivors, others);
            assertEquals(tunnels, tunnels(survivors.get(1), others));
          });
      victim.restart();
      cluster.awaitOne();
    }
  }

  @Test
  void theSurvivorOfTwoGoesOnWhenTheOldestDies() throws Exception {
    cluster = GatewayCluster.start(2);
    GatewayProcess victim = cluster.oldest();
    GatewayProcess survivor = cluster.except(victim).get(0);
    AgentProcess agent = cluster.agent("steady", List.of(survivor));
    agent.awaitUp();
    long process = survivor.pid();
    try (AgentCrowd crowd = AgentCrowd.start("crowd", 8, List.of(survivor));
        Download download =
            Download.start(
                survivor.caller(), origin.large("steady"), OriginProcess.largeBytes(), 1 << 20)) {
      List<String> all = new ArrayList<>(crowd.ids());
      all.add("steady");
      Eventually.within(Duration.ofSeconds(20), () -> assertEntities(cluster.all(), all));
      Map<String, JsonNode> tunnels = tunnels(survivor, all);
      try (Load steady = Load.start(40, targets(List.of(survivor), all))) {
        victim.kill();
        Eventually.within(
            ENTITY_WITHIN.plus(SHORT_SLACK),
            Duration.ofMillis(250),
            () -> {
              assertEntities(List.of(survivor), all);
              assertEquals(tunnels, tunnels(survivor, all));
            });
        assertEquals(List.of(), Outages.failed(steady.stop()), "requests through the survivor");
      }
      assertTrue(download.stop() > 0, "bytes of the download");
      assertEquals(process, survivor.pid());
      assertTrue(survivor.isAlive());
      assertEquals(1, agent.tunnelsSoFar(), "tunnels of the agent");
      victim.restart();
      cluster.awaitOne();
    }
  }

  @Test
  @Tag("chaos")
  void theFirstDialThroughASurvivorSucceedsWithinASecond() throws Exception {
    cluster = GatewayCluster.start(3);
    AgentProcess rover = cluster.agent("rover", cluster.all());
    rover.awaitUp();
    Figures figures =
        new Figures("holder-killed", "kill -9 of the gateway that holds the agent, one of three");
    Rows rows = new Rows(figures);
    List<Double> oldest = figures.row("of these, where the victim is the oldest node");
    for (int run = 0; run < Runs.count(); run++) {
      GatewayProcess victim = cluster.get(rover.gateway());
      boolean isOldest = victim.equals(cluster.oldest());
      List<GatewayProcess> survivors = cluster.except(victim);
      try (AgentCrowd others = AgentCrowd.start("run-" + run, 12, survivors)) {
        double away = rows.kill(victim, survivors, others.ids(), "rover");
        if (isOldest) {
          oldest.add(away);
        }
      }
      figures.ran();
      victim.restart();
      cluster.awaitOne();
    }
    figures.assertLimits();
  }

  @Test
  @Tag("chaos")
  void theSurvivorOfTwoGoesOnEveryTimeTheOldestDies() throws Exception {
    cluster = GatewayCluster.start(2);
    Figures figures =
        new Figures(
            "holder-killed-two",
            "kill -9 of the gateway that holds the agent, the oldest one of two");
    Rows rows = new Rows(figures);
    for (int run = 0; run < Runs.count(); run++) {
      // The survivor of one run is the oldest of the next.
      GatewayProcess victim = cluster.oldest();
      GatewayProcess survivor = cluster.except(victim).get(0);
      List<GatewayProcess> survivors = List.of(survivor);
      AgentProcess rover = agentAt(victim, "rover-" + run);
      long process = survivor.pid();
      try (AgentCrowd others = AgentCrowd.start("run-" + run, 8, survivors);
          Download download =
              Download.start(
                  survivor.caller(),
                  origin.large(others.ids().get(0)),
                  OriginProcess.largeBytes(),
                  1 << 20)) {
        rows.kill(victim, survivors, others.ids(), rover.id());
        List<String> broken = new ArrayList<>();
        try {
          assertTrue(download.stop() > 0, "bytes of the download");
        } catch (IOException e) {
          broken.add(e.getMessage());
        }
        figures.expectNone("Downloads through the survivor that broke", broken);
        figures.expectNone(
            "Survivors that were restarted",
            survivor.isAlive() && survivor.pid() == process ? List.of() : List.of(survivor.id()));
      }
      figures.ran();
      cluster.closeAgents();
      victim.restart();
      cluster.awaitOne();
    }
    figures.assertLimits();
  }

  /** An agent that knows all gateways, and whose tunnel is at this one. */
  private AgentProcess agentAt(GatewayProcess holder, String prefix) throws Exception {
    List<GatewayProcess> at = new ArrayList<>(List.of(holder));
    at.addAll(cluster.except(holder));
    for (int i = 0; ; i++) {
      AgentProcess agent = cluster.agent(prefix + "-" + i, at);
      agent.awaitUp();
      if (agent.gateway().equals(holder.id())) {
        return agent;
      }
      agent.close();
    }
  }

  /** What is measured at each kill. */
  private static final class Rows {
    private final Figures figures;
    private final List<Double> without;
    private final List<Double> away;
    private final List<Double> waited;
    private final List<Double> before;
    private final List<Double> meanwhile;
    private final List<Double> seen;
    private final List<Double> entities;

    Rows(Figures figures) {
      this.figures = figures;
      without = figures.row("without the fault: a dial to the agent through one of the others");
      away =
          figures.row(
              "from the kill to the first answer through a survivor",
              Figures.Limit.median(Duration.ofSeconds(1)),
              Figures.Limit.worst(Duration.ofSeconds(2)));
      waited = figures.row("the dial that waited longest, in each run");
      before = figures.row("without the fault: a dial to agents of the others");
      meanwhile =
          figures.row(
              "the same meanwhile",
              Figures.Limit.most99(Duration.ofMillis(200)),
              Figures.Limit.worst(Duration.ofSeconds(1)));
      seen = figures.row("without the fault: to see every session's entity");
      entities =
          figures.row(
              "until every session has an entity again, with the same tunnels",
              Figures.Limit.worst(ENTITY_WITHIN));
    }

    /** From the kill to the first answer (ms). */
    double kill(
        GatewayProcess victim, List<GatewayProcess> survivors, List<String> others, String rover)
        throws Exception {
      List<GatewayProcess> all = new ArrayList<>(survivors);
      all.add(victim);
      GatewayProcess asked = survivors.get(survivors.size() - 1);
      Eventually.within(Duration.ofSeconds(20), () -> assertEntities(all, others));
      Map<String, JsonNode> tunnels = tunnels(asked, others);
      seen.add(
          Eventually.within(
                      ENTITY_WITHIN,
                      () -> {
                        assertEntities(all, others);
                        assertEquals(tunnels, tunnels(asked, others));
                      })
                  .toNanos()
              / 1e6);
      List<Long> counted = numbers(survivors, "dials.askedControlPlane");
      // One of them has just been started again, and is slow at first whatever happens.
      measure(survivors, others, 50, new ArrayList<>());
      measure(survivors, List.of(rover), 10, without);
      measure(survivors, others, 50, before);
      List<Sample> rovers;
      List<Sample> steadies;
      long killed;
      try (Load steady = Load.start(50, targets(survivors, others))) {
        Thread.sleep(1_000);
        victim.kill();
        killed = System.nanoTime();
        try (Load load = Load.start(20, targets(survivors, List.of(rover)))) {
          Thread.sleep(4_000);
          rovers = load.stop();
        }
        steadies = steady.stop();
      }
      figures.expectNone("Dials to the agent that failed", Outages.all(rovers));
      figures.expectNone("Dials to agents of the others that failed", Outages.all(steadies));
      double first =
          rovers.stream()
              .filter(Sample::good)
              .mapToDouble(sample -> (sample.startNanos() + sample.nanos() - killed) / 1e6)
              .min()
              .orElse(Double.POSITIVE_INFINITY);
      away.add(first);
      waited.add(rovers.stream().mapToDouble(Sample::millis).max().orElseThrow());
      steadies.forEach(sample -> meanwhile.add(sample.millis()));
      List<Long> countedNow = numbers(survivors, "dials.askedControlPlane");
      figures.expectNone(
          "Runs in which a dial asked the control plane",
          counted.equals(countedNow) ? List.of() : List.of(counted + " and then " + countedNow));
      Eventually.within(
          ENTITY_WITHIN.plus(SLACK),
          Duration.ofMillis(100),
          () -> {
            assertEntities(survivors, others);
            assertEquals(tunnels, tunnels(asked, others));
          });
      entities.add((System.nanoTime() - killed) / 1e6);
      return first;
    }

    private static void measure(
        List<GatewayProcess> gateways, List<String> agents, double perSecond, List<Double> row)
        throws InterruptedException {
      try (Load load = Load.start(perSecond, targets(gateways, agents))) {
        Thread.sleep(2_000);
        List<Sample> samples = load.stop();
        assertEquals(List.of(), Outages.failed(samples), "before the fault");
        samples.forEach(sample -> row.add(sample.millis()));
      }
    }
  }

  private static List<Load.Target> targets(List<GatewayProcess> gateways, List<String> agents) {
    List<Load.Target> targets = new ArrayList<>();
    for (String agent : agents) {
      for (GatewayProcess gateway : gateways) {
        targets.add(new Load.Target(gateway.caller(), origin.hello(agent)));
      }
    }
    return targets;
  }

  private static List<Long> numbers(List<GatewayProcess> gateways, String path) throws Exception {
    List<Long> numbers = new ArrayList<>();
    for (GatewayProcess gateway : gateways) {
      numbers.add(gateway.number(path));
    }
    return numbers;
  }

  /** That each session is online, and has its entity at one of these gateways. */
  private static void assertEntities(List<GatewayProcess> gateways, List<String> sessions)
      throws Exception {
    List<String> ids = gateways.stream().map(GatewayProcess::id).toList();
    for (String session : sessions) {
      JsonNode found = gateways.get(0).admin().session(session).orElseThrow();
      assertEquals("online", found.path("status").asText(), session);
      String entity = found.path("entity").path("gateway").asText();
      assertTrue(
          ids.contains(entity),
          session + ": entity at \"" + entity + "\" (expected: one of " + ids + ")");
    }
  }

  private static Map<String, JsonNode> tunnels(GatewayProcess gateway, List<String> sessions)
      throws Exception {
    Map<String, JsonNode> tunnels = new HashMap<>();
    for (String session : sessions) {
      tunnels.put(session, gateway.admin().session(session).orElseThrow().path("tunnels"));
      for (JsonNode tunnel : tunnels.get(session)) { // how busy it is changes all the time
        ((ObjectNode) tunnel)
            .retain("holder", "holderIncarnation", "instance", "connection", "epoch");
      }
    }
    return tunnels;
  }
}

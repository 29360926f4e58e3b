package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.multijvm.load.Figures;
import dev.warren.multijvm.process.AgentProcess;
import dev.warren.multijvm.process.FreePorts;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** No fault of a gateway: sessions come and go, and all gateways list them the same. */
@ExtendWith(LogsOnFailure.class)
class SitesTest {
  /** What the program promises; the full form holds it to that. */
  private static final Duration SAME_WITHIN = Duration.ofSeconds(2);

  /** For a machine that builds something else meanwhile. */
  private static final Duration ENOUGH = Duration.ofSeconds(20);

  private static GatewayCluster cluster;
  private static int target;

  @BeforeAll
  static void start() throws Exception {
    target = FreePorts.next();
    cluster =
        GatewayCluster.start(3, "--check", "site-*=127.0.0.1:" + target, "--check-interval", "1s");
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  /** How a session is to look at every gateway. */
  private interface Look {
    void holds(JsonNode session);
  }

  /** Waits until it looks so at every gateway, and the same at all of them. */
  private static Duration awaitSame(String id, Duration within, Look look)
      throws InterruptedException {
    return Eventually.within(
        within,
        () -> {
          List<JsonNode> first = null;
          for (GatewayProcess gateway : cluster.all()) {
            List<JsonNode> views = gateway.admin().views(id).orElse(null);
            assertTrue(views != null, gateway.id() + " does not know " + id);
            for (JsonNode view : views) {
              look.holds(view);
            }
            first = first == null ? views : first;
            assertEquals(first, views, "as listed and shown by " + gateway.id());
          }
        });
  }

  private static void holders(JsonNode session, String... expected) {
    assertEquals("online", session.path("status").asText(), session::toString);
    List<String> holders = new ArrayList<>();
    for (JsonNode tunnel : session.path("tunnels")) {
      holders.add(tunnel.path("holder").asText());
      assertTrue(tunnel.path("remote").asText().startsWith("127.0.0.1:"), session::toString);
      assertTrue(tunnel.path("software").asText().startsWith("warren-agent"), session::toString);
      assertTrue(tunnel.has("since"), session::toString);
    }
    assertEquals(List.of(expected), holders, session::toString);
    assertTrue(session.has("since") && session.has("lastConnected"), session::toString);
  }

  private static void offline(JsonNode session) {
    assertEquals("offline", session.path("status").asText(), session::toString);
    assertTrue(session.path("tunnels").isEmpty(), session::toString);
    assertTrue(session.has("since") && session.has("lastConnected"), session::toString);
  }

  /**
   * From each change to the same list everywhere (ms): came, gone, back, another tunnel, closed.
   */
  private static List<Double> changes(String id, Duration within) throws Exception {
    List<Duration> took = new ArrayList<>();
    GatewayProcess home = cluster.all().get(0);
    try (AgentProcess agent = cluster.agent(id, List.of(home))) {
      agent.awaitUp();
      took.add(awaitSame(id, within, session -> holders(session, "g1")));
      agent.kill();
      took.add(awaitSame(id, within, SitesTest::offline));
      agent.restart();
      agent.awaitUp(2);
      took.add(awaitSame(id, within, session -> holders(session, "g1")));
    }
    took.add(awaitSame(id, within, SitesTest::offline));
    try (AgentProcess agent = cluster.agent(id, cluster.all().subList(1, 3), "--tunnels", "2")) {
      agent.awaitUp(2);
      took.add(awaitSame(id, within, session -> holders(session, "g2", "g3")));
    }
    took.add(awaitSame(id, within, SitesTest::offline));
    return took.stream().map(each -> each.toNanos() / 1e6).toList();
  }

  @Test
  void allGatewaysListTheSameSessions() throws Exception {
    changes("moving", ENOUGH);
  }

  @Test
  @Tag("chaos")
  void allGatewaysListTheSameWithin2SecondsOfAChange() throws Exception {
    List<Double> millis = new ArrayList<>();
    for (int run = 0; run < Runs.count(); run++) {
      millis.addAll(changes("run-" + run, SAME_WITHIN));
    }
    System.out.println("From a change to the same list at all gateways, ms: " + millis);
    assertTrue(Figures.quantile(millis, 1) <= SAME_WITHIN.toMillis(), millis::toString);
  }

  @Test
  void aTargetThatFailsIsShownAndToldByAllGateways() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    listen(cluster.get("g3"), events);
    String shown = "127.0.0.1:" + target;
    try (AgentProcess agent = cluster.agent("site-1", List.of(cluster.get("g1")))) {
      agent.awaitUp();
      ServerSocket open = new ServerSocket(target, 100, InetAddress.getByName("127.0.0.1"));
      try (open) {
        awaitState("good", shown);
      }
      Duration failed = awaitState("failed", shown);
      Eventually.within(ENOUGH, () -> assertEquals(1, events("check-failed", events)));
      try (ServerSocket again = new ServerSocket(target, 100, InetAddress.getByName("127.0.0.1"))) {
        Duration recovered = awaitState("good", again.isBound() ? shown : "");
        Eventually.within(ENOUGH, () -> assertEquals(1, events("check-recovered", events)));
        System.out.println(
            "With a check each second: failed at all after "
                + failed.toMillis()
                + " ms, recovered after "
                + recovered.toMillis()
                + " ms");
      }
    }
  }

  /** The same result at every gateway, and the same beginning of it. */
  private static Duration awaitState(String state, String shown) throws InterruptedException {
    return Eventually.within(
        ENOUGH,
        () -> {
          String since = null;
          for (GatewayProcess gateway : cluster.all()) {
            JsonNode session = gateway.admin().session("site-1").orElseThrow();
            String by = gateway.id() + ": " + session;
            assertEquals(1, session.path("checks").size(), by);
            JsonNode check = session.path("checks").path(0);
            assertEquals(shown, check.path("target").asText(), by);
            assertEquals(state, check.path("state").asText(), by);
            assertEquals(state.equals("good"), !check.has("reason"), by);
            assertTrue(check.has("at"), by);
            since = since == null ? check.path("since").asText() : since;
            assertEquals(since, check.path("since").asText(), by);
          }
        });
  }

  private static long events(String kind, List<String> events) {
    return events.stream().filter(("event: " + kind)::equals).count();
  }

  private static void listen(GatewayProcess gateway, List<String> events) throws Exception {
    HttpResponse<Stream<String>> stream =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(gateway.admin().events()).build(),
                HttpResponse.BodyHandlers.ofLines());
    if (stream.statusCode() != 200) {
      throw new IOException("events: status " + stream.statusCode());
    }
    Thread reader = new Thread(() -> stream.body().forEach(events::add), "events");
    reader.setDaemon(true);
    reader.start();
    Eventually.within(ENOUGH, () -> assertTrue(!events.isEmpty(), "the first comment"));
  }
}

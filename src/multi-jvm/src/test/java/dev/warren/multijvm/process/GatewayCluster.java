package dev.warren.multijvm.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.network.NetworkLab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Gateways that share a token and know each other's addresses. */
public final class GatewayCluster implements AutoCloseable {
  /** How long a cluster may take to be one; generous, since two cores start all of it. */
  private static final Duration ONE_WITHIN = Duration.ofSeconds(90);

  private static GatewayCluster shared;

  private final List<GatewayProcess> gateways = new ArrayList<>();
  private final List<AgentProcess> agents = new ArrayList<>();
  private final Path directory;
  private final Path token;
  private final List<String> more;
  private final Optional<Tokens> tokens;

  private GatewayCluster(List<String> more, Optional<Tokens> tokens) throws IOException {
    this.tokens = tokens;
    this.directory = Files.createTempDirectory("warren-cluster-");
    this.token = writeToken(directory.resolve("cluster.token"));
    this.more = more;
  }

  /**
   * Three gateways for all tests that leave them as they were; they end with this JVM. A test's
   * agents are its own, and it closes them.
   */
  public static synchronized GatewayCluster shared() throws IOException, InterruptedException {
    if (shared != null) {
      try {
        shared.awaitOne();
        return shared;
      } catch (AssertionError e) {
        shared.close(); // some test has left it broken, and has failed
      }
    }
    shared = start(3);
    return shared;
  }

  /** Starts so many, and waits until they are one cluster with all links. */
  public static GatewayCluster start(int size, String... more)
      throws IOException, InterruptedException {
    return start(size, place -> place, more);
  }

  /** As above, where the others come to each gateway by another way than the direct one. */
  public static GatewayCluster start(
      int size, UnaryOperator<GatewayProcess.Place> way, String... more)
      throws IOException, InterruptedException {
    GatewayCluster cluster = new GatewayCluster(List.of(more), Optional.empty());
    try {
      List<GatewayProcess.Place> places = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        places.add(way.apply(GatewayProcess.Place.free("g" + (i + 1))));
      }
      List<String> join = places.stream().map(GatewayProcess.Place::joined).toList();
      for (GatewayProcess.Place place : places) {
        cluster.add(place, join, cluster.token, List.of());
      }
      for (GatewayProcess gateway : cluster.gateways) {
        gateway.awaitReady();
      }
      cluster.awaitOne();
      return cluster;
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      cluster.showLogs();
      cluster.close();
      throw e;
    }
  }

  /** Starts so many on the hosts of a lab, where they need tokens, and waits until they are one. */
  public static GatewayCluster start(NetworkLab lab, int size)
      throws IOException, InterruptedException {
    GatewayCluster cluster = new GatewayCluster(List.of(), Optional.of(Tokens.make()));
    try {
      List<GatewayProcess.Place> places = new ArrayList<>();
      for (int host = 1; host <= size; host++) {
        places.add(GatewayProcess.Place.free("g" + host, lab.outside(host), lab.inside(host)));
      }
      List<String> join = places.stream().map(GatewayProcess.Place::joined).toList();
      for (int host = 1; host <= size; host++) {
        cluster.add(places.get(host - 1), join, cluster.token, lab.on(host));
      }
      for (GatewayProcess gateway : cluster.gateways) {
        gateway.awaitReady();
      }
      cluster.awaitOne();
      return cluster;
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      cluster.showLogs();
      cluster.close();
      throw e;
    }
  }

  private GatewayProcess add(
      GatewayProcess.Place place, List<String> join, Path tokenFile, List<String> around)
      throws IOException {
    GatewayProcess gateway =
        new GatewayProcess(place, join, tokenFile, "128m", around, more, tokens);
    gateways.add(gateway);
    gateway.start();
    return gateway;
  }

  /**
   * One more gateway that would like to join, with any token and any id; not among {@link #all}.
   */
  public GatewayProcess stranger(String id, Path tokenFile) throws IOException {
    return stranger(id, tokenFile, List.of());
  }

  /**
   * As above.
   *
   * @param around what stands before {@code java}
   */
  public GatewayProcess stranger(String id, Path tokenFile, List<String> around)
      throws IOException {
    List<String> join = gateways.stream().map(gateway -> gateway.place().joined()).toList();
    GatewayProcess stranger =
        new GatewayProcess(
            GatewayProcess.Place.free(id), join, tokenFile, "128m", around, List.of(), tokens);
    stranger.start();
    return stranger;
  }

  /** One more gateway, which joins; returns when it is ready. */
  public GatewayProcess grow() throws IOException, InterruptedException {
    List<String> join = gateways.stream().map(gateway -> gateway.place().joined()).toList();
    GatewayProcess.Place place = GatewayProcess.Place.free("g" + (gateways.size() + 1));
    GatewayProcess gateway = add(place, join, token, List.of());
    gateway.awaitReady();
    return gateway;
  }

  /** The token of this cluster. */
  public Path token() {
    return token;
  }

  /** A good token that is not this cluster's. */
  public Path otherToken() throws IOException {
    return writeToken(directory.resolve("other.token"));
  }

  /** As {@code ./warren token cluster} makes them. */
  private static Path writeToken(Path file) throws IOException {
    Files.writeString(
        file,
        dev.warren.gateway.access.Token.generate(
                dev.warren.gateway.access.TokenKind.CLUSTER, new SecureRandom())
            + "\n");
    return file;
  }

  public List<GatewayProcess> all() {
    return List.copyOf(gateways);
  }

  /** Those that are neither dead nor frozen. */
  public List<GatewayProcess> alive() {
    return gateways.stream().filter(each -> each.isAlive() && !each.isFrozen()).toList();
  }

  public GatewayProcess get(String id) {
    return gateways.stream().filter(each -> each.id().equals(id)).findFirst().orElseThrow();
  }

  /** All that are alive but these. */
  public List<GatewayProcess> except(GatewayProcess... left) {
    List<GatewayProcess> others = new ArrayList<>(alive());
    others.removeAll(List.of(left));
    return others;
  }

  /** The oldest member: the one that has the singletons of the cluster. */
  public GatewayProcess oldest() throws IOException {
    for (JsonNode member : alive().get(0).admin().status().path("control").path("members")) {
      if (member.path("oldest").asBoolean()) {
        return get(member.path("id").asText());
      }
    }
    throw new IOException("no member is the oldest");
  }

  /** Starts an agent with the addresses of these gateways; it ends with the cluster. */
  public AgentProcess agent(String id, List<GatewayProcess> at, String... arguments)
      throws IOException {
    return agentWithin(List.of(), id, at, arguments);
  }

  /**
   * As {@link #agent}.
   *
   * @param around what stands before {@code java}
   */
  public AgentProcess agentWithin(
      List<String> around, String id, List<GatewayProcess> at, String... arguments)
      throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    tokens.ifPresent(made -> all.addAll(made.agentFlags()));
    AgentProcess agent =
        AgentProcess.start(id, at.stream().map(GatewayProcess::connect).toList(), around, all);
    agents.add(agent);
    return agent;
  }

  /** Waits until those that are alive are one cluster with all links. */
  public Duration awaitOne() throws InterruptedException {
    return awaitOne(ONE_WITHIN);
  }

  /** As {@link #awaitOne()}, within a time of the test's. */
  public Duration awaitOne(Duration within) throws InterruptedException {
    return Eventually.within(within, Duration.ofMillis(100), () -> assertOne(alive()));
  }

  /** That these see each other, and only each other, as members and at the ends of links. */
  public static void assertOne(List<GatewayProcess> gateways) throws IOException {
    List<String> ids = gateways.stream().map(GatewayProcess::id).sorted().toList();
    Set<String> clusters = new HashSet<>();
    for (GatewayProcess gateway : gateways) {
      JsonNode status = gateway.admin().status();
      JsonNode control = status.path("control");
      assertEquals("member", control.path("state").asText(), gateway.id() + ": state");
      assertEquals(ids, gateway.admin().members(), gateway.id() + ": members");
      assertEquals(ids, gateway.admin().allMembers(), gateway.id() + ": all members");
      List<String> others = ids.stream().filter(id -> !id.equals(gateway.id())).toList();
      assertEquals(others, gateway.admin().links(), gateway.id() + ": links");
      clusters.add(control.path("clusterId").asText());
    }
    assertEquals(1, clusters.size(), "clusters " + clusters);
  }

  /** Where a session's entity lives and its tunnels end, as each gateway that is alive says. */
  public void assertSessionIs(String id, String holder) throws IOException {
    for (GatewayProcess gateway : alive()) {
      assertEquals(List.of(holder), gateway.admin().holders(id), id + " by " + gateway.id());
    }
  }

  /** The ends of all logs, for a test that failed. */
  public void showLogs() {
    for (GatewayProcess gateway : gateways) {
      show(gateway);
    }
    for (AgentProcess agent : agents) {
      show(agent);
    }
  }

  private static void show(WarrenProcess process) {
    System.err.println(
        "---- " + process + ": the end of " + process.log().path() + "\n" + process.log().end());
  }

  /** Ends the agents only. */
  public void closeAgents() {
    agents.forEach(AgentProcess::close);
    agents.clear();
  }

  @Override
  public void close() {
    for (AgentProcess agent : agents) {
      agent.close();
    }
    for (GatewayProcess gateway : gateways) {
      gateway.close();
    }
    for (String name : List.of("cluster.token", "other.token")) {
      directory.resolve(name).toFile().delete();
    }
    directory.toFile().delete();
  }
}

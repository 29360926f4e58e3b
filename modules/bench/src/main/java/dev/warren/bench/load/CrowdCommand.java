package dev.warren.bench.load;

import dev.warren.protocol.mux.MuxSettings;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.net.SocketFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Thousands of agents on a few gateways: how fast they attach and are dialled, and what each of
 * them takes. The agents are in this JVM, the gateways are processes of their own.
 */
@Command(
    name = "modules/bench/run crowd",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    description = "Attaches a crowd of light agents to a cluster and measures what each takes.")
final class CrowdCommand implements Callable<Integer> {
  static final double ROUTE_TARGET_KIB = 1;
  static final double ENTITY_TARGET_KIB = 8;
  static final double TUNNEL_TARGET_KIB = 40;
  static final double HEARTBEAT_TARGET_PERCENT = 3;
  static final double FILES_TARGET = 1;

  private static final double KIB = 1_024;
  private static final int WARM_UP_AGENTS = 50;
  private static final int SETTLE_MILLIS = 5_000;
  private static final int REACHABLE_SECONDS = 60;

  /** Holders tell the control plane at once, and again; the slowest is known by then. */
  private static final int ENTITIES_SECONDS = 60;

  private static final int HISTOGRAM_LINES = 15;

  /** The heap of a gateway; ten thousand tunnels of 40 KiB would not fit in the usual one. */
  private static final String JAVA = "-Xmx1g -XX:MaxDirectMemorySize=1g";

  /** Which gateways the agents attach to. */
  enum Holders {
    all,
    first
  }

  @Option(names = "--agents", paramLabel = "NUMBER", description = "How many (default: 10000)")
  private int agents = 10_000;

  @Option(names = "--gateways", paramLabel = "NUMBER", description = "How many (default: 3)")
  private int gateways = 3;

  @Option(
      names = "--holder",
      paramLabel = "all|first",
      description =
          "Which gateways the agents attach to; with first, route entries and entities are told"
              + " apart (default: first)")
  private Holders holder = Holders.first;

  @Option(
      names = "--concurrency",
      paramLabel = "NUMBER",
      description = "How many attach at one time (default: 64)")
  private int concurrency = 64;

  @Option(
      names = "--dials",
      paramLabel = "NUMBER",
      description = "How many through each gateway (default: 500)")
  private int dials = 500;

  @Option(
      names = "--heartbeat-agents",
      paramLabel = "NUMBER",
      description = "With how many the CPU time of heartbeats is taken (default: 1000)")
  private int heartbeatAgents = 1_000;

  @Option(
      names = "--heartbeat-seconds",
      paramLabel = "SECONDS",
      description = "For how long, with them and without (default: 30)")
  private int heartbeatSeconds = 30;

  @Option(
      names = "--heartbeat-settle",
      paramLabel = "SECONDS",
      description =
          "How long before, with them and without: the compilers are to be done (default: 40)")
  private int settleSeconds = 40;

  @Option(
      names = "--wss",
      description = "Agents and callers come by TLS, with BoringSSL where it loads")
  private boolean wss;

  @Mixin private RunOptions options;

  private final PrintStream out = System.out;
  private SocketFactory callers = SocketFactory.getDefault();
  private Optional<SslContext> agentTls = Optional.empty();

  /**
   * CPU seconds of all gateways for each second of the clock.
   *
   * @param compilers of them, those of the JVM's compilers, which have less and less to do
   */
  private record CpuShare(double all, double compilers) {}

  static String id(int number) {
    return String.format(Locale.ROOT, "crowd-%05d", number);
  }

  /** What one gateway has taken so far. */
  private record Taken(
      double heapBytes, double residentBytes, int openFiles, Map<String, Long> classes) {
    static Taken by(Bench bench, Child process) {
      double heap = Heap.collected(bench, process).liveBytes();
      return new Taken(
          heap, process.residentBytes(), process.openFiles(), Heap.classes(bench, process));
    }
  }

  @Override
  public Integer call() throws IOException {
    Bench bench = options.setUp(600 + 2 * (heartbeatSeconds + settleSeconds) + agents / 20);
    Readings readings =
        new Readings(
            agents
                + " agents, "
                + gateways
                + " gateways ("
                + JAVA
                + "), agents at "
                + (holder == Holders.all ? "all" : "the first")
                + (wss ? ", by wss" : ""),
            out);
    Optional<SelfSigned> shown = Optional.empty();
    if (wss) {
      shown = Optional.of(SelfSigned.make(bench));
      callers = SelfSigned.callers();
      agentTls = Optional.of(SelfSigned.client());
    }
    Cluster cluster =
        Cluster.start(
            bench,
            IntStream.range(1, gateways + 1).mapToObj(i -> "gateway-" + i).toList(),
            JAVA,
            shown);
    warmUp(cluster);
    List<Taken> before = taken(bench, cluster);
    Bench.pause((int) TimeUnit.SECONDS.toMillis(settleSeconds));
    CpuShare idle = cpuShare(cluster);
    try (Crowd crowd = new Crowd(concurrency, agentTls)) {
      int first = Math.min(heartbeatAgents, agents);
      double seconds = attach(crowd, cluster, 0, first);
      Bench.pause((int) TimeUnit.SECONDS.toMillis(settleSeconds));
      CpuShare busy = cpuShare(cluster);
      readings.add(
          new Reading(
              "CPU of the gateways for the heartbeats of " + first + " agents",
              (busy.all() - idle.all()) * 100,
              "% of a core",
              first == 1_000 ? Figure.Target.atMost(HEARTBEAT_TARGET_PERCENT) : Figure.Target.NONE,
              String.format(
                  Locale.ROOT,
                  "of it compilers %.2f %%; without agents %.2f %%, of it compilers %.2f %%;"
                      + " interval %d ms",
                  (busy.compilers() - idle.compilers()) * 100,
                  idle.all() * 100,
                  idle.compilers() * 100,
                  MuxSettings.DEFAULT.heartbeat().toMillis())));
      seconds += attach(crowd, cluster, first, agents);
      Series attach = crowd.attachMillis();
      readings.add(new Reading("attach rate", agents / seconds, "agents/s"));
      readings.add(new Reading("attach, all of them", seconds, "s"));
      readings.add(new Reading("attach, connect to WELCOME, median", attach.median(), "ms"));
      readings.add(new Reading("attach, connect to WELCOME, 99 %", attach.quantile(0.99), "ms"));
      awaitReachable(cluster);
      List<OptionalInt> entities = awaitEntities(cluster);
      dial(cluster, readings);
      Bench.pause(SETTLE_MILLIS);
      List<Taken> after = taken(bench, cluster);
      crowd.checkComplete();
      double routeBytes = RouteHeap.bytesPerRoute(bench, agents);
      tell(cluster, readings, before, after, entities, routeBytes);
    }
    return options.conclude(readings, out);
  }

  /** Loads what is loaded once, so that it does not count as an agent's. */
  private void warmUp(Cluster cluster) {
    try (Crowd crowd = new Crowd(concurrency, agentTls)) {
      for (int i = 0; i < WARM_UP_AGENTS; i++) {
        crowd.attach("warm-" + i, cluster.nodes().get(i % gateways).http());
      }
      crowd.awaitAttached();
      for (Cluster.Node node : cluster.nodes()) {
        for (int i = 0; i < WARM_UP_AGENTS; i++) {
          HttpAnswer.await(url(node, "warm-" + i), REACHABLE_SECONDS, cluster.processes());
        }
      }
      awaitEntities(cluster);
    }
    Bench.pause(SETTLE_MILLIS);
  }

  private List<Taken> taken(Bench bench, Cluster cluster) {
    List<Taken> taken = new ArrayList<>();
    cluster.processes().forEach(process -> taken.add(Taken.by(bench, process)));
    return taken;
  }

  private CpuShare cpuShare(Cluster cluster) {
    double all = cpuSeconds(cluster);
    double compilers = compilerSeconds(cluster);
    long since = System.nanoTime();
    Bench.pause((int) TimeUnit.SECONDS.toMillis(heartbeatSeconds));
    double seconds = (System.nanoTime() - since) / 1e9;
    return new CpuShare(
        (cpuSeconds(cluster) - all) / seconds, (compilerSeconds(cluster) - compilers) / seconds);
  }

  private static double cpuSeconds(Cluster cluster) {
    return cluster.processes().stream().mapToDouble(Child::cpuSeconds).sum();
  }

  private static double compilerSeconds(Cluster cluster) {
    return cluster.processes().stream()
        .mapToDouble(process -> process.cpuSecondsOf("C1 Compiler", "C2 Compiler"))
        .sum();
  }

  private int holderOf(int agent) {
    return holder == Holders.all ? agent % gateways : 0;
  }

  /** Attaches the agents of these numbers; returns how long it took (seconds). */
  private double attach(Crowd crowd, Cluster cluster, int from, int to) {
    long since = System.nanoTime();
    for (int i = from; i < to; i++) {
      crowd.attach(id(i), cluster.nodes().get(holderOf(i)).http());
    }
    crowd.awaitAttached();
    double seconds = (System.nanoTime() - since) / 1e9;
    out.printf(Locale.ROOT, "  %d agents attached%n", crowd.attached());
    return seconds;
  }

  private static String path(String agent) {
    return "/client/" + agent + "/http/127.0.0.1:80/small";
  }

  private String url(Cluster.Node node, String agent) {
    return (wss ? "https://" : "http://") + FreePorts.HOST + ":" + node.http() + path(agent);
  }

  /** The routes of the last ones are everywhere. */
  private void awaitReachable(Cluster cluster) {
    for (Cluster.Node node : cluster.nodes()) {
      for (int i = Math.max(0, agents - gateways); i < agents; i++) {
        HttpAnswer.await(url(node, id(i)), REACHABLE_SECONDS, cluster.processes());
      }
    }
  }

  /** Where the entities live, once their number stands still. */
  private List<OptionalInt> awaitEntities(Cluster cluster) {
    List<OptionalInt> last = List.of();
    for (int i = 0; i < ENTITIES_SECONDS; i += SETTLE_MILLIS / 1_000) {
      Bench.pause(SETTLE_MILLIS);
      List<OptionalInt> now = cluster.nodes().stream().map(Cluster.Node::entitiesHere).toList();
      if (now.equals(last)) {
        return now;
      }
      last = now;
    }
    throw new LoadException("entities still move after " + ENTITIES_SECONDS + " s: " + last);
  }

  private void dial(Cluster cluster, Readings readings) {
    Random random = new Random(1);
    for (Cluster.Node node : cluster.nodes()) {
      Series millis = new Series();
      for (int i = 0; i < dials; i++) {
        String agent = id(random.nextInt(agents));
        try (RawCaller caller = RawCaller.ask(callers, node.http(), path(agent), node.id())) {
          millis.add(caller.firstByteMillis());
        }
      }
      String name = "dial through " + node.id() + ", connect to first byte, ";
      readings.add(new Reading(name + "median", millis.median(), "ms"));
      readings.add(new Reading(name + "99 %", millis.quantile(0.99), "ms"));
      readings.raw(name + "ms", millis.values());
    }
  }

  private void tell(
      Cluster cluster,
      Readings readings,
      List<Taken> before,
      List<Taken> after,
      List<OptionalInt> entities,
      double routeBytes) {
    boolean known = entities.stream().allMatch(OptionalInt::isPresent);
    double total = known ? entities.stream().mapToInt(OptionalInt::getAsInt).sum() : agents;
    if (known) {
      readings.add(new Reading("entities", total, "", Figure.Target.atLeast(agents)));
    }
    readings.add(
        new Reading(
            "route entry, in a table by itself",
            routeBytes / KIB,
            "KiB",
            Figure.Target.atMost(ROUTE_TARGET_KIB)));
    double entityBytes = 0;
    double entitiesElsewhere = 0;
    List<Double> growth = new ArrayList<>();
    for (int i = 0; i < gateways; i++) {
      Cluster.Node node = cluster.nodes().get(i);
      double grown = after.get(i).heapBytes() - before.get(i).heapBytes();
      growth.add(grown);
      double here = known ? entities.get(i).getAsInt() : total / gateways;
      String what =
          String.format(
              Locale.ROOT, "%.0f entities%s", here, known ? "" : " (assumed: equal shares)");
      readings.add(
          new Reading(
              "heap of " + node.id() + " for each session",
              grown / agents / KIB,
              "KiB",
              Figure.Target.NONE,
              what));
      if (holder == Holders.first && i > 0) {
        entityBytes += grown - agents * routeBytes;
        entitiesElsewhere += here;
      }
    }
    if (holder == Holders.first && gateways > 1) {
      double entity = entityBytes / entitiesElsewhere;
      readings.add(
          new Reading(
              "entity where it lives",
              entity / KIB,
              "KiB",
              Figure.Target.atMost(ENTITY_TARGET_KIB),
              "what the others grew by, less the route entries"));
      double own = known ? entities.get(0).getAsInt() : total / gateways;
      readings.add(
          new Reading(
              "tunnel on its holder",
              (growth.get(0) - own * entity) / agents / KIB,
              "KiB",
              Figure.Target.atMost(TUNNEL_TARGET_KIB),
              "with its own entry in the route table and what reports it"));
    } else if (gateways == 1) {
      readings.add(
          new Reading(
              "tunnel and entity on the only gateway",
              growth.get(0) / agents / KIB,
              "KiB",
              Figure.Target.atMost(TUNNEL_TARGET_KIB)));
    }
    int held = holder == Holders.all ? agents / gateways : agents;
    readings.add(
        new Reading(
            "file handles of gateway-1 for each tunnel",
            (after.get(0).openFiles() - before.get(0).openFiles()) / (double) held,
            "",
            Figure.Target.atMost(FILES_TARGET + 0.01),
            "a hundredth for what dials have opened"));
    readings.add(
        new Reading(
            "resident size of gateway-1 for each tunnel",
            (after.get(0).residentBytes() - before.get(0).residentBytes()) / held / KIB,
            "KiB",
            Figure.Target.NONE,
            "what it has grown by, with all that the run has made it take"));
    for (int i = 0; i < gateways; i++) {
      readings.add(
          new Reading(
              "resident size of gateway-" + (i + 1),
              after.get(i).residentBytes() / KIB / KIB,
              "MiB",
              Figure.Target.NONE,
              String.format(
                  Locale.ROOT, "%.0f without agents", before.get(i).residentBytes() / KIB / KIB)));
    }
    for (int i = 0; i < Math.min(2, gateways); i++) {
      histogram(cluster.nodes().get(i).id(), before.get(i), after.get(i));
    }
  }

  /** Which classes take what each session takes. */
  private void histogram(String gateway, Taken before, Taken after) {
    Map<String, Long> grown =
        after.classes().entrySet().stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey,
                    each -> each.getValue() - before.classes().getOrDefault(each.getKey(), 0L)));
    LinkedHashMap<String, Long> largest =
        grown.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
            .limit(HISTOGRAM_LINES)
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
    out.printf("  %s, bytes for each session by class:%n", gateway);
    largest.forEach(
        (name, bytes) -> out.printf(Locale.ROOT, "  %8.1f  %s%n", bytes / (double) agents, name));
  }
}

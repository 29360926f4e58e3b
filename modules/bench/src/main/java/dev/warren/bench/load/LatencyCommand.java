package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a tunnel carries when its agent is far away: a proxy of our own delays it. */
@Command(
    name = "modules/bench/run latency",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    description = "Measures downloads and uploads over a tunnel with a long round trip.")
final class LatencyCommand implements Callable<Integer> {
  static final double RATE_TARGET = 40;
  static final double FAIR_TARGET = 1.5;

  private static final String NEAR = "near";
  private static final String FAR = "far";
  private static final String FILE = "/sparse";
  private static final long FILE_BYTES = 64L << 30; // no blocks on the disk
  private static final int START_SECONDS = 60;
  private static final int WARM_UP_SECONDS = 5;
  private static final int RAMP_SECONDS = 3;
  private static final int FAIR_RAMP_SECONDS = 10;
  private static final String JAVA = "-Xmx256m";

  /** Who moves bytes, and where its callers come in. */
  private enum Way {
    DOWN("download", false, false),
    UP("upload", true, false),
    DOWN_OVER_PEER("download over a peer", false, true),
    UP_OVER_PEER("upload over a peer", true, true);

    private final String text;
    private final boolean up;
    private final boolean overPeer;

    Way(String text, boolean up, boolean overPeer) {
      this.text = text;
      this.up = up;
      this.overPeer = overPeer;
    }
  }

  /** What the rounds gave for one way. */
  private static final class Found {
    private final Series one = new Series();
    private final Series together = new Series();
    private final Series unfair = new Series();
  }

  @Option(
      names = "--round-trip",
      paramLabel = "MILLISECONDS",
      description = "How long it takes (default: 100)")
  private int roundTripMillis = 100;

  @Option(
      names = "--streams",
      paramLabel = "NUMBER",
      description = "How many are to be fair to each other (default: 100)")
  private int streams = 100;

  @Option(
      names = "--seconds",
      paramLabel = "SECONDS",
      description = "How long each is measured, after its ramp (default: 10)")
  private int seconds = 10;

  @Option(names = "--rounds", paramLabel = "NUMBER", description = "How many (default: 5)")
  private int rounds = 5;

  @Option(
      names = "--ways",
      split = ",",
      paramLabel = "WAY",
      description = "Which: ${COMPLETION-CANDIDATES} (default: all of them)")
  private List<Way> ways = List.of(Way.values());

  @Mixin private RunOptions options;

  private final PrintStream out = System.out;
  private Cluster cluster;
  private int originPort;
  private int sinkPort;

  @Override
  public Integer call() throws IOException {
    Bench bench = options.setUp(300 + rounds * (seconds + 30) * (1 + 2 * ways.size()));
    Path root = Files.createDirectories(bench.directory().resolve("root"));
    try (RandomAccessFile file =
        new RandomAccessFile(root.resolve(FILE.substring(1)).toFile(), "rw")) {
      file.setLength(FILE_BYTES);
    }
    Files.writeString(root.resolve("small"), "small\n");
    originPort = FreePorts.one();
    sinkPort = FreePorts.one();
    Sink.start(bench, List.of(sinkPort));
    Nginx.start(
        bench,
        "origin",
        "  server { listen 127.0.0.1:%d backlog=4096; root %s; }\n".formatted(originPort, root));
    cluster = Cluster.start(bench, List.of("gateway", "peer"), JAVA);
    int gateway = cluster.nodes().get(0).http();
    Readings readings =
        new Readings(
            "round trip " + roundTripMillis + " ms, " + rounds + " rounds of " + seconds + " s",
            out);
    try (DelayProxy proxy = new DelayProxy(gateway, roundTripMillis / 2)) {
      agent(bench, NEAR, gateway);
      agent(bench, FAR, proxy.port());
      for (String agent : List.of(NEAR, FAR)) {
        for (Cluster.Node node : cluster.nodes()) {
          HttpAnswer.await(
              "http://" + FreePorts.HOST + ":" + node.http() + path(agent, originPort, "/small"),
              START_SECONDS,
              cluster.processes());
        }
      }
      measure(readings);
    }
    return options.conclude(readings, out);
  }

  private static void agent(Bench bench, String id, int port) {
    bench
        .children()
        .start(
            "agent-" + id,
            List.of(
                bench.warren().toString(),
                "agent",
                "--id",
                id,
                "--tunnels",
                "1",
                "--connect",
                "ws://" + FreePorts.HOST + ":" + port + "/connect"),
            Bench.java(JAVA));
  }

  private static String path(String agent, int originPort, String file) {
    return "/client/" + agent + "/http/" + FreePorts.HOST + ":" + originPort + file;
  }

  private void measure(Readings readings) {
    Series near = new Series();
    Map<Way, Found> found = new EnumMap<>(Way.class);
    one(Way.DOWN, NEAR, WARM_UP_SECONDS);
    ways.forEach(way -> found.put(way, new Found()));
    ways.forEach(way -> one(way, FAR, WARM_UP_SECONDS));
    for (int round = 0; round < rounds; round++) {
      near.add(one(Way.DOWN, NEAR, seconds));
      found.forEach(this::round);
      out.printf("  round %d of %d%n", round + 1, rounds);
    }
    readings.add(new Reading("one download, without the delay", near.median(), "MB/s"));
    readings.raw("near MB/s", near.values());
    found.forEach((way, series) -> tell(readings, way, series));
  }

  private void round(Way way, Found found) {
    found.one.add(one(way, FAR, seconds));
    try (Transfers all = begin(way, FAR, streams)) {
      all.run(FAIR_RAMP_SECONDS);
      long[] bytes = all.run(seconds);
      found.together.add(Arrays.stream(bytes).sum() / 1e6 / seconds);
      long least = Math.max(1, Arrays.stream(bytes).min().orElseThrow());
      found.unfair.add(Arrays.stream(bytes).max().orElseThrow() / (double) least);
    }
  }

  private void tell(Readings readings, Way way, Found found) {
    readings.add(
        new Reading(
            "one " + way.text + ", after " + RAMP_SECONDS + " s",
            found.one.median(),
            "MB/s",
            Figure.Target.atLeast(RATE_TARGET),
            "least " + found.one.quantile(0)));
    String many = streams + " times " + way.text;
    readings.add(new Reading(many + ", together", found.together.median(), "MB/s"));
    readings.add(
        new Reading(
            many + ", largest share over smallest, after " + FAIR_RAMP_SECONDS + " s",
            found.unfair.median(),
            "",
            Figure.Target.atMost(FAIR_TARGET),
            "worst round " + found.unfair.largest()));
    readings.raw(way.text + ", one, MB/s", found.one.values());
    readings.raw(way.text + ", together, MB/s", found.together.values());
    readings.raw(way.text + ", largest over smallest", found.unfair.values());
  }

  private Transfers begin(Way way, String agent, int count) {
    int port = cluster.nodes().get(way.overPeer ? 1 : 0).http();
    return way.up
        ? Transfers.uploads(port, path(agent, sinkPort, Stage.UPLOAD), count)
        : Transfers.downloads(port, path(agent, originPort, FILE), count);
  }

  /** MB/s of one transfer, after its ramp. */
  private double one(Way way, String agent, int measuredSeconds) {
    try (Transfers transfer = begin(way, agent, 1)) {
      transfer.run(RAMP_SECONDS);
      return transfer.run(measuredSeconds)[0] / 1e6 / measuredSeconds;
    }
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a tunnel carries when its agent is far away: a proxy of our own delays it. */
@Command(
    name = "modules/bench/run latency",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    description = "Measures downloads over a tunnel with a long round trip.")
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

  @Mixin private RunOptions options;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws IOException {
    Bench bench = options.setUp(300 + rounds * (3 * seconds + 60));
    Path root = Files.createDirectories(bench.directory().resolve("root"));
    try (RandomAccessFile file =
        new RandomAccessFile(root.resolve(FILE.substring(1)).toFile(), "rw")) {
      file.setLength(FILE_BYTES);
    }
    Files.writeString(root.resolve("small"), "small\n");
    int originPort = FreePorts.one();
    Nginx.start(
        bench,
        "origin",
        "  server { listen 127.0.0.1:%d backlog=4096; root %s; }\n".formatted(originPort, root));
    Cluster cluster = Cluster.start(bench, List.of("gateway"), JAVA);
    int gateway = cluster.nodes().get(0).http();
    Readings readings =
        new Readings(
            "round trip " + roundTripMillis + " ms, " + rounds + " rounds of " + seconds + " s",
            out);
    try (DelayProxy proxy = new DelayProxy(gateway, roundTripMillis / 2)) {
      agent(bench, NEAR, gateway);
      agent(bench, FAR, proxy.port());
      for (String agent : List.of(NEAR, FAR)) {
        HttpAnswer.await(
            "http://" + FreePorts.HOST + ":" + gateway + path(agent, originPort, "/small"),
            START_SECONDS,
            cluster.processes());
      }
      measure(readings, gateway, originPort);
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
                "--connect",
                "ws://" + FreePorts.HOST + ":" + port + "/connect"),
            Bench.java(JAVA));
  }

  private static String path(String agent, int originPort, String file) {
    return "/client/" + agent + "/http/" + FreePorts.HOST + ":" + originPort + file;
  }

  private void measure(Readings readings, int gateway, int originPort) {
    Series near = new Series();
    Series far = new Series();
    Series together = new Series();
    Series unfair = new Series();
    for (String agent : List.of(NEAR, FAR)) {
      one(gateway, path(agent, originPort, FILE), WARM_UP_SECONDS);
    }
    for (int round = 0; round < rounds; round++) {
      near.add(one(gateway, path(NEAR, originPort, FILE), seconds));
      far.add(one(gateway, path(FAR, originPort, FILE), seconds));
      try (Readers all = Readers.open(gateway, path(FAR, originPort, FILE), streams)) {
        all.read(FAIR_RAMP_SECONDS);
        long[] bytes = all.read(seconds);
        together.add(Arrays.stream(bytes).sum() / 1e6 / seconds);
        long least = Math.max(1, Arrays.stream(bytes).min().orElseThrow());
        unfair.add(Arrays.stream(bytes).max().orElseThrow() / (double) least);
      }
      out.printf("  round %d of %d%n", round + 1, rounds);
    }
    readings.add(new Reading("one stream, without the delay", near.median(), "MB/s"));
    readings.add(
        new Reading(
            "one stream, after " + RAMP_SECONDS + " s",
            far.median(),
            "MB/s",
            Figure.Target.atLeast(RATE_TARGET),
            "least " + far.quantile(0)));
    readings.add(new Reading(streams + " streams together", together.median(), "MB/s"));
    readings.add(
        new Reading(
            streams + " streams, largest share over smallest, after " + FAIR_RAMP_SECONDS + " s",
            unfair.median(),
            "",
            Figure.Target.atMost(FAIR_TARGET),
            "worst round " + unfair.largest()));
    readings.raw("near MB/s", near.values());
    readings.raw("far MB/s", far.values());
    readings.raw("together MB/s", together.values());
    readings.raw("largest over smallest", unfair.values());
  }

  /** MB/s of one download, after its ramp. */
  private static double one(int port, String path, int seconds) {
    try (Readers reader = Readers.open(port, path, 1)) {
      reader.read(RAMP_SECONDS);
      return reader.read(seconds)[0] / 1e6 / seconds;
    }
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Half of the load that it can bear, for long: requests at a fixed rate over a peer, and downloads
 * beside them. What each process holds is sampled, and must not grow.
 */
@Command(
    name = "modules/bench/run soak",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    description = "Half load for long, and whether anything grows.")
final class SoakCommand implements Callable<Integer> {
  private static final double MIB = 1 << 20;
  private static final int CONNECTIONS = 32;
  private static final int DOWNLOADS = 4;
  private static final String DOWNLOAD_RATE = "1M";
  private static final int PROBE_SECONDS = 5;
  private static final int EXTRA_SECONDS = 300;

  /** What a gateway's status says of a tunnel's or a link's streams. */
  private static final Pattern STREAMS = Pattern.compile("\"streams\"\\s*:\\s*(\\d+)");

  @Option(
      names = "--minutes",
      paramLabel = "MINUTES",
      description = "How long, behind the warm-up; at most 75 (default: 30)")
  private double minutes = 30;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description = "How long under load before the first sample (default: 120)")
  private int warmUpSeconds = 120;

  @Option(
      names = "--every",
      paramLabel = "SECONDS",
      description = "From one sample to the next (default: 20)")
  private int everySeconds = 20;

  @Mixin private RunOptions options;

  private final PrintStream out = System.out;

  /** Samples of one thing that must not grow. */
  private static final class Samples {
    private final List<Double> seconds = new ArrayList<>();
    private final List<Double> values = new ArrayList<>();

    void add(double at, double value) {
      seconds.add(at);
      values.add(value);
    }
  }

  @Override
  public Integer call() throws IOException {
    int soakSeconds = (int) Math.ceil(TimeUnit.MINUTES.toSeconds(1) * minutes);
    Bench bench = options.setUp(soakSeconds + warmUpSeconds + EXTRA_SECONDS);
    Stage stage = new Stage(bench, Plan.FULL);
    double most = 0;
    for (int i = 0; i < 2; i++) { // the first warms up
      most = Wrk.requests(stage, Subject.PEER, CONNECTIONS, PROBE_SECONDS).rate();
    }
    int rate = (int) (most / 2);
    Readings readings =
        new Readings(
            String.format(
                Locale.ROOT,
                "%.1f minutes of %d requests/s over a peer (half of %.0f) and %d downloads of 1 MiB/s"
                    + " at the holder",
                minutes,
                rate,
                most,
                DOWNLOADS),
            out);
    int loadSeconds = warmUpSeconds + soakSeconds + 2 * everySeconds;
    Map<String, Samples> samples = new LinkedHashMap<>();
    try (Child requests =
        bench
            .children()
            .start(
                "h2load",
                H2load.command(stage, Subject.PEER, CONNECTIONS, rate, loadSeconds, List.of()),
                Map.of())) {
      List<Child> downloads = downloads(stage, loadSeconds);
      Bench.pause(warmUpSeconds * 1_000);
      long since = System.nanoTime();
      double at = 0;
      for (int i = 0; at < soakSeconds; i++) {
        sample(stage, at, samples);
        requests.checkAlive();
        downloads.forEach(Child::checkAlive);
        long next = since + TimeUnit.SECONDS.toNanos((i + 1L) * everySeconds);
        Bench.pause((int) Math.max(0, TimeUnit.NANOSECONDS.toMillis(next - System.nanoTime())));
        at = (System.nanoTime() - since) / 1e9;
      }
      downloads.forEach(Child::close);
      requests.await(loadSeconds);
      checkRequests(requests.words());
    }
    tell(samples, readings);
    return options.conclude(readings, out);
  }

  private static List<Child> downloads(Stage stage, int seconds) {
    List<Child> children = new ArrayList<>();
    for (int i = 0; i < DOWNLOADS; i++) {
      children.add(
          stage
              .children()
              .start(
                  "curl",
                  List.of(
                      stage.tools().curl().toString(),
                      "--silent",
                      "--show-error",
                      "--noproxy",
                      "*",
                      "--output",
                      "/dev/null",
                      "--limit-rate",
                      DOWNLOAD_RATE,
                      "--max-time",
                      Integer.toString(2 * seconds),
                      stage.url(Subject.WARREN, Stage.SPARSE)),
                  Map.of()));
    }
    return children;
  }

  /** As in "requests: 10 total, 10 started, 10 done, 10 succeeded, 0 failed, 0 errored, ...". */
  private static void checkRequests(String words) {
    if (!words.contains(" 0 failed, 0 errored, 0 timeout")) {
      throw new LoadException("requests failed: " + words);
    }
  }

  private void sample(Stage stage, double at, Map<String, Samples> samples) {
    Map<String, Double> values = new LinkedHashMap<>();
    for (Child jvm : List.of(stage.peer(), stage.gateway(), stage.agent())) {
      values.put(
          jvm.name() + ": live heap, MiB", Heap.collected(stage.bench(), jvm).liveBytes() / MIB);
      values.put(jvm.name() + ": resident, MiB", jvm.residentBytes() / MIB);
      values.put(jvm.name() + ": threads, ", (double) jvm.threads());
      values.put(jvm.name() + ": file handles, ", (double) jvm.openFiles());
    }
    for (Cluster.Node node : stage.gateways()) {
      Matcher matcher = STREAMS.matcher(node.status());
      double streams = 0;
      while (matcher.find()) {
        streams += Double.parseDouble(matcher.group(1));
      }
      values.put(node.id() + ": open streams, ", streams);
    }
    values.forEach(
        (name, value) -> samples.computeIfAbsent(name, any -> new Samples()).add(at, value));
    out.printf(Locale.ROOT, "  %.0f s: %s%n", at, values);
  }

  private static void tell(Map<String, Samples> samples, Readings readings) {
    samples.forEach(
        (name, each) -> {
          int comma = name.indexOf(", ");
          Slope slope = Slope.of(each.seconds, each.values);
          Series series = new Series();
          each.values.forEach(series::add);
          readings.add(
              new Reading(
                  name.substring(0, comma) + ", growth",
                  slope.perHour(),
                  (name.substring(comma + 2) + " an hour").strip(),
                  Figure.Target.NONE,
                  String.format(
                      Locale.ROOT,
                      "standard error %.3f, %s; %.1f to %.1f, median %.1f, %d samples",
                      slope.error(),
                      slope.isFlat() ? "flat" : "not flat",
                      series.quantile(0),
                      series.largest(),
                      series.median(),
                      each.values.size())));
          readings.raw(name, each.values);
        });
  }
}

package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A long transfer, and the memory of both gateways and the agent before, during and after it: over
 * a peer, so that one transfer tells of all. Before means after a shorter download, so that pools
 * and compiled code are there already.
 */
final class TransferCase implements Case {
  private static final int LOOK_MILLIS = 200;
  private static final double MIB = 1 << 20;

  /** The largest resident size during the transfer, against that before. */
  static final double TARGET = 1.25;

  @Override
  public String name() {
    return "transfer";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    List<Child> jvms = List.of(stage.peer(), stage.gateway(), stage.agent());
    for (int i = 0; i < plan.warmUpDownloads(); i++) {
      Curl.download(stage, Subject.PEER, Stage.LARGE, plan.downloadBytes());
    }
    Map<Child, Heap.Size> heapBefore = heaps(stage, jvms);
    Map<Child, Long> before = resident(jvms);
    Map<Child, Series> during = new LinkedHashMap<>();
    jvms.forEach(jvm -> during.put(jvm, new Series()));
    Series load = new Series();

    CompletableFuture<Double> transfer =
        CompletableFuture.supplyAsync(
            () -> Curl.download(stage, Subject.PEER, Stage.SPARSE, plan.transferBytes()));
    while (!transfer.isDone()) {
      resident(jvms).forEach((jvm, bytes) -> during.get(jvm).add(bytes / MIB));
      load.add(LoadAverage.now());
      Bench.pause(LOOK_MILLIS);
    }
    double rate = transfer.join();
    Map<Child, Long> after = resident(jvms);
    Map<Child, Heap.Size> heapAfter = heaps(stage, jvms);

    List<Figure> figures = new ArrayList<>();
    for (Child jvm : jvms) {
      String heap =
          String.format(
              Locale.ROOT,
              "resident %.0f -> at most %.0f -> %.0f MiB; heap in use after a collection %.1f -> %.1f"
                  + " MiB, taken %.0f -> %.0f MiB; %.0f MB/s",
              before.get(jvm) / MIB,
              during.get(jvm).largest(),
              after.get(jvm) / MIB,
              heapBefore.get(jvm).liveBytes() / MIB,
              heapAfter.get(jvm).liveBytes() / MIB,
              heapBefore.get(jvm).committedBytes() / MIB,
              heapAfter.get(jvm).committedBytes() / MIB,
              rate);
      progress.printf("  %s: %s%n", jvm.name(), heap);
      figures.add(
          new Figure(
              "memory of the " + jvm.name() + ", " + (plan.transferBytes() >> 30) + " GiB",
              "MiB",
              Map.of(Subject.PEER, during.get(jvm).largest()),
              Map.of(
                  Subject.PEER,
                  new Figure.Verdict(
                      during.get(jvm).largest() / (before.get(jvm) / MIB),
                      Figure.Target.atMost(TARGET))),
              Double.NaN,
              heap,
              List.of(load.quantile(0), load.largest()),
              Map.of(
                  "before", List.of(before.get(jvm) / MIB), "during", during.get(jvm).values())));
    }
    return figures;
  }

  private static Map<Child, Heap.Size> heaps(Stage stage, List<Child> jvms) {
    Map<Child, Heap.Size> sizes = new LinkedHashMap<>();
    jvms.forEach(jvm -> sizes.put(jvm, Heap.collected(stage.bench(), jvm)));
    return sizes;
  }

  private static Map<Child, Long> resident(List<Child> jvms) {
    Map<Child, Long> bytes = new LinkedHashMap<>();
    jvms.forEach(jvm -> bytes.put(jvm, jvm.residentBytes()));
    return bytes;
  }
}

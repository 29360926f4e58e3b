package dev.warren.bench.load;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a JVM says of its heap. */
final class Heap {
  private static final int JCMD_SECONDS = 30;

  /** As in "def new generation total 9792K, used 1234K"; of one line for each generation. */
  private static final Pattern GENERATION = Pattern.compile("total (\\d+)K, used (\\d+)K");

  /** As in " 1: 4711 123456 java.lang.String (java.base@17)": number, count, bytes, class. */
  private static final Pattern CLASS =
      Pattern.compile("^ *\\d+: +\\d+ +(\\d+) +(\\S+)", Pattern.MULTILINE);

  /**
   * @param liveBytes what is left after a full collection
   * @param committedBytes what the heap has taken from the system
   */
  record Size(long liveBytes, long committedBytes) {}

  private Heap() {}

  /**
   * Collects what can be collected, and measures the rest. Twice, because what a first collection
   * hands to cleaners and reference queues goes with the second.
   */
  static Size collected(Bench bench, Child jvm) {
    jcmd(bench, jvm, "GC.run");
    jcmd(bench, jvm, "GC.run");
    return parse(jcmd(bench, jvm, "GC.heap_info"));
  }

  /** Live objects by class: how many bytes of each. */
  static Map<String, Long> classes(Bench bench, Child jvm) {
    Map<String, Long> bytes = new HashMap<>();
    Matcher matcher = CLASS.matcher(jcmd(bench, jvm, "GC.class_histogram"));
    while (matcher.find()) {
      bytes.merge(matcher.group(2), Long.parseLong(matcher.group(1)), Long::sum);
    }
    return bytes;
  }

  private static String jcmd(Bench bench, Child jvm, String order) {
    return bench
        .children()
        .run(
            "jcmd",
            List.of(bench.tools().jcmd().toString(), Long.toString(jvm.pid()), order),
            JCMD_SECONDS);
  }

  static Size parse(String info) {
    long used = 0;
    long total = 0;
    Matcher matcher = GENERATION.matcher(info);
    while (matcher.find()) {
      total += Long.parseLong(matcher.group(1)) * 1024;
      used += Long.parseLong(matcher.group(2)) * 1024;
    }
    if (total == 0) {
      throw new LoadException("jcmd GC.heap_info says nothing of a heap: " + info);
    }
    return new Size(used, total);
  }
}

package dev.warren.bench.load;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a JVM says of its heap. */
final class Heap {
  private static final int JCMD_SECONDS = 30;

  /** As in "def new generation total 9792K, used 1234K"; of one line for each generation. */
  private static final Pattern GENERATION = Pattern.compile("total (\\d+)K, used (\\d+)K");

  /**
   * @param liveBytes what is left after a full collection
   * @param committedBytes what the heap has taken from the system
   */
  record Size(long liveBytes, long committedBytes) {}

  private Heap() {}

  /** Collects what can be collected, and measures the rest. */
  static Size collected(Stage stage, Child jvm) {
    String jcmd = stage.tools().jcmd().toString();
    String pid = Long.toString(jvm.pid());
    stage.children().run("jcmd", List.of(jcmd, pid, "GC.run"), JCMD_SECONDS);
    return parse(stage.children().run("jcmd", List.of(jcmd, pid, "GC.heap_info"), JCMD_SECONDS));
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

package dev.warren.protocol.testing;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test class that lost a buffer. JUnit finds it by itself in every module that has this
 * test jar (META-INF/services and junit-platform.properties, beside this class). Buffers that are
 * still reachable when the class ends are not seen: release what fields hold.
 */
public final class LeakGuard implements AfterAllCallback {
  private static final LeakRecorder RECORDER = LeakRecorder.install();

  /** How long one collection may take before the guard gives up waiting for it. */
  private static final long MOST_MILLIS = 2_000;

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    List<String> leaks = leaks();
    if (!leaks.isEmpty()) {
      throw new AssertionError(
          context.getDisplayName()
              + " leaked "
              + leaks.size()
              + " buffers (those lost at one place count once)\n"
              + String.join("\n", leaks));
    }
  }

  /** Collects garbage and returns what turns out to be lost, each once. */
  public static List<String> leaks() throws InterruptedException {
    collectGarbage();
    collectGarbage(); // its reference comes after all those that the first collection found
    // The detector looks into its queue when a buffer is made.
    for (int i = 0; i < 4; i++) {
      ByteBuf probe = UnpooledByteBufAllocator.DEFAULT.directBuffer(16);
      probe.release();
    }
    return RECORDER.drain().stream().map(LeakGuard::shortened).toList();
  }

  /** Without what only says how a test is run. */
  private static String shortened(String leak) {
    return leak.lines()
        .filter(line -> !line.contains("org.junit.") && !line.contains("java.base/"))
        .filter(line -> !line.contains("org.apache.maven."))
        .collect(Collectors.joining("\n"));
  }

  /** Returns when a reference that this collection found has been enqueued. */
  private static void collectGarbage() throws InterruptedException {
    ReferenceQueue<Object> queue = new ReferenceQueue<>();
    PhantomReference<Object> canary = new PhantomReference<>(new Object(), queue);
    System.gc();
    if (queue.remove(MOST_MILLIS) != canary) {
      throw new IllegalStateException(
          "no garbage was collected within " + MOST_MILLIS + " ms; is explicit GC disabled?");
    }
  }
}

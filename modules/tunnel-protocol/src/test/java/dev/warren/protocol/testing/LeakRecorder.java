package dev.warren.protocol.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps what Netty's leak detector reports, beside logging it. It must be installed before the
 * first buffer class is loaded, because each of them makes its detector then.
 */
final class LeakRecorder extends ResourceLeakDetectorFactory {
  private static final LeakRecorder INSTANCE = new LeakRecorder();

  private final List<String> leaks = new ArrayList<>();

  private LeakRecorder() {}

  /** Installs it, once, and sets the level at which every buffer is followed. */
  static LeakRecorder install() {
    if (ResourceLeakDetectorFactory.instance() != INSTANCE) {
      ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
      ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(INSTANCE);
    }
    return INSTANCE;
  }

  /** The one form that every implementation must have; the others end here. */
  @Override
  @SuppressWarnings("deprecation")
  public <T> ResourceLeakDetector<T> newResourceLeakDetector(
      Class<T> resource, int samplingInterval, long maxActive) {
    return new Recording<>(resource, samplingInterval);
  }

  private synchronized void leaked(String leak) {
    leaks.add(leak);
  }

  /** The leaks since the last call. */
  synchronized List<String> drain() {
    List<String> drained = List.copyOf(leaks);
    leaks.clear();
    return drained;
  }

  private static final class Recording<T> extends ResourceLeakDetector<T> {
    Recording(Class<?> resource, int samplingInterval) {
      super(resource, samplingInterval);
    }

    /** Whatever the log level is. */
    @Override
    protected boolean needReport() {
      return true;
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
      INSTANCE.leaked(resourceType + " was not released" + records);
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
      INSTANCE.leaked(resourceType + " was not released (no record)");
    }
  }
}

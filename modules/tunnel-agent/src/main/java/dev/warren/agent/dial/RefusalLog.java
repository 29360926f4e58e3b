package dev.warren.agent.dial;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the agent's log what its rules refused. Callers provoke these lines, so they are few: one
 * for each target in a while, and not more than so many for all targets together.
 */
public final class RefusalLog {
  /** For each target one line in this time; the next says how many were left out. */
  public static final Duration QUIET = Duration.ofMinutes(1);

  /** In the same time not more lines than this, however many targets a caller tries. */
  public static final int MAX_LINES = 60;

  /** Targets that are remembered; beyond, the one not asked for longest is forgotten. */
  public static final int MAX_TARGETS = 1_024;

  private static final Logger log = LoggerFactory.getLogger(RefusalLog.class);

  private final LongSupplier nanoClock;
  private final Map<String, Seen> targets =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Seen> eldest) {
          return size() > MAX_TARGETS;
        }
      };

  private long windowStart;
  private int linesInWindow;
  private long leftOut;

  private static final class Seen {
    private long lineAt;
    private long leftOut;
  }

  public RefusalLog() {
    this(System::nanoTime);
  }

  RefusalLog(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.windowStart = nanoClock.getAsLong();
  }

  synchronized int remembered() {
    return targets.size();
  }

  synchronized void refused(DialRequest request, String reason) {
    long now = nanoClock.getAsLong();
    if (now - windowStart >= QUIET.toNanos()) {
      windowStart = now;
      linesInWindow = 0;
    }
    Seen seen = targets.get(request.target().toString());
    if (seen != null && now - seen.lineAt < QUIET.toNanos()) {
      seen.leftOut++;
      return;
    }
    if (linesInWindow >= MAX_LINES) {
      leftOut++;
      return;
    }
    linesInWindow++;
    long notShown = leftOut + (seen == null ? 0 : seen.leftOut);
    leftOut = 0;
    Seen next = new Seen();
    next.lineAt = now;
    targets.put(request.target().toString(), next);
    log.atWarn()
        .addKeyValue("target", request.target())
        .addKeyValue("stream", request.key().stream().publicId())
        .addKeyValue("caller", request.key().caller())
        .addKeyValue("left-out", notShown)
        .addKeyValue("reason", reason)
        .log("dial.forbidden");
  }
}

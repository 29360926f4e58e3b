package dev.warren.multijvm.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Requests at a steady rate, whether answers come or not; every second one on a connection that was
 * used before, the others on new ones. A broken connection is a failed request, and nothing is
 * tried twice.
 */
public final class Load implements AutoCloseable {
  /** Requests under way at one time; more would be an outage of the test's own machine. */
  private static final int MOST_AT_ONCE = 1_500;

  /** Well below the time after which a gateway, or one that drains, closes an idle connection. */
  private static final Duration KEEP = Duration.ofSeconds(1);

  private final List<Target> targets;
  private final Duration between;
  private final ThreadPoolExecutor threads;
  private final Queue<Sample> samples = new ConcurrentLinkedQueue<>();
  private final ConcurrentHashMap<String, ConcurrentLinkedDeque<Connection>> kept =
      new ConcurrentHashMap<>();
  private final Semaphore room = new Semaphore(MOST_AT_ONCE);
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final Thread clock;

  /** Who is asked for what. */
  public record Target(Caller caller, String path) {}

  private Load(List<Target> targets, double perSecond) {
    this.targets = List.copyOf(targets);
    this.between = Duration.ofNanos((long) (1e9 / perSecond));
    this.threads =
        new ThreadPoolExecutor(
            0,
            MOST_AT_ONCE,
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> {
              Thread thread = new Thread(null, task, "caller", 128 * 1024);
              thread.setDaemon(true);
              return thread;
            });
    this.clock = new Thread(this::run, "load");
    clock.setDaemon(true);
  }

  /** Starts; the targets are asked in turn. */
  public static Load start(double perSecond, List<Target> targets) {
    Load load = new Load(targets, perSecond);
    load.clock.start();
    return load;
  }

  private void run() {
    long due = System.nanoTime();
    for (int turn = 0; !stopped.get(); turn++) {
      long wait = due - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
      Target target = targets.get(turn % targets.size());
      boolean reuse = turn / targets.size() % 2 == 0;
      long start = due;
      if (room.tryAcquire()) {
        threads.execute(() -> ask(target, reuse, start));
      } else {
        samples.add(
            new Sample(
                target.caller().at(),
                target.path(),
                start,
                0,
                0,
                false,
                "",
                "too many requests under way"));
      }
      due += between.toNanos();
    }
  }

  private void ask(Target target, boolean reuse, long start) {
    int status = 0;
    boolean retryAfter = false;
    String via = "";
    String failure = "";
    try {
      Answer answer = reuse ? reused(target) : target.caller().get(target.path());
      status = answer.status();
      retryAfter = !answer.header("retry-after").isEmpty();
      via = answer.header("warren-via");
      if (status != 200) {
        failure = answer.text().strip();
      }
    } catch (IOException | RuntimeException e) {
      failure = (reuse ? "kept connection: " : "new connection: ") + e;
    } finally {
      room.release();
    }
    samples.add(
        new Sample(
            target.caller().at(),
            target.path(),
            start,
            System.nanoTime() - start,
            status,
            retryAfter,
            via,
            failure));
  }

  private Answer reused(Target target) throws IOException {
    ConcurrentLinkedDeque<Connection> idle =
        kept.computeIfAbsent(target.caller().at(), at -> new ConcurrentLinkedDeque<>());
    Connection connection = idle.pollFirst();
    while (connection != null && connection.idleFor(KEEP)) {
      connection.close();
      connection = idle.pollFirst();
    }
    if (connection == null) {
      connection = new Connection(target.caller().address(), Caller.PATIENCE);
    }
    boolean good = false;
    try {
      Answer answer =
          connection.exchange("GET", target.path(), Caller.PATIENCE, target.caller().headers());
      good = !answer.header("connection").equalsIgnoreCase("close");
      return answer;
    } finally {
      if (good) {
        idle.addFirst(connection);
      } else {
        connection.close();
      }
    }
  }

  /** Asks no more, waits for what is under way, and returns all samples by their start. */
  public List<Sample> stop() throws InterruptedException {
    stopped.set(true);
    clock.join();
    threads.shutdown();
    if (!threads.awaitTermination(2 * Caller.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("requests that do not end");
    }
    kept.values().forEach(all -> all.forEach(Connection::close));
    List<Sample> all = new ArrayList<>(samples);
    all.sort((a, b) -> Long.compare(a.startNanos(), b.startNanos()));
    return all;
  }

  /** How many have been answered, well or not. */
  public int answered() {
    return samples.size();
  }

  @Override
  public void close() {
    stopped.set(true);
  }
}

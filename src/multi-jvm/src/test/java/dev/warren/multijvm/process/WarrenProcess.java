package dev.warren.multijvm.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * One process of the executable jar, that can be killed, frozen and started again. It ends with the
 * JVM of the test, however that ends.
 */
abstract class WarrenProcess implements AutoCloseable {
  private static final long END_WITHIN_SECONDS = 15;
  private static final Path JAR =
      Path.of(System.getProperty("warren.jar", "modules/cli/target/warren.jar"));
  private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
  private static final Path DIRECTORY =
      Path.of(System.getProperty("warren.multijvm.target", "target"), "processes");

  /** What costs least for a process that lives for some seconds. */
  private static final List<String> JAVA_FLAGS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Xshare:auto",
          "-XX:+ExitOnOutOfMemoryError");

  /**
   * The kernel kills a child when the thread that started it ends, so all are started by one that
   * does not.
   */
  private static final ExecutorService STARTER =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "starter-of-processes");
            thread.setDaemon(true);
            return thread;
          });

  private static final Set<Process> ALIVE = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> ALIVE.forEach(Process::destroyForcibly), "no-orphans"));
  }

  private final String name;
  private final LogFile log;
  private final List<String> command;
  private Process process;
  private boolean frozen;

  /**
   * @param name of the log
   * @param heap as {@code 128m}
   * @param around what stands before {@code java}, as {@code ip netns exec NAME}
   */
  WarrenProcess(String name, String heap, List<String> around, List<String> arguments)
      throws IOException {
    this(
        name,
        joined(
            List.of(
                around,
                java(heap),
                List.of("-jar", JAR.toAbsolutePath().normalize().toString()),
                arguments)));
  }

  /** Another program than Warren, which dies with the test all the same. */
  WarrenProcess(String name, List<String> command) throws IOException {
    this.name = name;
    Files.createDirectories(DIRECTORY);
    this.log = new LogFile(Files.createTempFile(DIRECTORY, name + "-", ".log"));
    this.command =
        joined(
            List.of(
                Files.isExecutable(SETPRIV)
                    ? List.of(SETPRIV.toString(), "--pdeathsig", "KILL")
                    : List.of(),
                command));
  }

  /** How java is called for a process with so much heap. */
  static List<String> java(String heap) {
    return joined(
        List.of(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()),
            JAVA_FLAGS,
            List.of("-Xmx" + heap)));
  }

  static List<String> joined(List<List<String>> parts) {
    return parts.stream().flatMap(List::stream).toList();
  }

  /** Starts it, or starts it again with the same arguments. */
  final void start() throws IOException {
    if (!Files.isRegularFile(JAR)) {
      throw new IOException(
          JAR + " is missing (expected: mvn verify, which makes it; or -Dwarren.jar=FILE)");
    }
    if (isAlive()) {
      throw new IllegalStateException(name + " is running already as " + pid());
    }
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.path().toFile()));
    // Whoever runs the tests may have settings for a gateway of his own.
    builder.environment().keySet().removeIf(key -> key.startsWith("WARREN_"));
    builder.environment().putAll(environment());
    try {
      process = STARTER.submit(builder::start).get();
    } catch (ExecutionException e) {
      throw new IOException(name + " does not start: " + e.getCause().getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(name + ": interrupted", e);
    }
    frozen = false;
    Process started = process;
    ALIVE.add(started);
    started.onExit().thenRun(() -> ALIVE.remove(started));
  }

  /** Settings of its own, beside its arguments. */
  Map<String, String> environment() {
    return Map.of();
  }

  /** What it is called in logs. */
  public String name() {
    return name;
  }

  public final LogFile log() {
    return log;
  }

  public final long pid() {
    return process.pid();
  }

  public final boolean isAlive() {
    return process != null && process.isAlive();
  }

  final int exitStatus() {
    return process.exitValue();
  }

  /** Waits for its end; whether it came. */
  final boolean awaitEnd(long seconds) throws InterruptedException {
    return process.waitFor(seconds, TimeUnit.SECONDS);
  }

  /** SIGKILL: it has no time to say anything. Returns when it is dead. */
  public final void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM; returns when it has ended. */
  public final void terminate() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(END_WITHIN_SECONDS, TimeUnit.SECONDS)) {
      kill();
    }
  }

  /**
   * SIGTERM; returns when it has ended.
   *
   * @return its exit status
   * @throws AssertionError where it has not ended in time
   */
  public final int terminate(Duration within) throws InterruptedException {
    process.destroy();
    if (!awaitEnd(within.toSeconds())) {
      throw new AssertionError(name + " runs " + within + " after SIGTERM (expected: its end)");
    }
    return exitStatus();
  }

  /** CPU that it has used so far, in seconds; 0 where that cannot be known. */
  public final double cpuSeconds() {
    return process.info().totalCpuDuration().map(Duration::toNanos).orElse(0L) / 1e9;
  }

  /** SIGSTOP: its sockets stay, and nobody reads or writes them. */
  public final void freeze() throws IOException, InterruptedException {
    signal("STOP");
    frozen = true;
  }

  /** SIGCONT, after {@link #freeze}. */
  public final void thaw() throws IOException, InterruptedException {
    signal("CONT");
    frozen = false;
  }

  public final boolean isFrozen() {
    return frozen;
  }

  private void signal(String signal) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid())).start();
    if (kill.waitFor() != 0) {
      throw new IOException("kill -" + signal + " " + pid() + ": status " + kill.exitValue());
    }
  }

  /** Ends without ceremony: what a good end looks like is another test's business. */
  @Override
  public void close() {
    if (isAlive()) {
      process.destroyForcibly().onExit().join();
    }
  }

  @Override
  public String toString() {
    return name + (isAlive() ? "" : " (dead)");
  }
}

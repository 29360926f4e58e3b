package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** All processes that a run started. Whatever happens to the run, {@link #close} ends them. */
final class Children implements AutoCloseable {
  private final Path directory;
  private final Deque<Child> running = new ArrayDeque<>();
  private boolean closed;
  private int started;

  /**
   * @param directory where their output goes
   */
  Children(Path directory) {
    this.directory = directory;
  }

  synchronized Child start(String name, List<String> command, Map<String, String> environment) {
    if (closed) {
      throw new LoadException("the run is over, so " + name + " is not started");
    }
    Path log = directory.resolve(name + "-" + started++ + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    try {
      Child child = new Child(name, builder.start(), log);
      running.push(child);
      return child;
    } catch (IOException e) {
      throw new LoadException("cannot start " + name + ": " + e.getMessage(), e);
    }
  }

  /** Runs a program to its end and returns what it wrote. */
  String run(String name, List<String> command, int seconds) {
    Child child = start(name, command, Map.of());
    int status;
    try {
      status = child.await(seconds);
    } finally {
      synchronized (this) {
        running.remove(child);
      }
    }
    if (status != 0) {
      throw new LoadException(name + " ended with status " + status + ": " + child.lastWords());
    }
    return child.words().strip();
  }

  /** The last that was started ends first. */
  @Override
  public synchronized void close() {
    closed = true;
    while (!running.isEmpty()) {
      running.pop().close();
    }
  }
}

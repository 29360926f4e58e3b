package dev.warren.bench.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process that we started, and what Linux says of it. */
final class Child implements AutoCloseable {
  /** Ticks a second of {@code /proc/PID/stat}; the same on every Linux that Java runs on. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int UTIME_FIELD = 11; // behind the name, which may hold spaces
  private static final int END_SECONDS = 5;

  private final String name;
  private final Process process;
  private final Path log;

  Child(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  String name() {
    return name;
  }

  long pid() {
    return process.pid();
  }

  /** CPU time so far, in user mode and in the kernel (seconds). */
  double cpuSeconds() {
    return cpuSeconds(read("stat"));
  }

  private static double cpuSeconds(String stat) {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[UTIME_FIELD]) + Long.parseLong(fields[UTIME_FIELD + 1]))
        / TICKS_PER_SECOND;
  }

  /** CPU time so far of the threads whose names begin so (seconds). */
  double cpuSecondsOf(String... names) {
    try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(pid()), "task"))) {
      double sum = 0;
      for (Path thread : threads.toList()) {
        sum += cpuSecondsOf(thread, names);
      }
      return sum;
    } catch (IOException e) {
      throw new LoadException(name + " is gone; its last words: " + lastWords(), e);
    }
  }

  private static double cpuSecondsOf(Path thread, String... names) {
    try {
      String called = Files.readString(thread.resolve("comm"));
      return Stream.of(names).anyMatch(called::startsWith)
          ? cpuSeconds(Files.readString(thread.resolve("stat")))
          : 0;
    } catch (IOException e) {
      return 0; // it has ended since
    }
  }

  /** Physical memory that it has now (bytes). */
  long residentBytes() {
    return status("VmRSS:") * 1024;
  }

  int threads() {
    return (int) status("Threads:");
  }

  private long status(String field) {
    for (String line : read("status").split("\n")) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new LoadException(name + ": /proc/" + pid() + "/status has no " + field);
  }

  /** File handles that it has open. */
  int openFiles() {
    try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
      return (int) files.count();
    } catch (IOException e) {
      throw new LoadException(name + " is gone; its last words: " + lastWords(), e);
    }
  }

  private String read(String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid()), file));
    } catch (IOException e) {
      throw new LoadException(name + " is gone; its last words: " + lastWords(), e);
    }
  }

  /** Fails where it has ended. */
  void checkAlive() {
    if (!process.isAlive()) {
      throw new LoadException(
          name + " ended with status " + process.exitValue() + ": " + lastWords());
    }
  }

  /** All that it wrote. */
  String words() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What it wrote last. */
  String lastWords() {
    String all = words();
    return all.isBlank() ? "(none)" : all.substring(Math.max(0, all.length() - 2_000)).strip();
  }

  /** Waits for its end; a process that takes longer is ended. */
  int await(int seconds) {
    try {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        close();
        throw new LoadException(
            name + " took more than " + seconds + " s; its last words: " + lastWords());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LoadException("interrupted while waiting for " + name, e);
    }
  }

  /** Ends it: with SIGTERM, and where that does not help within seconds, with SIGKILL. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
  }
}

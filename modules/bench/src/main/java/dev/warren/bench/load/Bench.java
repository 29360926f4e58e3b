package dev.warren.bench.load;

import dev.warren.cli.log.Logs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Where a run happens: one directory for all its files, and the processes that it starts. Both go
 * when the harness ends, however it ends, and after a limit it ends by itself.
 *
 * @param warren the launcher of what is measured
 */
record Bench(Tools tools, Children children, Path directory, Path warren) {
  /** What the launcher reads options for Java from. */
  private static final String JAVA_OPTIONS = "WARREN_JAVA_OPTS";

  /** Sets it up for this JVM's life; once. */
  static Bench setUp(Path warren, int limitSeconds) throws IOException {
    Tools tools = Tools.find();
    if (!Files.isExecutable(warren)) {
      throw new LoadException(
          "--warren: there is no " + warren.toAbsolutePath() + " (expected: Warren's launcher)");
    }
    Logs.configure(Logs.Threshold.WARN, Logs.Format.TEXT, false);
    Path directory = Files.createTempDirectory("warren-bench-");
    Children children = new Children(directory);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  children.close();
                  delete(directory);
                },
                "clean-up"));
    startWatchdog(limitSeconds);
    return new Bench(tools, children, directory, warren.toAbsolutePath());
  }

  /** The environment in which the launcher gives these options to Java. */
  static Map<String, String> java(String options) {
    return Map.of(JAVA_OPTIONS, options);
  }

  /** Whatever hangs, the run ends; the shutdown hook then ends what it started. */
  private static void startWatchdog(int seconds) {
    Thread watchdog =
        new Thread(
            () -> {
              try {
                TimeUnit.SECONDS.sleep(seconds);
              } catch (InterruptedException e) {
                return;
              }
              System.err.println(
                  "bench: broken off after " + seconds + " s (--limit allows for more)");
              System.exit(1);
            },
            "watchdog");
    watchdog.setDaemon(true);
    watchdog.start();
  }

  static void pause(int millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LoadException("interrupted", e);
    }
  }

  private static void delete(Path directory) {
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path done, IOException failure)
                throws IOException {
              Files.delete(done);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.warren.peer.watch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Values made from files, and made anew when the files' content changes. One daemon thread looks
 * once a second, so no event loop ever waits for a disk. It compares contents and not dates: a
 * mounted secret is swapped by symbolic links, and two writes may fall into one tick of a file
 * system's clock.
 *
 * <p>At the start a bad file is refused. Later on, a file that is gone, unreadable or wrong is
 * logged, once for each new state of affairs, and the last good value stays.
 */
public final class FileWatch implements AutoCloseable {
  /** How often the files are looked at. */
  public static final Duration INTERVAL = Duration.ofSeconds(1);

  private static final Logger log = LoggerFactory.getLogger(FileWatch.class);

  private final ScheduledExecutorService thread;
  private final List<Watched<?>> all = new CopyOnWriteArrayList<>();

  /** Makes a value from the contents of the files, in their order. */
  @FunctionalInterface
  public interface Parser<T> {
    /**
     * @throws IllegalArgumentException where a content is wrong; the message names file and line
     */
    T parse(List<byte[]> contents);
  }

  private FileWatch(ScheduledExecutorService thread) {
    this.thread = thread;
  }

  public static FileWatch start() {
    ScheduledExecutorService thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread made = new Thread(task, "warren-files");
              made.setDaemon(true);
              return made;
            });
    FileWatch watch = new FileWatch(thread);
    thread.scheduleWithFixedDelay(
        watch::look, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    return watch;
  }

  /** One without a thread, whose owner calls {@link #look}. */
  public static FileWatch manual() {
    return new FileWatch(null);
  }

  /**
   * Reads the files now and watches them from now on.
   *
   * @param flag what names the files to the user, as in {@code --agent-tokens}
   * @param maxBytes the largest size of each
   * @return always the latest good value
   * @throws IllegalArgumentException where a file cannot be read or is wrong
   */
  public <T> Supplier<T> watch(String flag, List<Path> files, int maxBytes, Parser<T> parser) {
    Watched<T> watched = new Watched<>(flag, List.copyOf(files), maxBytes, parser);
    all.add(watched);
    return () -> watched.value;
  }

  /** Looks at all files once. */
  public synchronized void look() {
    for (Watched<?> watched : all) {
      watched.look();
    }
  }

  /** Ends the watching; values stay what they are. */
  @Override
  public void close() {
    if (thread != null) {
      thread.shutdownNow();
    }
  }

  private static final class Watched<T> {
    private final String flag;
    private final List<Path> files;
    private final int maxBytes;
    private final Parser<T> parser;
    private volatile T value;

    /** What was seen last, good or bad: a digest of the contents, or why there was none. */
    private String seen;

    Watched(String flag, List<Path> files, int maxBytes, Parser<T> parser) {
      this.flag = flag;
      this.files = files;
      this.maxBytes = maxBytes;
      this.parser = parser;
      try {
        List<byte[]> contents = read();
        value = parser.parse(contents);
        seen = digest(contents);
      } catch (IOException e) {
        throw new IllegalArgumentException(flag + ": " + reason(e), e);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(flag + ": " + e.getMessage(), e);
      }
    }

    void look() {
      try {
        List<byte[]> contents = read();
        String now = digest(contents);
        if (!now.equals(seen)) {
          seen = now;
          value = parser.parse(contents);
          log.atInfo().addKeyValue("flag", flag).addKeyValue("file", files).log("file.reloaded");
        }
      } catch (IOException e) {
        if (!reason(e).equals(seen)) {
          seen = reason(e);
          refused(seen);
        }
      } catch (RuntimeException e) {
        refused(e.getMessage());
      }
    }

    private void refused(String reason) {
      log.atError()
          .addKeyValue("flag", flag)
          .addKeyValue("file", files)
          .addKeyValue("reason", reason)
          .addKeyValue("kept", "what was read before")
          .log("file.refused");
    }

    private List<byte[]> read() throws IOException {
      List<byte[]> contents = new ArrayList<>();
      for (Path file : files) {
        try (InputStream in = Files.newInputStream(file)) {
          byte[] content = in.readNBytes(maxBytes + 1);
          if (content.length > maxBytes) {
            throw new IOException(file + " is larger than " + maxBytes + " bytes");
          }
          contents.add(content);
        }
      }
      return contents;
    }

    private static String reason(IOException e) {
      if (e instanceof NoSuchFileException) {
        return "there is no file " + e.getMessage();
      }
      return "cannot be read: " + e;
    }

    private static String digest(List<byte[]> contents) {
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (byte[] content : contents) {
          digest.update(MessageDigest.getInstance("SHA-256").digest(content));
        }
        return HexFormat.of().formatHex(digest.digest());
      } catch (java.security.NoSuchAlgorithmException impossible) {
        throw new AssertionError(impossible); // every Java platform has SHA-256
      }
    }
  }
}

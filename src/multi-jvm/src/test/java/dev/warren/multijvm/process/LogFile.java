package dev.warren.multijvm.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a process has logged, one event a line; it goes on over restarts of the process. */
public final class LogFile {
  private static final int LINES_SHOWN = 60;

  private final Path path;

  LogFile(Path path) {
    this.path = path;
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  /** All lines; none where there is no file yet. */
  public List<String> lines() {
    if (!Files.exists(path)) {
      return List.of();
    }
    // Read as bytes and decoded leniently: the last line may be half written.
    try {
      return new String(Files.readAllBytes(path), java.nio.charset.StandardCharsets.UTF_8)
          .lines()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The lines of one event, as {@code tunnel.up}, that have all of these texts too. */
  public List<String> events(String event, String... texts) {
    try (Stream<String> lines = lines().stream()) {
      return lines
          .filter(line -> line.contains(" " + event + " ") || line.endsWith(" " + event))
          .filter(line -> Stream.of(texts).allMatch(line::contains))
          .toList();
    }
  }

  /** The last of {@link #events}. */
  public Optional<String> last(String event, String... texts) {
    List<String> all = events(event, texts);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** When a line was written, to the millisecond. */
  public static Instant timeOf(String line) {
    return Instant.parse(line.substring(0, line.indexOf(' ')));
  }

  /** The value of a field, empty where the line has none. */
  public static String field(String line, String key) {
    int at = line.indexOf(" " + key + "=");
    if (at < 0) {
      return "";
    }
    int from = at + key.length() + 2;
    if (from < line.length() && line.charAt(from) == '"') {
      return line.substring(from + 1, line.indexOf('"', from + 1));
    }
    int to = line.indexOf(' ', from);
    return line.substring(from, to < 0 ? line.length() : to);
  }

  /** The last lines, for whoever has to find out what happened. */
  public String end() {
    List<String> all = lines();
    return String.join("\n", all.subList(Math.max(0, all.size() - LINES_SHOWN), all.size()));
  }
}

package dev.warren.peer.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class FileWatchTest {
  private static final int MAX_BYTES = 100;

  private final FileWatch watch = FileWatch.manual();
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(FileWatch.class);

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void listen() throws IOException {
    logger.setLevel(Level.INFO);
    file = directory.resolve("number");
    Files.writeString(file, "1");
    logged.start();
    logger.addAppender(logged);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(logged);
  }

  private Supplier<Integer> number() {
    return watch.watch("--number", List.of(file), MAX_BYTES, FileWatchTest::parse);
  }

  private static Integer parse(List<byte[]> contents) {
    return Integer.valueOf(new String(contents.get(0), StandardCharsets.UTF_8).strip());
  }

  private long errors() {
    return events().stream().filter(event -> event.getLevel() == Level.ERROR).count();
  }

  /** What was logged about our directory: watches of other tests may still run. */
  private List<ILoggingEvent> events() {
    return List.copyOf(logged.list).stream()
        .filter(event -> String.valueOf(event.getKeyValuePairs()).contains(directory.toString()))
        .toList();
  }

  @Test
  void changeIsSeenWhateverTheDateSays() throws IOException {
    Supplier<Integer> number = number();
    var date = Files.getLastModifiedTime(file);
    Files.writeString(file, "2");
    Files.setLastModifiedTime(file, date);
    watch.look();
    assertEquals(2, number.get());
  }

  @Test
  void fileSwappedByASymbolicLinkIsSeen() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), file);
    Supplier<Integer> number =
        watch.watch("--number", List.of(link), MAX_BYTES, FileWatchTest::parse);
    Files.delete(link);
    Files.createSymbolicLink(link, Files.writeString(directory.resolve("next"), "3"));
    watch.look();
    assertEquals(3, number.get());
  }

  @Test
  void wrongContentKeepsTheOldValueAndIsLoggedOnce() throws IOException {
    Supplier<Integer> number = number();
    Files.writeString(file, "two");
    watch.look();
    watch.look();
    assertEquals(1, number.get());
    assertEquals(1, errors());
    Files.writeString(file, "2");
    watch.look();
    assertEquals(2, number.get());
  }

  @Test
  void lostFileKeepsTheOldValueAndIsLoggedOnce() throws IOException {
    Supplier<Integer> number = number();
    Files.delete(file);
    watch.look();
    watch.look();
    assertEquals(1, number.get());
    assertEquals(1, errors());
    Files.writeString(file, "1");
    watch.look();
    assertEquals("file.reloaded", events().get(events().size() - 1).getMessage());
  }

  @Test
  void sizeHasALimit() throws IOException {
    Files.writeString(file, "7" + " ".repeat(MAX_BYTES - 1));
    assertEquals(7, number().get());
    Files.writeString(file, "7" + " ".repeat(MAX_BYTES));
    String message = assertThrows(IllegalArgumentException.class, this::number).getMessage();
    assertTrue(message.startsWith("--number: ") && message.contains("larger than 100"), message);
  }

  @Test
  void startWithoutTheFileIsRefused() throws IOException {
    Files.delete(file);
    String message = assertThrows(IllegalArgumentException.class, this::number).getMessage();
    assertEquals("--number: there is no file " + file, message);
    watch.look();
    assertEquals(0, errors(), "a refused file is not watched");
  }

  @Test
  void startedWatchLooksByItself() throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    try (FileWatch started = FileWatch.start()) {
      started.watch(
          "--number",
          List.of(file),
          MAX_BYTES,
          contents -> {
            if (contents.get(0)[0] == '2') {
              seen.countDown();
            }
            return "";
          });
      Files.writeString(file, "2");
      assertTrue(seen.await(30, TimeUnit.SECONDS));
    }
  }
}

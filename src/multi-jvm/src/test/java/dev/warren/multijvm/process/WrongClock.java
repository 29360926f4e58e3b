package dev.warren.multijvm.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A wall clock that is wrong for one process, by Debian's libfaketime ({@code apt-get install
 * faketime}). The monotonic clock stays as it is, as with a real clock that was set wrong.
 */
public final class WrongClock {
  private static final Path LIBRARIES = Path.of("/usr/lib");

  private WrongClock() {}

  /**
   * What stands before {@code java}; empty where this machine has no libfaketime.
   *
   * @param off how far the clock is ahead; negative where it is behind
   */
  public static Optional<List<String>> around(Duration off) {
    return library()
        .map(
            library ->
                List.of(
                    "/usr/bin/env",
                    "LD_PRELOAD=" + library,
                    "FAKETIME=" + (off.isNegative() ? "" : "+") + off.toSeconds(),
                    "FAKETIME_DONT_FAKE_MONOTONIC=1",
                    // Otherwise every wait of the JVM with a limit ends at once, again and again.
                    "FAKETIME_FORCE_MONOTONIC_FIX=0"));
  }

  /** Below the directory of whatever architecture this is. */
  private static Optional<Path> library() {
    try (Stream<Path> directories = Files.list(LIBRARIES)) {
      return directories
          .map(directory -> directory.resolve("faketime/libfaketimeMT.so.1"))
          .filter(Files::isRegularFile)
          .findFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

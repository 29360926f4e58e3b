package dev.warren.client;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the caller's token comes from. It is asked at each connect to a gateway, so that a token
 * can be changed while the program runs. No message and no {@code toString} shows it.
 */
@FunctionalInterface
public interface CallerToken {
  /** For gateways that want none. */
  CallerToken NONE = Optional::empty;

  /** A longer one would not fit into a header (bytes). */
  int MAX_BYTES = 4_096;

  /**
   * The token to present now; empty where there is none.
   *
   * @throws IOException where it cannot be had; the message says why and does not show it
   */
  Optional<String> read() throws IOException;

  /**
   * A token that stays.
   *
   * @throws IllegalArgumentException where it cannot be one
   */
  static CallerToken of(String token) {
    if (!isToken(token)) {
      throw new IllegalArgumentException(
          "the token has "
              + token.length()
              + " characters (expected: 1 to "
              + MAX_BYTES
              + ", visible and of ASCII)");
    }
    return () -> Optional.of(token);
  }

  /** The one line of a file. */
  static CallerToken file(Path file) {
    return () -> {
      if (Files.size(file) > MAX_BYTES) {
        throw new IOException(
            "token file " + file + " (expected: at most " + MAX_BYTES + " bytes)");
      }
      String token = Files.readString(file, StandardCharsets.UTF_8).strip();
      if (!isToken(token)) {
        throw new IOException(
            "token file " + file + " (expected: one line of visible ASCII characters)");
      }
      return Optional.of(token);
    };
  }

  private static boolean isToken(String text) {
    return !text.isEmpty()
        && text.length() <= MAX_BYTES
        && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
  }
}

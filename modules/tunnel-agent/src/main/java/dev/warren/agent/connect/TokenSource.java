package dev.warren.agent.connect;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the agent's token comes from. It is asked at each connect, so that a token can be changed
 * while the agent runs. Tokens are never shown: no message and no {@code toString} has one.
 */
public sealed interface TokenSource {
  /** A longer one would not fit into a header that every gateway and proxy takes. */
  int MAX_BYTES = 4_096;

  /** For gateways that want none. */
  TokenSource NONE = new None();

  /**
   * The token to present now; empty where there is none.
   *
   * @throws IOException where it cannot be had; the message says why and does not show it
   */
  Optional<String> token() throws IOException;

  static TokenSource file(Path file) {
    return new InFile(file);
  }

  /**
   * A token that stays.
   *
   * @throws IllegalArgumentException where it cannot be one
   */
  static TokenSource literal(String token) {
    return new Literal(token);
  }

  record None() implements TokenSource {
    @Override
    public Optional<String> token() {
      return Optional.empty();
    }
  }

  record InFile(Path file) implements TokenSource {
    @Override
    public Optional<String> token() throws IOException {
      // A pipe would be read once, and then never end.
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new IOException("token file " + file + " is not a regular file");
      }
      try {
        long size = Files.size(file);
        String token =
            size > MAX_BYTES ? "" : Files.readString(file, StandardCharsets.UTF_8).strip();
        if (size > MAX_BYTES || !isToken(token)) {
          throw new IOException("token file " + file + " (expected: " + EXPECTED + ")");
        }
        return Optional.of(token);
      } catch (NoSuchFileException e) {
        throw new IOException("token file " + file + " does not exist", e);
      } catch (java.nio.charset.CharacterCodingException e) {
        throw new IOException("token file " + file + " (expected: " + EXPECTED + ")", e);
      }
    }
  }

  record Literal(String secret) implements TokenSource {
    public Literal {
      if (!isToken(secret)) {
        throw new IllegalArgumentException(
            "the token has " + secret.length() + " characters (expected: " + EXPECTED + ")");
      }
    }

    @Override
    public Optional<String> token() {
      return Optional.of(secret);
    }

    @Override
    public String toString() {
      return "Literal[***]";
    }
  }

  String EXPECTED = "one line of 1 to " + MAX_BYTES + " visible ASCII characters";

  private static boolean isToken(String text) {
    return !text.isEmpty()
        && text.length() <= MAX_BYTES
        && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
  }
}

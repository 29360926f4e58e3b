package dev.warren.peer.token;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The content of a cluster's token file: one token a line; blank lines and those that begin with
 * {@code #} are skipped. The first is presented, all are trusted. So a token is changed without a
 * moment of disagreement: append the new one on every gateway, then move it to the front on every
 * gateway, then remove the old one on every gateway.
 *
 * @param all not empty, each once, the presented one first
 */
public record ClusterTokens(List<ClusterToken> all) {
  /** How many tokens a file may have: a change needs two, and each costs a slow derivation. */
  public static final int MAX_TOKENS = 8;

  /** The largest token file, in bytes. */
  public static final int MAX_FILE_BYTES = 64 << 10;

  public ClusterTokens {
    all = List.copyOf(all);
    if (all.isEmpty() || all.size() > MAX_TOKENS) {
      throw new IllegalArgumentException(
          "cluster tokens: " + all.size() + " (expected: 1 to " + MAX_TOKENS + ")");
    }
  }

  /**
   * Reads the content of a file.
   *
   * @param file for messages
   * @throws IllegalArgumentException where a line is no good token; the message names file and
   *     line, never the token
   */
  public static ClusterTokens parse(Path file, byte[] content) {
    List<ClusterToken> tokens = new ArrayList<>();
    int number = 0;
    for (String line : new String(content, StandardCharsets.UTF_8).split("\n", -1)) {
      number++;
      String text = line.strip();
      if (text.isEmpty() || text.startsWith("#")) {
        continue;
      }
      ClusterToken token;
      try {
        token = ClusterToken.parse(text);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(file + ", line " + number + ": " + e.getMessage(), e);
      }
      if (!tokens.contains(token)) {
        tokens.add(token);
      }
      if (tokens.size() > MAX_TOKENS) {
        throw new IllegalArgumentException(
            file + ", line " + number + ": more than " + MAX_TOKENS + " tokens");
      }
    }
    if (tokens.isEmpty()) {
      throw new IllegalArgumentException(file + " has no token; " + ClusterToken.MADE_BY);
    }
    return new ClusterTokens(tokens);
  }

  /**
   * The authorities of all tokens, the presented one's first. Takes about a third of a second for
   * each token that was not seen before: not for an event loop.
   */
  public List<ClusterAuthority> authorities() {
    return all.stream().map(ClusterAuthority::of).toList();
  }
}

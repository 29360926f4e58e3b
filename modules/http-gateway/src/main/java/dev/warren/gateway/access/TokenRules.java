package dev.warren.gateway.access;

import dev.warren.protocol.SessionKey;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a token file says. One token a line, {@code #} begins a comment:
 *
 * <pre>
 *   # hash of the token          sessions it is good for   its holder's name (may be left out)
 *   sha256:9f86d081884c7d65...   foo                       printer-in-hall-7
 *   sha256:60303ae22b998861...   web-*,staging/*           ci
 * </pre>
 *
 * <p>The hashes need neither salt nor a slow function: both protect what people think up, and these
 * tokens have at least 128 random bits.
 */
final class TokenRules {
  /** 100,000 sessions with a token each fit. */
  static final int MAX_FILE_BYTES = 16 << 20;

  static final int MAX_LINES = 200_000;
  static final int MAX_LINE_CHARS = 4_096;

  private static final Pattern HASH = Pattern.compile("sha256:[0-9a-f]{64}");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}");
  private static final Pattern BLANKS = Pattern.compile("[ \t]+");

  private final Map<String, Rule> byHash;

  /** One line of the file. */
  record Rule(int line, List<SessionPattern> sessions, Principal principal) {
    boolean covers(SessionKey session) {
      for (SessionPattern pattern : sessions) {
        if (pattern.matches(session)) {
          return true;
        }
      }
      return false;
    }

    boolean coversEverything() {
      return sessions.stream().anyMatch(SessionPattern::isEverything);
    }
  }

  private TokenRules(Map<String, Rule> byHash) {
    this.byHash = byHash;
  }

  /**
   * @param file stands in messages only
   * @throws IllegalArgumentException with file, line and reason
   */
  static TokenRules parse(Path file, byte[] content) {
    // Many editors and scripts empty a file before they write it: that moment must not lock
    // everybody out.
    if (content.length == 0) {
      throw new IllegalArgumentException(
          file + " is empty (expected: a line for each token; for none, a comment)");
    }
    String[] lines = text(file, content).split("\n", -1);
    if (lines.length > MAX_LINES) {
      throw new IllegalArgumentException(
          file + " has " + lines.length + " lines (expected: at most " + MAX_LINES + ")");
    }
    Map<String, Rule> byHash = new HashMap<>();
    for (int i = 0; i < lines.length; i++) {
      try {
        read(i + 1, lines[i], byHash);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
      }
    }
    return new TokenRules(byHash);
  }

  static void checkLine(String line) {
    read(1, line, new HashMap<>());
  }

  private static String text(Path file, byte[] content) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(file + " is no text in UTF-8", e);
    }
  }

  private static void read(int number, String raw, Map<String, Rule> byHash) {
    if (raw.length() > MAX_LINE_CHARS) {
      throw new IllegalArgumentException(
          raw.length() + " characters (expected: at most " + MAX_LINE_CHARS + ")");
    }
    int comment = raw.indexOf('#');
    String line = (comment < 0 ? raw : raw.substring(0, comment)).strip();
    if (line.isEmpty()) {
      return;
    }
    String[] words = BLANKS.split(line);
    String hash = words[0].toLowerCase(Locale.ROOT);
    if (!HASH.matcher(hash).matches()) {
      // What stands there may be the token itself, put in by mistake: it is not shown.
      throw new IllegalArgumentException(
          "the first word is no hash (expected: sha256: and 64 hexadecimal digits; `./warren token"
              + " hash` makes it from a token)");
    }
    if (words.length < 2 || words.length > 3) {
      throw new IllegalArgumentException(
          words.length + " words (expected: HASH SESSIONS [NAME], without blanks within each)");
    }
    List<SessionPattern> sessions = new ArrayList<>();
    for (String pattern : words[1].split(",", -1)) {
      sessions.add(SessionPattern.parse(pattern));
    }
    String name =
        words.length == 3
            ? words[2]
            : "token-" + hash.substring(Token.HASH_PREFIX.length()).substring(0, 8);
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name \"" + shown(name) + "\" (expected: 1 to 64 of letters, digits and . _ @ + -)");
    }
    Rule before = byHash.putIfAbsent(hash, new Rule(number, sessions, new Principal(name)));
    if (before != null) {
      throw new IllegalArgumentException(
          "the same hash as in line " + before.line() + " (expected: one line for each token)");
    }
  }

  /**
   * The rule for a token. The look-up is no comparison with a secret: how long it takes depends on
   * the hash of what somebody sent, which nobody can steer towards a hash in the file bit by bit.
   */
  Optional<Rule> of(String token) {
    return Optional.ofNullable(byHash.get(Token.hash(token)));
  }

  int size() {
    return byHash.size();
  }

  /** Values from outside are cut before they stand in a message or a log. */
  static String shown(String value) {
    String cut = value.length() > 80 ? value.substring(0, 80) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}

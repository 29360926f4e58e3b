package dev.warren.gateway.access;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * How tokens look: the prefix of their kind, 256 random bits in base 62 (43 characters), and a
 * checksum (6 characters), so that a token that lost a character on its way is told from a wrong
 * one. Tokens made elsewhere are welcome too, if they are long enough to have 128 random bits.
 */
public final class Token {
  /** 128 bits take 22 characters of base 64; nothing shorter can be safe with a plain hash. */
  public static final int MIN_CHARS = 22;

  /** Longer ones are refused before any work is done on them. */
  public static final int MAX_CHARS = 512;

  /** How a hash begins in a token file. */
  static final String HASH_PREFIX = "sha256:";

  private static final int RANDOM_BYTES = 32;
  private static final int RANDOM_CHARS = 43;
  private static final int CHECKSUM_CHARS = 6;
  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private Token() {}

  public static String generate(TokenKind kind, SecureRandom random) {
    byte[] secret = new byte[RANDOM_BYTES];
    random.nextBytes(secret);
    String body = kind.prefix() + base62(new BigInteger(1, secret), RANDOM_CHARS);
    return body + checksum(body);
  }

  /**
   * Checks what can be known of a token by looking at it.
   *
   * @throws IllegalArgumentException where it is damaged, or has not the form of a token; the
   *     message does not show it
   */
  public static void check(String token) {
    if (token.length() < MIN_CHARS || token.length() > MAX_CHARS) {
      throw new IllegalArgumentException(
          "the token has "
              + token.length()
              + " characters (expected: "
              + MIN_CHARS
              + " to "
              + MAX_CHARS
              + "; `./warren token agent|caller` makes a good one)");
    }
    if (!token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException(
          "the token has blanks or characters beyond ASCII in it (expected: one word)");
    }
    Optional<TokenKind> kind = kindOf(token);
    if (kind.isPresent()) {
      int expected = kind.get().prefix().length() + RANDOM_CHARS + CHECKSUM_CHARS;
      String body = token.substring(0, Math.max(0, token.length() - CHECKSUM_CHARS));
      if (token.length() != expected || !token.endsWith(checksum(body))) {
        throw new IllegalArgumentException(
            "the token is damaged: it begins as "
                + kind.get().possessive()
                + " token ("
                + kind.get().prefix()
                + "...), but its length or its checksum is wrong");
      }
    }
  }

  /** The kind that a token's beginning shows; empty for one that was made elsewhere. */
  public static Optional<TokenKind> kindOf(String token) {
    for (TokenKind kind : TokenKind.values()) {
      if (token.startsWith(kind.prefix())) {
        return Optional.of(kind);
      }
    }
    return Optional.empty();
  }

  /** The form in which a token stands in a file: {@code sha256:HEX}. */
  public static String hash(String token) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha256.digest(token.getBytes(StandardCharsets.UTF_8));
      return HASH_PREFIX + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible); // every Java platform has SHA-256
    }
  }

  private static String checksum(String body) {
    CRC32 crc = new CRC32();
    crc.update(body.getBytes(StandardCharsets.US_ASCII));
    return base62(BigInteger.valueOf(crc.getValue()), CHECKSUM_CHARS);
  }

  private static String base62(BigInteger number, int chars) {
    char[] text = new char[chars];
    BigInteger rest = number;
    for (int i = chars - 1; i >= 0; i--) {
      BigInteger[] step = rest.divideAndRemainder(BigInteger.valueOf(DIGITS.length()));
      text[i] = DIGITS.charAt(step[1].intValue());
      rest = step[0];
    }
    return new String(text);
  }
}

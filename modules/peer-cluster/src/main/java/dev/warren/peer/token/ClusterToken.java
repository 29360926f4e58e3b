package dev.warren.peer.token;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.zip.CRC32;

/**
 * The secret that makes gateways one cluster. Its text never leaves this package: not in {@link
 * #toString}, not in a message.
 *
 * <p>Who listens to a handshake, or merely opens a connection, sees a certificate that was signed
 * by a key derived from the token, and can try guesses against it at leisure. So a token that might
 * be guessed is refused, by the estimate of {@link TokenStrength}.
 */
public final class ClusterToken {
  /** What a token must be worth, in bits. */
  public static final int MIN_BITS = 128;

  /** Longer ones are refused before any work is done on them. */
  public static final int MAX_CHARS = 512;

  /** What makes a good one; every refusal says it. */
  public static final String MADE_BY = "`./warren token cluster` makes a good one";

  /** How tokens begin that {@code warren token cluster} made. */
  static final String PREFIX = "wck_";

  private static final int RANDOM_CHARS = 43;
  private static final int CHECKSUM_CHARS = 6;
  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private final byte[] secret;

  private ClusterToken(String text) {
    secret = text.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Reads one token: what {@code warren token cluster} prints (256 random bits in 43 characters and
   * a checksum, so that a damaged one is told from a wrong one), or a word made elsewhere that is
   * worth {@value #MIN_BITS} bits.
   *
   * @throws IllegalArgumentException where it is weak, damaged or of another kind; the message does
   *     not show it
   */
  public static ClusterToken parse(String text) {
    if (text.length() > MAX_CHARS) {
      throw refused("has " + text.length() + " characters (expected: at most " + MAX_CHARS + ")");
    }
    if (text.isEmpty() || !text.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw refused("is empty, or has blanks or characters beyond ASCII (expected: one word)");
    }
    if (text.startsWith("wag_") || text.startsWith("wcl_")) {
      throw refused("begins as an agent's or a caller's token (expected: a cluster's)");
    }
    if (text.startsWith(PREFIX)) {
      checkMadeByUs(text);
    } else {
      double bits = TokenStrength.bits(text);
      if (bits < MIN_BITS) {
        throw refused(
            String.format(
                Locale.ROOT,
                "is weak: its %d characters are worth about %.0f bits (expected: at least %d)",
                text.length(),
                Math.floor(bits),
                MIN_BITS));
      }
    }
    return new ClusterToken(text);
  }

  private static void checkMadeByUs(String text) {
    int expected = PREFIX.length() + RANDOM_CHARS + CHECKSUM_CHARS;
    String body = text.substring(0, Math.max(0, text.length() - CHECKSUM_CHARS));
    if (text.length() != expected || !text.endsWith(checksum(body))) {
      throw refused(
          "is damaged: it begins with " + PREFIX + ", but its length or its checksum is wrong");
    }
    if (TokenStrength.bits(body.substring(PREFIX.length())) < MIN_BITS) {
      throw refused("is weak: its checksum is right, but it is not random");
    }
  }

  private static IllegalArgumentException refused(String what) {
    return new IllegalArgumentException("the cluster token " + what + "; " + MADE_BY);
  }

  private static String checksum(String body) {
    CRC32 crc = new CRC32();
    crc.update(body.getBytes(StandardCharsets.US_ASCII));
    BigInteger rest = BigInteger.valueOf(crc.getValue());
    char[] text = new char[CHECKSUM_CHARS];
    for (int i = text.length - 1; i >= 0; i--) {
      BigInteger[] step = rest.divideAndRemainder(BigInteger.valueOf(DIGITS.length()));
      text[i] = DIGITS.charAt(step[1].intValue());
      rest = step[0];
    }
    return new String(text);
  }

  /** Not a copy: for the derivation alone. */
  byte[] secret() {
    return secret;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ClusterToken token && MessageDigest.isEqual(secret, token.secret);
  }

  @Override
  public int hashCode() {
    return java.util.Arrays.hashCode(secret);
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "ClusterToken(hidden)";
  }
}

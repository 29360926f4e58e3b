package dev.warren.peer.token;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How many bits a token is worth that was made elsewhere. Nobody can see in a text how it came
 * about; what is counted is this:
 *
 * <ul>
 *   <li>Each character counts the logarithm of the smallest usual alphabet that holds the whole
 *       text: decimal, hexadecimal, one case with digits (base 32 too, and letters alone, for which
 *       this is a tenth too much), base 62, base 64, all printable. In texts of one case,
 *       separators such as {@code -} count nothing.
 *   <li>A character that continues a pattern counts nothing: four in arithmetic progression ({@code
 *       aaaa}, {@code 3456}), three along a row of the keyboard, or three that stood there before
 *       ({@code abcabc}). Chance makes some of these too, so the first {@value #ALLOWANCE} are
 *       forgiven.
 *   <li>Where letters follow each other as in words, a character counts {@value #BITS_IN_WORDS}
 *       bits.
 *   <li>A UUID counts its 122 random bits.
 * </ul>
 *
 * It errs on both sides: text in a language whose letters follow each other unlike English passes
 * for random, and so does the hash of a weak password.
 */
final class TokenStrength {
  static final int ALLOWANCE = 6;
  static final int BITS_IN_WORDS = 2;

  /** Random letters have below 6% of these pairs, English has about half. */
  private static final Set<String> PAIRS_OF_WORDS =
      Set.of(
          "th", "he", "in", "er", "an", "re", "nd", "at", "on", "nt", "ha", "es", "st", "en", "ed",
          "to", "it", "ou", "ea", "hi", "is", "or", "ti", "as", "te", "et", "ng", "of", "al", "de",
          "se", "le", "sa", "si", "ar", "ve", "ra", "ld", "ur", "ic", "ne");

  /** The share of such pairs among all pairs from which on a text is taken for words. */
  private static final double WORDS_FROM = 0.3;

  private static final String KEYBOARD = "qwertyuiop asdfghjkl zxcvbnm";
  private static final Pattern UUID =
      Pattern.compile("[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}");

  private TokenStrength() {}

  static double bits(String token) {
    if (UUID.matcher(token).matches()) {
      return 122;
    }
    String bare = token.replaceAll("[-_.:=/+]", "");
    boolean oneCase =
        bare.equals(bare.toLowerCase(Locale.ROOT)) || bare.equals(bare.toUpperCase(Locale.ROOT));
    boolean simple = oneCase && bare.matches("[0-9A-Za-z]*");
    String counted = simple ? bare : token.replaceAll("=+$", "");
    return worth(counted) * (looksLikeWords(counted) ? BITS_IN_WORDS : bitsOfEach(counted, simple));
  }

  private static double bitsOfEach(String text, boolean oneCase) {
    int alphabet;
    if (text.matches("[0-9]*")) {
      alphabet = 10;
    } else if (oneCase && text.matches("[0-9a-fA-F]*")) {
      alphabet = 16;
    } else if (oneCase) {
      alphabet = 36;
    } else if (text.matches("[0-9a-zA-Z]*")) {
      alphabet = 62;
    } else if (text.matches("[-_+/0-9a-zA-Z]*")) {
      alphabet = 64;
    } else {
      alphabet = 94;
    }
    return Math.log(alphabet) / Math.log(2);
  }

  /** How many characters are worth something. */
  private static int worth(String text) {
    Set<String> before = new HashSet<>();
    int predictable = 0;
    for (int i = 2; i < text.length(); i++) {
      String three = text.substring(i - 2, i + 1);
      boolean repeated = !before.add(three);
      if (repeated || KEYBOARD.contains(three.toLowerCase(Locale.ROOT)) || progresses(text, i)) {
        predictable++;
      }
    }
    return text.length() - Math.max(0, predictable - ALLOWANCE);
  }

  private static boolean progresses(String text, int i) {
    if (i < 3) {
      return false;
    }
    int step = text.charAt(i) - text.charAt(i - 1);
    return step == text.charAt(i - 1) - text.charAt(i - 2)
        && step == text.charAt(i - 2) - text.charAt(i - 3);
  }

  private static boolean looksLikeWords(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    int pairs = 0;
    for (int i = 1; i < lower.length(); i++) {
      if (PAIRS_OF_WORDS.contains(lower.substring(i - 1, i + 1))) {
        pairs++;
      }
    }
    return pairs > WORDS_FROM * (lower.length() - 1);
  }
}

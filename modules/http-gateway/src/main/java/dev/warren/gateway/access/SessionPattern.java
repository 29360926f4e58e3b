package dev.warren.gateway.access;

import dev.warren.protocol.SessionKey;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Which sessions a token is good for: an id ({@code foo}), or one with stars for any run of
 * characters ({@code web-*}, {@code *}). Without {@code REALM/} it speaks of the default realm
 * only; {@code *&#47;*} is every session there is.
 */
public record SessionPattern(String realm, String id) {
  private static final Pattern REALM = Pattern.compile("_|[a-z0-9*-]{1,63}");
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:@=+~!$&()*-]{1,100}");

  /**
   * @throws IllegalArgumentException where it is no pattern
   */
  public static SessionPattern parse(String text) {
    int slash = text.indexOf('/');
    String realm =
        slash < 0 ? SessionKey.DEFAULT_REALM : text.substring(0, slash).toLowerCase(Locale.ROOT);
    String id = text.substring(slash + 1);
    if (!REALM.matcher(realm).matches() || !ID.matcher(id).matches()) {
      throw new IllegalArgumentException(
          "pattern \""
              + TokenRules.shown(text)
              + "\" (expected: a session id with * for any characters, as in foo, web-* or"
              + " realm/*)");
    }
    return new SessionPattern(realm, id);
  }

  /** Whether it is every session there is. */
  boolean isEverything() {
    return realm.equals("*") && id.equals("*");
  }

  public boolean matches(SessionKey session) {
    // Of native ids the case does not count.
    String pattern = session.isNative() ? id.toLowerCase(Locale.ROOT) : id;
    return matches(realm, session.realm()) && matches(pattern, session.id());
  }

  /**
   * After a mismatch only the last star has to take one character more: no recursion, and at worst
   * the product of two lengths that are at most 100.
   */
  private static boolean matches(String pattern, String text) {
    int p = 0;
    int t = 0;
    int star = -1;
    int resume = 0;
    while (t < text.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        resume = t;
      } else if (p < pattern.length() && pattern.charAt(p) == text.charAt(t)) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }
}

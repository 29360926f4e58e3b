package dev.warren.protocol;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Names one agent's session: {@code realm/id}. The default realm is {@code _} and is not shown.
 * Native ids follow {@code [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?} without {@code --} and without
 * regard to case, so that they fit host names. Other clients than our own agents may have other
 * ids: letters, digits and {@code ._:@=+~!$&()-}, at most 100 of them, and there the case counts.
 *
 * @param realm a name space of ids; {@code _} by default
 * @param id the agent's id, a native one in lower case
 */
public record SessionKey(String realm, String id) implements Comparable<SessionKey> {
  public static final String DEFAULT_REALM = "_";

  private static final Pattern NATIVE_ID = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?");
  private static final Pattern OTHER_ID = Pattern.compile("[A-Za-z0-9._:@=+~!$&()-]{1,100}");
  private static final Pattern REALM = Pattern.compile("_|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  public SessionKey {
    if (!REALM.matcher(realm).matches()) {
      throw new IllegalArgumentException(
          "realm \""
              + shown(realm)
              + "\" (expected: a lower-case name of at most 63 letters, digits and -)");
    }
    if (!OTHER_ID.matcher(id).matches() || !isNative(id) && isNative(lower(id))) {
      throw new IllegalArgumentException(
          "agent id \"" + shown(id) + "\" (expected: 1 to 100 letters, digits and ._:@=+~!$&()-)");
    }
  }

  private static boolean isNative(String id) {
    return NATIVE_ID.matcher(id).matches() && !id.contains("--");
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** Whether an agent of ours may have this id; the others come with other protocols. */
  public boolean isNative() {
    return isNative(id);
  }

  /**
   * Reads {@code id} or {@code realm/id}.
   *
   * @throws IllegalArgumentException where it is neither; the message names the value and what was
   *     expected
   */
  public static SessionKey of(String text) {
    int slash = text.indexOf('/');
    String realm = slash < 0 ? DEFAULT_REALM : lower(text.substring(0, slash));
    String id = text.substring(slash + 1);
    String lower = lower(id);
    return new SessionKey(realm, isNative(lower) ? lower : id);
  }

  /**
   * Reads the same, but only with a native id.
   *
   * @throws IllegalArgumentException where it is something else
   */
  public static SessionKey ofAgent(String text) {
    int slash = text.indexOf('/');
    String id = lower(text.substring(slash + 1));
    if (!isNative(id)) {
      throw new IllegalArgumentException(
          "agent id \""
              + shown(id)
              + "\" (expected: 1 to 63 of a-z, 0-9, '.' and '-', not at the ends, without \"--\")");
    }
    return of(text);
  }

  /** Values from outside are cut before they stand in a message or a log. */
  private static String shown(String value) {
    String cut = value.length() > 80 ? value.substring(0, 80) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }

  @Override
  public int compareTo(SessionKey other) {
    int byRealm = realm.compareTo(other.realm);
    return byRealm != 0 ? byRealm : id.compareTo(other.id);
  }

  /** The form that users see and that {@link #of} reads: the id alone in the default realm. */
  @Override
  public String toString() {
    return realm.equals(DEFAULT_REALM) ? id : realm + "/" + id;
  }
}

package dev.warren.protocol;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Names one agent's session: {@code realm/id}. The default realm is {@code _} and is not shown.
 * Native ids follow {@code [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?} without {@code --} and without
 * regard to case, so that they fit host names.
 *
 * @param realm a name space of ids; {@code _} by default
 * @param id the agent's id, in lower case
 */
public record SessionKey(String realm, String id) implements Comparable<SessionKey> {
  public static final String DEFAULT_REALM = "_";

  private static final Pattern NATIVE_ID = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?");
  private static final Pattern REALM = Pattern.compile("_|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  public SessionKey {
    if (!REALM.matcher(realm).matches()) {
      throw new IllegalArgumentException(
          "realm \""
              + shown(realm)
              + "\" (expected: a lower-case name of at most 63 letters, digits and -)");
    }
    if (!NATIVE_ID.matcher(id).matches() || id.contains("--")) {
      throw new IllegalArgumentException(
          "agent id \""
              + shown(id)
              + "\" (expected: 1 to 63 of a-z, 0-9, '.' and '-', not at the ends, without \"--\")");
    }
  }

  /**
   * Reads {@code id} or {@code realm/id}.
   *
   * @throws IllegalArgumentException where it is neither; the message names the value and what was
   *     expected
   */
  public static SessionKey of(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    int slash = lower.indexOf('/');
    return slash < 0
        ? new SessionKey(DEFAULT_REALM, lower)
        : new SessionKey(lower.substring(0, slash), lower.substring(slash + 1));
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

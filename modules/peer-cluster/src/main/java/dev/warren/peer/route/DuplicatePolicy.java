package dev.warren.peer.route;

import java.util.Locale;

/** What becomes of two agents with one id. Every holder applies it to what its table says. */
public enum DuplicatePolicy {
  /** Whoever was first admitted later has the session; the other is sent away. */
  NEWEST,
  /** All of them have it together and share its streams. */
  POOL,
  /** Whoever was first admitted earlier keeps it while it lives. */
  REJECT;

  /**
   * Reads {@code newest}, {@code pool} or {@code reject}.
   *
   * @throws IllegalArgumentException for anything else
   */
  public static DuplicatePolicy parse(String text) {
    for (DuplicatePolicy policy : values()) {
      if (policy.toString().equals(text)) {
        return policy;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" (expected: newest, pool or reject)");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

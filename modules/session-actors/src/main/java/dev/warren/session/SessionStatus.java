package dev.warren.session;

/** How a session is. */
public enum SessionStatus {
  /** Nobody has heard of it, or it was offline for so long that it was forgotten. */
  UNKNOWN,
  /** It has a tunnel. */
  ONLINE,
  /** It had a tunnel, not long ago. */
  OFFLINE
}

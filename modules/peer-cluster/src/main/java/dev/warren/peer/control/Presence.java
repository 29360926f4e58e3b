package dev.warren.peer.control;

/** What the cluster knows of a session that no route leads to. */
public enum Presence {
  /** It has a tunnel; the route is on its way. */
  ONLINE,
  /** It had one, and is not forgotten yet. */
  OFFLINE,
  /** Nobody has heard of it. */
  UNKNOWN
}

package dev.warren.gateway.access;

/** What somebody wants to do. Each has its own kind of token, which never serves for another. */
public enum Action {
  /** An agent opens a tunnel and takes the session's name. */
  ATTACH,
  /** A caller opens a stream to a target of the session. */
  DIAL,
  /** A caller opens a line, over which it will dial; which sessions is judged with each stream. */
  CALL,
  /** An operator asks or orders something; it may concern no session. */
  ADMIN
}

package dev.warren.agent.pool;

/** What a tunnel of the pool is doing. */
public enum TunnelState {
  /** On its way to a gateway, until that one's WELCOME. */
  CONNECTING,
  /** Streams may come. */
  UP,
  /** Likewise, but its gateway asked it to go: a replacement is looked for. */
  LEAVING,
  /** Replaced: no new streams, and running ones may end. */
  MOVED,
  /** It failed or was lost, and there is no other; until the next try. */
  WAITING,
  /** For good. */
  CLOSED
}

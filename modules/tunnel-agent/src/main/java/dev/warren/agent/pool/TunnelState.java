package dev.warren.agent.pool;

/** What a tunnel of the pool is doing. */
public enum TunnelState {
  /** On its way to a gateway, until that one's WELCOME. */
  CONNECTING,
  /** Streams may come. */
  UP,
  /** Until the next try. */
  WAITING,
  /** For good. */
  CLOSED
}

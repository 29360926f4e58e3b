package dev.warren.agent.pool;

/** How an agent stands with its gateways. */
public enum PoolState {
  /** No gateway has a tunnel of this agent; it tries. */
  OFFLINE,
  /** Callers can reach the agent; it looks for more gateways. */
  SEARCHING,
  /** As before, but all tries lead to gateways it has: it tries now and then. */
  SETTLED,
  /** A gateway asked for a tunnel to go, and its replacement is not there yet. */
  MOVING,
  /** All tunnels that are wanted, as far as there are gateways. */
  COMPLETE,
  /** The agent goes: no new streams, and running ones may end. */
  DRAINING,
  /** For good. */
  CLOSED
}

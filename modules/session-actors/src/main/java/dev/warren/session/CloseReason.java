package dev.warren.session;

/** Why a holder is ordered to close a tunnel. */
public enum CloseReason {
  /** Another instance of the agent has taken the session over. */
  SUPERSEDED,
  /** An operator closed the session. */
  ORDERED
}

package dev.warren.session;

/**
 * What becomes of two instances of an agent with one id. The holders apply it from their route
 * tables; the entity records the outcome. Its names are on the wire: none is ever renamed.
 */
public enum DuplicatePolicy {
  /** The instance that was first admitted last stays, the others are closed. */
  NEWEST,
  /** All stay, side by side. */
  POOL,
  /** The first one stays while it lives, the holders turn the others away. */
  REJECT
}

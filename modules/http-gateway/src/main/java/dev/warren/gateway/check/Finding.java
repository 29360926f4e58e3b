package dev.warren.gateway.check;

/** What one check came to. */
sealed interface Finding {
  /** The target answered as it should. */
  record Good(long latencyNanos) implements Finding {}

  /**
   * It did not.
   *
   * @param latencyNanos how long a wrong answer took; 0 where there was none
   */
  record Bad(String reason, long latencyNanos) implements Finding {}

  /** Nobody asked the target: its agent could not be reached, or takes no more streams. */
  record Unasked(String reason) implements Finding {}
}

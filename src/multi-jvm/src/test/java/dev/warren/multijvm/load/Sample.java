package dev.warren.multijvm.load;

/**
 * One request of a load.
 *
 * @param at the gateway where it came in
 * @param path what it asked for
 * @param startNanos when it was due, by {@link System#nanoTime}
 * @param nanos from when it was due until the whole answer was there, so that a load that falls
 *     behind shows it
 * @param status 0 where there was none
 * @param retryAfter whether the answer had Retry-After
 * @param via the gateways that it passed, as a failure tells; empty for what the target answered
 * @param failure what broke instead; empty otherwise
 */
public record Sample(
    String at,
    String path,
    long startNanos,
    long nanos,
    int status,
    boolean retryAfter,
    String via,
    String failure) {
  /** Whether it got what it wanted. */
  public boolean good() {
    return status == 200;
  }

  /** In milliseconds. */
  public double millis() {
    return nanos / 1e6;
  }
}

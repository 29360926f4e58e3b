package dev.warren.multijvm;

import java.time.Duration;

/** Waits for what is to become true, and tells how long that took. */
public final class Eventually {
  private static final Duration PAUSE = Duration.ofMillis(20);

  /** Something that fails until it holds. */
  @FunctionalInterface
  public interface Claim {
    /**
     * @throws Throwable while it does not hold yet; the last one is what the test reports
     */
    void hold() throws Throwable;
  }

  private Eventually() {}

  /**
   * Tries until the claim holds.
   *
   * @return how long that took
   * @throws AssertionError where it does not in time, with the claim's last complaint
   */
  public static Duration within(Duration limit, Claim claim) throws InterruptedException {
    return within(limit, PAUSE, claim);
  }

  /** As {@link #within(Duration, Claim)}, with a pause of one's own between two tries. */
  public static Duration within(Duration limit, Duration pause, Claim claim)
      throws InterruptedException {
    long start = System.nanoTime();
    while (true) {
      Throwable complaint;
      try {
        claim.hold();
        return Duration.ofNanos(System.nanoTime() - start);
      } catch (InterruptedException e) {
        throw e;
      } catch (Throwable e) {
        complaint = e;
      }
      if (System.nanoTime() - start > limit.toNanos()) {
        throw new AssertionError("not within " + limit + ": " + complaint.getMessage(), complaint);
      }
      Thread.sleep(pause.toMillis(), pause.toNanosPart() % 1_000_000);
    }
  }

  /**
   * Tries for the whole time, and fails at the first complaint.
   *
   * @throws AssertionError the complaint
   */
  public static void always(Duration span, Claim claim) throws InterruptedException {
    long start = System.nanoTime();
    while (System.nanoTime() - start < span.toNanos()) {
      try {
        claim.hold();
      } catch (InterruptedException e) {
        throw e;
      } catch (Throwable e) {
        throw new AssertionError(
            "held for "
                + Duration.ofNanos(System.nanoTime() - start)
                + " only (expected: "
                + span
                + "): "
                + e.getMessage(),
            e);
      }
      Thread.sleep(5 * PAUSE.toMillis());
    }
  }
}

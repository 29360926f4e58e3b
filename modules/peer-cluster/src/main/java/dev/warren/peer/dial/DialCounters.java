package dev.warren.peer.dial;

import java.util.concurrent.atomic.LongAdder;

/** What became of dials, since the start of this gateway. */
public final class DialCounters {
  final LongAdder dials = new LongAdder();
  final LongAdder opened = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder again = new LongAdder();
  final LongAdder hedged = new LongAdder();
  final LongAdder waited = new LongAdder();
  final LongAdder asked = new LongAdder();
  final LongAdder relayed = new LongAdder();

  /**
   * @param dials in all
   * @param opened of these: a target accepted
   * @param failed of these: nobody did, or the caller left
   * @param again tries at another holder after one that could not
   * @param hedged tries at another holder beside one that did not answer in time
   * @param waited dials that waited for a session on its way back
   * @param askedControlPlane dials for which the control plane was asked
   * @param viaPeers tries over a link
   */
  public record Snapshot(
      long dials,
      long opened,
      long failed,
      long again,
      long hedged,
      long waited,
      long askedControlPlane,
      long viaPeers) {}

  public Snapshot snapshot() {
    return new Snapshot(
        dials.sum(),
        opened.sum(),
        failed.sum(),
        again.sum(),
        hedged.sum(),
        waited.sum(),
        asked.sum(),
        relayed.sum());
  }
}

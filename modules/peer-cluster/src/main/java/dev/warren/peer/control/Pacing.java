package dev.warren.peer.control;

import java.time.Duration;

/**
 * How long the control plane waits for what.
 *
 * @param alone a fresh control plane without a linked gateway forms a cluster after this
 * @param settle with linked gateways of which none is in a cluster it waits this long for more
 *     links before one of them forms
 * @param formTurn how long a gateway waits for each one with a smaller incarnation to form first
 * @param joinTimeout whoever has not answered a wish to join by then is passed over
 * @param admitTimeout whoever was answered but is not a full member by then starts afresh: longer
 *     than the cluster takes to remove an unreachable member, because it admits nobody before
 * @param probeTimeout a probe without an outcome by then counts as failed
 * @param tries a fresh control plane asks each gateway at most so often before it forms a cluster
 * @param retryAfter the pause before the same gateway is asked again
 * @param islandAfter how long a linked gateway may be missing in the membership
 * @param firstMergeRetry the pause after the first try to merge; it doubles
 * @param lastMergeRetry ... up to this
 * @param calm without a cluster to merge with for so long, the pauses begin anew
 * @param lastRestartPause a control plane that does not live as long as {@code calm} is started
 *     again after a pause that doubles from a second to this
 * @param leaving how long an actor system may take to leave its cluster in good order, so that
 *     shards are handed over, before it is ended
 */
record Pacing(
    Duration alone,
    Duration settle,
    Duration formTurn,
    Duration joinTimeout,
    Duration admitTimeout,
    Duration probeTimeout,
    int tries,
    Duration retryAfter,
    Duration islandAfter,
    Duration firstMergeRetry,
    Duration lastMergeRetry,
    Duration calm,
    Duration lastRestartPause,
    Duration leaving) {

  static final Pacing DEFAULT = aloneAfter(Duration.ofSeconds(2));

  static Pacing aloneAfter(Duration alone) {
    return new Pacing(
        alone,
        Duration.ofMillis(500),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofSeconds(60),
        Duration.ofSeconds(5),
        2,
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofMinutes(2),
        Duration.ofMinutes(1),
        Duration.ofSeconds(30),
        Duration.ofSeconds(5));
  }
}

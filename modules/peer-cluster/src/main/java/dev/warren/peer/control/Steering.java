package dev.warren.peer.control;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * All that the control plane decides, without Pekko, threads and clocks: how each fresh actor
 * system becomes a member ({@link Bootstrap}), when it must be given up to merge with another
 * cluster ({@link Islands}), which cluster this is, and how soon after an end the next begins.
 * Driven by one thread; times are nanoseconds of a monotonic clock.
 */
final class Steering {
  private static final Duration FIRST_RESTART_PAUSE = Duration.ofSeconds(1);

  private final Incarnation self;
  private final Pacing pacing;
  private final Supplier<ClusterId> newId;
  private final Islands islands;
  private Bootstrap bootstrap;
  private Optional<ClusterId> clusterId = Optional.empty();
  private boolean member;
  private long startedAt;
  private int shortLives;

  Steering(GatewayIdentity self, Pacing pacing, Supplier<ClusterId> newId, RandomGenerator random) {
    this.self = self.incarnation();
    this.pacing = pacing;
    this.newId = newId;
    this.islands = new Islands(pacing, random);
  }

  /** A fresh actor system is there, in no cluster. */
  void started(long now) {
    bootstrap = new Bootstrap(self, pacing, newId, now);
    islands.started();
    clusterId = Optional.empty();
    member = false;
    startedAt = now;
  }

  /**
   * The actor system has ended, or could not be made.
   *
   * @return how long to wait before the next is made: nothing after a life of some length, then a
   *     second, doubling
   */
  Duration ended(long now) {
    clusterId = Optional.empty();
    member = false;
    if (now - startedAt > pacing.calm().toNanos()) {
      shortLives = 0;
      return Duration.ZERO;
    }
    shortLives++;
    if (shortLives <= 2) { // a merge that follows a restart by order is nothing to worry about
      return Duration.ZERO;
    }
    Duration pause = FIRST_RESTART_PAUSE.multipliedBy(1L << Math.min(shortLives - 3, 10));
    return pause.compareTo(pacing.lastRestartPause()) < 0 ? pause : pacing.lastRestartPause();
  }

  /** The cluster of which this is a full member. */
  Optional<ClusterId> clusterId() {
    return member ? clusterId : Optional.empty();
  }

  boolean split() {
    return member && islands.split();
  }

  void probed(String address, boolean open) {
    bootstrap.probed(address, open);
    islands.probed(address, open);
  }

  /** What to do now; to be asked several times a second and whenever something has changed. */
  Step next(long now, Membership membership, List<Standing> linked) {
    if (!membership.up()) {
      Step step = bootstrap.next(now, membership, linked);
      if (step instanceof Step.Form form) {
        clusterId = Optional.of(form.id());
      } else if (step instanceof Step.Join) {
        clusterId = bootstrap.joining();
      }
      return step;
    }
    member = true;
    adopt(membership, linked);
    return islands.next(now, clusterId.orElseThrow(), membership, linked);
  }

  /**
   * The oldest member's word on which cluster this is counts; who becomes the oldest keeps what the
   * one before said.
   */
  private void adopt(Membership membership, List<Standing> linked) {
    if (membership.oldestFirst().isEmpty()) {
      return;
    }
    long oldest = membership.oldestFirst().get(0).uid();
    for (Standing standing : linked) {
      if (standing.uid() == oldest && standing.clusterId().isPresent()) {
        clusterId = standing.clusterId();
      }
    }
  }
}

package dev.warren.peer.control;

import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * How two clusters become one. An island is a linked gateway that has a cluster and has not been in
 * this node's membership for a while. The smaller cluster id wins, always; of equal ones the side
 * whose oldest member has the smaller incarnation. The winner does nothing; the loser proves that
 * it can open the winner's cluster port, then starts afresh, and {@link Bootstrap} joins the
 * winner. As long as the port cannot be opened the loser stays as it is and says {@code split}.
 * Knows no Pekko and no clock; outlives the actor systems, so that its pauses do too.
 */
final class Islands {
  /** However often a restart did not lead into the other cluster, it is tried again after this. */
  static final int MAX_FRUITLESS_DOUBLINGS = 4;

  private static final Comparator<Standing> BEST_FIRST =
      Comparator.comparing((Standing standing) -> standing.clusterId().orElseThrow())
          .thenComparing(standing -> standing.oldest().orElse(standing.gateway().incarnation()))
          .thenComparing(standing -> standing.gateway().incarnation());

  private final Pacing pacing;
  private final RandomGenerator random;
  private final Map<Long, Long> missingSince = new HashMap<>(); // by the uid of the actor system
  private int tries;
  private int fruitless;
  private Optional<ClusterId> aim = Optional.empty(); // what the last restart was for
  private boolean split;
  private long nextTry;
  private Optional<Long> calmSince = Optional.empty();
  private Optional<Try> trying = Optional.empty();

  private static final class Try {
    private final Standing winner;
    private final long since;
    private Optional<Boolean> open = Optional.empty();

    Try(Standing winner, long since) {
      this.winner = winner;
      this.since = since;
    }
  }

  Islands(Pacing pacing, RandomGenerator random) {
    this.pacing = pacing;
    this.random = random;
  }

  /** Whether there is another cluster that this node belongs to and cannot become a member of. */
  boolean split() {
    return split;
  }

  /** A fresh actor system begins: what was missing to the old one says nothing about it. */
  void started() {
    missingSince.clear();
    trying = Optional.empty();
    calmSince = Optional.empty();
  }

  /** To be called while this node is a full member of a cluster. */
  Step next(long now, ClusterId mine, Membership membership, List<Standing> linked) {
    if (aim.equals(Optional.of(mine))) { // it led there, whatever comes next
      aim = Optional.empty();
      fruitless = 0;
      tries = Math.max(0, tries - 1);
    }
    List<Standing> islands = islands(now, membership, linked);
    List<Standing> winners =
        islands.stream()
            .filter(island -> loses(mine, membership.oldest(), island))
            .sorted(BEST_FIRST)
            .toList();
    if (winners.isEmpty()) {
      trying = Optional.empty();
      // The loser says so; that it is cut off is then to be seen on the winner's side, too.
      split = islands.stream().anyMatch(Standing::split);
      if (calmSince.isEmpty()) {
        calmSince = Optional.of(now);
      } else if (now - calmSince.get() > pacing.calm().toNanos()) {
        tries = 0;
        fruitless = 0;
        aim = Optional.empty();
      }
      return Step.WAIT;
    }
    if (aim.isPresent()) { // and yet here we are, outside
      aim = Optional.empty();
      fruitless++;
      split = true;
      nextTry = now + pause();
    }
    calmSince = Optional.empty();
    if (trying.isPresent()) {
      return tried(now);
    }
    if (now < nextTry) {
      return Step.WAIT;
    }
    Standing winner = winners.get(tries % winners.size());
    trying = Optional.of(new Try(winner, now));
    return new Step.Probe(winner.cluster().orElseThrow());
  }

  /** The outcome of the last probe that was asked for. */
  void probed(String address, boolean open) {
    trying
        .filter(current -> current.winner.cluster().equals(Optional.of(address)))
        .ifPresent(current -> current.open = Optional.of(open));
  }

  private Step tried(long now) {
    Try current = trying.orElseThrow();
    boolean tooLate = now - current.since > pacing.probeTimeout().toNanos();
    if (current.open.isEmpty() && !tooLate) {
      return Step.WAIT;
    }
    trying = Optional.empty();
    nextTry = now + pause();
    tries++;
    if (!current.open.orElse(false)) {
      split = true;
      return Step.WAIT;
    }
    Standing winner = current.winner;
    aim = winner.clusterId();
    return new Step.Restart(
        "joins cluster " + aim.orElseThrow().shortText() + " of gateway " + winner.gateway().id());
  }

  /** Doubling, with a quarter more or less, so that the losers do not move in step. */
  private long pause() {
    long doubled = pacing.firstMergeRetry().toNanos() << Math.min(tries, 16);
    long capped = Math.min(doubled, pacing.lastMergeRetry().toNanos());
    if (fruitless > 0) {
      capped =
          pacing.lastMergeRetry().toNanos() << Math.min(fruitless - 1, MAX_FRUITLESS_DOUBLINGS);
    }
    return (long) (capped * (0.75 + random.nextDouble() / 2));
  }

  private List<Standing> islands(long now, Membership membership, List<Standing> linked) {
    Set<Long> missing = new HashSet<>();
    for (Standing standing : linked) {
      if (standing.inCluster() && !standing.draining() && !membership.has(standing.uid())) {
        missing.add(standing.uid());
        missingSince.putIfAbsent(standing.uid(), now);
      }
    }
    missingSince.keySet().retainAll(missing);
    Duration limit = pacing.islandAfter();
    return linked.stream()
        .filter(standing -> missing.contains(standing.uid()))
        .filter(standing -> now - missingSince.get(standing.uid()) >= limit.toNanos())
        .toList();
  }

  /**
   * Equal ids with the same oldest member are one cluster that does not agree yet on who is in it:
   * whoever was removed hears of it from the others, and nobody acts here.
   */
  private static boolean loses(ClusterId mine, Optional<Incarnation> oldest, Standing island) {
    int byId = island.clusterId().orElseThrow().compareTo(mine);
    if (byId != 0) {
      return byId < 0;
    }
    return oldest.isPresent()
        && island.oldest().isPresent()
        && island.oldest().get().compareTo(oldest.get()) < 0;
  }
}

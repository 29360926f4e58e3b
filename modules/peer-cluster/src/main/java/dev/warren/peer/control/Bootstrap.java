package dev.warren.peer.control;

import dev.warren.protocol.Incarnation;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * How one fresh actor system becomes a member of a cluster, in place of seed nodes: it looks at how
 * the linked gateways stand. Knows no Pekko and no clock.
 *
 * <pre>
 * some are in a cluster     join it, the smallest cluster id first, once its port is proven open
 * linked, none in a cluster the one with the smallest incarnation forms; the others take turns
 * nobody is linked          form, after a while
 * nobody could be joined    form, and let {@link Islands} mend it when it can be
 * </pre>
 */
final class Bootstrap {
  private static final Comparator<Standing> BEST_FIRST =
      Comparator.comparing((Standing standing) -> standing.clusterId().orElseThrow())
          .thenComparing(standing -> standing.oldest().orElse(standing.gateway().incarnation()))
          .thenComparing(Standing::draining)
          .thenComparing(standing -> !isOldest(standing))
          .thenComparing(standing -> standing.gateway().incarnation());

  private final Incarnation self;
  private final Pacing pacing;
  private final Supplier<ClusterId> newId;
  private final Map<Long, Attempts> attempts = new HashMap<>(); // by the uid of who was asked
  private long quietSince;
  private long phaseSince;
  private boolean welcomed;
  private Phase phase = Phase.LOOKING;
  private Standing chosen;
  private Optional<Boolean> probed = Optional.empty();

  private enum Phase {
    LOOKING,
    PROBING,
    JOINING,
    FORMING
  }

  private static final class Attempts {
    private int failed;
    private long notBefore;
  }

  Bootstrap(Incarnation self, Pacing pacing, Supplier<ClusterId> newId, long now) {
    this.self = self;
    this.pacing = pacing;
    this.newId = newId;
    this.quietSince = now;
    this.phaseSince = now;
  }

  /** The cluster that the last JOIN went to, as the one who was asked named it. */
  Optional<ClusterId> joining() {
    return phase == Phase.JOINING ? chosen.clusterId() : Optional.empty();
  }

  Step next(long now, Membership membership, List<Standing> linked) {
    if (membership.welcomed()) {
      if (!welcomed) {
        welcomed = true;
        phaseSince = now;
      }
      return now - phaseSince > pacing.admitTimeout().toNanos()
          ? new Step.Restart(
              "not admitted within " + pacing.admitTimeout().toSeconds() + " s of being welcomed")
          : Step.WAIT;
    }
    switch (phase) {
      case LOOKING -> {
        return look(now, linked);
      }
      case PROBING -> {
        if (probed.isPresent()) {
          if (probed.get()) {
            enter(Phase.JOINING, now);
            return new Step.Join(chosen.cluster().orElseThrow());
          }
          failed(now);
        } else if (now - phaseSince > pacing.probeTimeout().toNanos()) {
          failed(now);
        }
        return Step.WAIT;
      }
      case JOINING -> {
        if (now - phaseSince > pacing.joinTimeout().toNanos()) {
          failed(now);
        } else if (hasChanged(chosen, linked)) {
          enter(Phase.LOOKING, now);
        }
        return Step.WAIT;
      }
      case FORMING -> {
        return Step.WAIT; // takes effect at once; there is nothing that could refuse it
      }
    }
    throw new IllegalStateException("phase " + phase);
  }

  /** The outcome of the last probe that was asked for. */
  void probed(String address, boolean open) {
    if (phase == Phase.PROBING && chosen.cluster().equals(Optional.of(address))) {
      probed = Optional.of(open);
    }
  }

  private Step look(long now, List<Standing> linked) {
    List<Standing> members = linked.stream().filter(Standing::inCluster).toList();
    Optional<Standing> next =
        members.stream()
            .filter(member -> attemptsOf(member).failed < pacing.tries())
            .min(
                Comparator.comparingInt((Standing member) -> attemptsOf(member).failed)
                    .thenComparing(BEST_FIRST));
    if (next.isEmpty()) {
      return perhapsForm(now, linked);
    }
    quietSince = now;
    if (attemptsOf(next.get()).notBefore > now) {
      return Step.WAIT;
    }
    chosen = next.get();
    probed = Optional.empty();
    enter(Phase.PROBING, now);
    return new Step.Probe(chosen.cluster().orElseThrow());
  }

  private Step perhapsForm(long now, List<Standing> linked) {
    List<Standing> fresh =
        linked.stream().filter(other -> !other.inCluster() && !other.draining()).toList();
    long before =
        fresh.stream().filter(other -> other.gateway().incarnation().compareTo(self) < 0).count();
    long wait =
        linked.isEmpty()
            ? pacing.alone().toNanos()
            : pacing.settle().toNanos() + before * pacing.formTurn().toNanos();
    return now - quietSince >= wait ? form(now) : Step.WAIT;
  }

  private Step form(long now) {
    enter(Phase.FORMING, now);
    return new Step.Form(newId.get());
  }

  private void failed(long now) {
    Attempts of = attemptsOf(chosen);
    of.failed++;
    of.notBefore = now + pacing.retryAfter().toNanos();
    enter(Phase.LOOKING, now);
  }

  private void enter(Phase next, long now) {
    phase = next;
    phaseSince = now;
  }

  private Attempts attemptsOf(Standing of) {
    return attempts.computeIfAbsent(of.uid(), uid -> new Attempts());
  }

  /** Whether the one that was asked says by now that it is another system or in another cluster. */
  private static boolean hasChanged(Standing asked, List<Standing> linked) {
    for (Standing standing : linked) {
      if (standing.gateway().equals(asked.gateway())) {
        return standing.uid() != asked.uid() || !standing.clusterId().equals(asked.clusterId());
      }
    }
    return false; // its link is lost; the cluster port may still answer
  }

  private static boolean isOldest(Standing standing) {
    return standing.oldest().equals(Optional.of(standing.gateway().incarnation()));
  }
}

package dev.warren.session;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The record of a session's tunnels: a value. Whatever the order in which reports and losses come,
 * and however often each is repeated, the record becomes the same, because every question is
 * settled by a number: in one place (a life of a gateway and an instance of the agent) the larger
 * connection replaces the smaller, and its loss replaces itself. Only what the policy drops has to
 * be reported again, by holders that disagree.
 *
 * @param <H> whom to tell about a tunnel
 */
final class Tunnels<H> {
  /** How many tunnels a session may have; further ones are refused until others are gone. */
  static final int MAX_TUNNELS = 64;

  /**
   * How many losses are remembered, so that a report that comes late brings nothing back. Beyond
   * them the oldest is forgotten: such a report would have to be late by that many losses.
   */
  static final int MAX_LOSSES = 16;

  /** A tunnel, and whom to tell about it. */
  record Held<H>(TunnelReport tunnel, H holder) {}

  enum Outcome {
    KEPT,
    OUTDATED,
    SUPERSEDED,
    FULL
  }

  /**
   * What became of a report.
   *
   * @param by who has the session, where it was superseded; else null
   * @param dropped those that had to yield to it
   */
  record Judged<H>(Tunnels<H> tunnels, Outcome outcome, TunnelReport by, List<Held<H>> dropped) {}

  private static final Tunnels<?> NONE = new Tunnels<>(List.of(), List.of());

  /** Highest rank first, at most {@link #MAX_TUNNELS}. */
  private final List<Held<H>> held;

  /** The latest last, at most one for each place and {@link #MAX_LOSSES} of them. */
  private final List<TunnelIdentity> losses;

  private Tunnels(List<Held<H>> held, List<TunnelIdentity> losses) {
    this.held = held;
    this.losses = losses;
  }

  @SuppressWarnings("unchecked") // it holds nothing of the type
  static <H> Tunnels<H> none() {
    return (Tunnels<H>) NONE;
  }

  List<Held<H>> held() {
    return held;
  }

  boolean isEmpty() {
    return held.isEmpty();
  }

  int losses() {
    return losses.size();
  }

  boolean holds(H holder) {
    for (Held<H> each : held) {
      if (each.holder().equals(holder)) {
        return true;
      }
    }
    return false;
  }

  /** Takes in that a tunnel exists. */
  Judged<H> reported(DuplicatePolicy policy, TunnelReport tunnel, H holder) {
    for (TunnelIdentity loss : losses) {
      if (tunnel.sharesPlaceWith(loss) && tunnel.connection() <= loss.connection()) {
        return unchanged(Outcome.OUTDATED, null);
      }
    }
    Held<H> before = inPlaceOf(tunnel.identity());
    if (before != null && before.tunnel().connection() > tunnel.connection()) {
      return unchanged(Outcome.OUTDATED, null);
    }
    List<Held<H>> dropped = new ArrayList<>(0);
    if (policy == DuplicatePolicy.NEWEST) {
      TunnelReport best = bestOfInstance(tunnel);
      for (Held<H> other : held) {
        if (!other.tunnel().instance().equals(tunnel.instance())) {
          if (other.tunnel().compareRank(best) > 0) {
            return unchanged(Outcome.SUPERSEDED, other.tunnel());
          }
          dropped.add(other);
        }
      }
    }
    if (before == null && held.size() - dropped.size() >= MAX_TUNNELS) {
      return unchanged(Outcome.FULL, null);
    }
    Held<H> now = new Held<>(tunnel, holder);
    if (dropped.isEmpty() && now.equals(before)) {
      return unchanged(Outcome.KEPT, null);
    }
    List<Held<H>> next = new ArrayList<>(held.size() - dropped.size() + 1);
    for (Held<H> other : held) {
      if (other != before && !dropped.contains(other)) {
        next.add(other);
      }
    }
    next.add(now);
    next.sort(ORDER);
    return new Judged<>(
        new Tunnels<>(List.copyOf(next), lossesWithout(tunnel.identity())),
        Outcome.KEPT,
        null,
        List.copyOf(dropped));
  }

  /** Takes in that a tunnel is gone for good, with all older ones in its place. */
  Tunnels<H> lost(TunnelIdentity tunnel) {
    Held<H> there = inPlaceOf(tunnel);
    if (there != null && there.tunnel().connection() > tunnel.connection()) {
      return this;
    }
    for (TunnelIdentity loss : losses) {
      if (loss.sharesPlaceWith(tunnel) && loss.connection() >= tunnel.connection()) {
        return this; // nothing older can be there: it would have been outdated
      }
    }
    List<TunnelIdentity> next = new ArrayList<>(lossesWithout(tunnel));
    next.add(tunnel);
    if (next.size() > MAX_LOSSES) {
      next.remove(0);
    }
    return new Tunnels<>(heldWithout(there), List.copyOf(next));
  }

  /**
   * Takes out a tunnel that is on its way out. This is no loss: where it turns out to live, its
   * report is taken in again.
   */
  Tunnels<H> without(TunnelIdentity tunnel) {
    Held<H> there = inPlaceOf(tunnel);
    return there == null || there.tunnel().connection() != tunnel.connection()
        ? this
        : new Tunnels<>(heldWithout(there), losses);
  }

  /** Takes out what a holder had that is gone itself. Its next life may report the same again. */
  Tunnels<H> withoutHolder(H holder) {
    if (!holds(holder)) {
      return this;
    }
    return new Tunnels<>(
        held.stream().filter(each -> !each.holder().equals(holder)).toList(), losses);
  }

  private Judged<H> unchanged(Outcome outcome, TunnelReport by) {
    return new Judged<>(this, outcome, by, List.of());
  }

  private Held<H> inPlaceOf(TunnelIdentity tunnel) {
    for (Held<H> each : held) {
      if (each.tunnel().sharesPlaceWith(tunnel)) {
        return each;
      }
    }
    return null;
  }

  /** An instance has one rank; should its holders disagree, the highest that was heard counts. */
  private TunnelReport bestOfInstance(TunnelReport tunnel) {
    TunnelReport best = tunnel;
    for (Held<H> each : held) {
      if (each.tunnel().instance().equals(tunnel.instance())
          && each.tunnel().compareRank(best) > 0) {
        best = each.tunnel();
      }
    }
    return best;
  }

  private List<Held<H>> heldWithout(Held<H> gone) {
    return gone == null ? held : held.stream().filter(each -> each != gone).toList();
  }

  private List<TunnelIdentity> lossesWithout(TunnelIdentity place) {
    for (TunnelIdentity loss : losses) {
      if (loss.sharesPlaceWith(place)) {
        return losses.stream().filter(each -> !each.sharesPlaceWith(place)).toList();
      }
    }
    return losses;
  }

  private static final Comparator<Held<?>> ORDER =
      Comparator.<Held<?>, TunnelReport>comparing(Held::tunnel, (a, b) -> b.compareRank(a))
          .thenComparing(each -> each.tunnel().incarnation());
}

package dev.warren.peer.control;

import dev.warren.protocol.Incarnation;
import java.util.List;
import java.util.Optional;

/**
 * A cluster as one of its nodes sees it, reduced to what the decisions need.
 *
 * @param welcomed whether this node is part of a cluster, were it as one that waits to be let in
 * @param up whether it is a full member
 * @param oldestFirst all members by age, this node among them
 */
record Membership(boolean welcomed, boolean up, List<Life> oldestFirst) {
  static final Membership OUTSIDE = new Membership(false, false, List.of());

  Membership {
    oldestFirst = List.copyOf(oldestFirst);
  }

  /**
   * One actor system of a gateway: the same gateway comes back with another uid.
   *
   * @param incarnation of the gateway; empty where its roles do not tell
   * @param up whether it is a full member
   */
  record Life(Optional<Incarnation> incarnation, long uid, boolean up) {}

  boolean has(long uid) {
    for (Life life : oldestFirst) {
      if (life.uid() == uid) {
        return true;
      }
    }
    return false;
  }

  Optional<Incarnation> oldest() {
    return oldestFirst.isEmpty() ? Optional.empty() : oldestFirst.get(0).incarnation();
  }
}

package dev.warren.peer.control;

import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One round in which every member's actor system is restarted, one after another: the youngest
 * first, so that the oldest member changes once only, and whoever conducts the round last. The next
 * one begins when the one before is a member again, or has not come back in time. Knows no Pekko
 * and no clock; whoever conducts dies with the round, which then ends where it is.
 */
final class RollingRestart {
  /** How long the round waits for one member to be back. */
  static final Duration LIMIT = Duration.ofSeconds(30);

  /** How often an order is repeated to a member that is still there: messages may be lost. */
  static final Duration REPEAT = Duration.ofSeconds(3);

  /** The pause between two, in which sessions' entities find their homes. */
  static final Duration PAUSE = Duration.ofSeconds(2);

  private final Deque<Membership.Life> waiting = new ArrayDeque<>();
  private Optional<Membership.Life> current = Optional.empty();
  private long began;
  private long ordered;
  private long notBefore;

  /** Whether a round is under way. */
  boolean isRunning() {
    return current.isPresent() || !waiting.isEmpty();
  }

  /** Begins a round over all members of now. */
  void begin(long now, Membership membership, Incarnation self) {
    List<Membership.Life> order = new ArrayList<>(membership.oldestFirst());
    Collections.reverse(order);
    Optional<Incarnation> conductor = Optional.of(self);
    waiting.clear();
    order.stream().filter(life -> !life.incarnation().equals(conductor)).forEach(waiting::add);
    order.stream().filter(life -> life.incarnation().equals(conductor)).forEach(waiting::add);
    notBefore = now;
  }

  /** The uid of the actor system that is to be told to restart now. */
  OptionalLong next(long now, Membership membership) {
    if (!membership.up()) {
      return OptionalLong.empty();
    }
    if (current.isPresent()) {
      Membership.Life life = current.get();
      if (isBack(life, membership) || now - began > LIMIT.toNanos()) {
        current = Optional.empty();
        notBefore = now + PAUSE.toNanos();
      } else if (membership.has(life.uid()) && now - ordered > REPEAT.toNanos()) {
        ordered = now;
        return OptionalLong.of(life.uid());
      }
      return OptionalLong.empty();
    }
    if (waiting.isEmpty() || now < notBefore) {
      return OptionalLong.empty();
    }
    Membership.Life life = waiting.remove();
    if (!membership.has(life.uid())) {
      return OptionalLong.empty(); // gone or restarted by itself meanwhile
    }
    current = Optional.of(life);
    began = now;
    ordered = now;
    return OptionalLong.of(life.uid());
  }

  private static boolean isBack(Membership.Life life, Membership membership) {
    return membership.oldestFirst().stream()
        .anyMatch(
            other ->
                other.incarnation().equals(life.incarnation())
                    && other.uid() != life.uid()
                    && other.up());
  }
}

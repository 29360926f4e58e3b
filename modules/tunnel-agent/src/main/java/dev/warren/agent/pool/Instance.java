package dev.warren.agent.pool;

import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Who this process is to the cluster: 128 random bits that are never stored, and a count of its
 * connections, so that gateways can tell a reconnect from a second agent of the same id. The rank
 * that a gateway fixed is kept and presented again.
 */
final class Instance {
  private final StreamId id = StreamId.random();
  private final AtomicLong connections = new AtomicLong();
  private final AtomicReference<Frame.Rank> rank = new AtomicReference<>(Frame.Rank.NONE);

  StreamId id() {
    return id;
  }

  /** Counts from 1. */
  long nextConnection() {
    return connections.incrementAndGet();
  }

  Frame.Rank rank() {
    return rank.get();
  }

  void ranked(Frame.Rank fixed) {
    rank.set(fixed);
  }
}

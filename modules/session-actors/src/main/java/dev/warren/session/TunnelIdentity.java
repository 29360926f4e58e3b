package dev.warren.session;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.StreamId;
import java.util.Objects;

/**
 * Which tunnel: no two ever share it.
 *
 * @param incarnation the life of the gateway that holds it
 * @param instance the agent's process
 * @param connection the agent's connection number
 */
public record TunnelIdentity(Incarnation incarnation, StreamId instance, long connection) {
  public TunnelIdentity {
    Objects.requireNonNull(incarnation, "incarnation");
    Objects.requireNonNull(instance, "instance");
  }

  /** Whether both are in the same place of the record, where only one of them can be. */
  boolean sharesPlaceWith(TunnelIdentity other) {
    return incarnation.equals(other.incarnation) && instance.equals(other.instance);
  }
}

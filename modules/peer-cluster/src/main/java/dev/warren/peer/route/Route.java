package dev.warren.peer.route;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;

/**
 * A tunnel as its holder announces it.
 *
 * @param holder the gateway that has it
 * @param instance the agent's process
 * @param connection which of the instance's connections it is
 * @param epoch of the instance's rank
 * @param rankIncarnation of the instance's rank
 * @param draining whether it takes no new streams
 * @param software what the agent calls itself
 * @param remote where the agent came from
 * @param sinceMillis wall clock of the holder, for people only
 */
public record Route(
    GatewayIdentity holder,
    SessionKey session,
    StreamId instance,
    long connection,
    long epoch,
    long rankIncarnation,
    boolean draining,
    String software,
    String remote,
    long sinceMillis) {

  /** Which tunnel of a holder: a new connection of the same instance takes its place. */
  public record Key(SessionKey session, StreamId instance) {}

  public Key key() {
    return new Key(session, instance);
  }
}

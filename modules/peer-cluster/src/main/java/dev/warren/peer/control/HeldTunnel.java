package dev.warren.peer.control;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;

/**
 * A tunnel that this gateway holds, as the control plane reports it to the session's entity.
 *
 * @param instance the agent's process
 * @param connection the number of this connection within the instance
 * @param epoch of the tunnel's rank
 * @param rankIncarnation the second part of that rank
 * @param sinceMillis wall clock since when it is up; for people only
 * @param remote where it comes from
 * @param software the agent's version
 * @param principal who attached it, as the Authorizer named it
 */
public record HeldTunnel(
    SessionKey session,
    StreamId instance,
    long connection,
    long epoch,
    long rankIncarnation,
    long sinceMillis,
    String remote,
    String software,
    String principal) {}

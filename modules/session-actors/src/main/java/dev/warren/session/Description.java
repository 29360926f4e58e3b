package dev.warren.session;

import dev.warren.protocol.SessionKey;
import java.util.List;

/**
 * What the entity knows of its session.
 *
 * @param tunnels highest rank first
 * @param lastConnectedMillis wall clock, for people only: when the newest tunnel came, or, of a
 *     session that is offline, when the last one was lost; 0 where the session is unknown
 * @param reports how many reports this entity has judged
 * @param supersessions how many tunnels had to yield to another instance
 * @param node the address of the actor system that the entity lives in
 * @param gateway the id of the gateway that the entity lives on
 */
public record Description(
    SessionKey session,
    SessionStatus status,
    DuplicatePolicy policy,
    List<TunnelReport> tunnels,
    long lastConnectedMillis,
    long reports,
    long supersessions,
    String node,
    String gateway)
    implements SessionMessage {
  public Description {
    tunnels = List.copyOf(tunnels);
  }
}

package dev.warren.session;

import dev.warren.protocol.SessionKey;
import java.util.List;

/**
 * One line of a list of sessions.
 *
 * @param tunnels how many there are
 * @param holders the ids of the gateways that hold them, sorted; at most {@value
 *     #MAX_NAMED_HOLDERS}
 * @param epoch the highest among its tunnels, 0 without one
 * @param lastConnectedMillis as in {@link Description}
 * @param gateway the id of the gateway that its entity lives on
 */
public record SessionEntry(
    SessionKey session,
    SessionStatus status,
    int tunnels,
    List<String> holders,
    long epoch,
    long lastConnectedMillis,
    String gateway) {
  /** How many holders are named, so that a page of entries fits into one message. */
  public static final int MAX_NAMED_HOLDERS = 4;

  public SessionEntry {
    holders = List.copyOf(holders);
  }
}

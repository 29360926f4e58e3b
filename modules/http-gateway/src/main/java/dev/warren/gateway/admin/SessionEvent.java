package dev.warren.gateway.admin;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.time.Instant;
import java.util.List;

/**
 * Something that became of a session. The names of the components are those of the JSON, and stay.
 *
 * @param number grows from event to event of one gateway's process
 * @param kind {@value #ONLINE}, {@value #OFFLINE} or {@value #MOVED}
 * @param session as users write it: the id alone in the default realm
 * @param at when this gateway saw it
 * @param holders the ids of the gateways that have its tunnels now, sorted
 * @param before those that had them
 */
public record SessionEvent(
    @JsonIgnore long number,
    @JsonIgnore String kind,
    String session,
    String realm,
    String id,
    Instant at,
    List<String> holders,
    List<String> before) {
  /** It has a tunnel, and had none. */
  public static final String ONLINE = "online";

  /** It has no tunnel any more. */
  public static final String OFFLINE = "offline";

  /** It has tunnels at other gateways than before. */
  public static final String MOVED = "moved";

  public SessionEvent {
    holders = List.copyOf(holders);
    before = List.copyOf(before);
  }
}

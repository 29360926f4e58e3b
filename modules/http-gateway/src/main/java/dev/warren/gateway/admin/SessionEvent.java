package dev.warren.gateway.admin;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.time.Instant;
import java.util.List;

/**
 * Something that became of a session. The names of the components are those of the JSON, and stay.
 *
 * @param number grows from event to event of one gateway's process
 * @param kind {@value #ONLINE}, {@value #OFFLINE}, {@value #MOVED}, {@value #CHECK_FAILED} or
 *     {@value #CHECK_RECOVERED}
 * @param session as users write it: the id alone in the default realm
 * @param at when this gateway saw it
 * @param holders the ids of the gateways that have its tunnels now, sorted
 * @param before those that had them
 * @param check what it found; null where it is about something else
 */
public record SessionEvent(
    @JsonIgnore long number,
    @JsonIgnore String kind,
    String session,
    String realm,
    String id,
    Instant at,
    List<String> holders,
    List<String> before,
    SessionAnswer.Check check) {
  /** It has a tunnel, and had none. */
  public static final String ONLINE = "online";

  /** It has no tunnel any more. */
  public static final String OFFLINE = "offline";

  /** It has tunnels at other gateways than before. */
  public static final String MOVED = "moved";

  /** A target does not answer as it should, and did or was not asked before. */
  public static final String CHECK_FAILED = "check-failed";

  /** It does again. */
  public static final String CHECK_RECOVERED = "check-recovered";

  public SessionEvent {
    holders = List.copyOf(holders);
    before = List.copyOf(before);
  }
}

package dev.warren.session;

import org.apache.pekko.actor.typed.ActorRef;

/** What a session's entity says to a report. */
public sealed interface Verdict extends SessionMessage {
  /**
   * The tunnel is in the record.
   *
   * @param entity whom to watch: when it is gone, so is the record, and the tunnel is to be
   *     reported again
   */
  record Kept(ActorRef<Session.Command> entity) implements Verdict {}

  /** Another instance has the session; the tunnel is to be closed. */
  record Superseded(TunnelReport by) implements Verdict {}

  /** A newer connection in the same place is known, or that this one was lost. */
  record Outdated() implements Verdict {}

  /** There is no room for it in the record; it may be reported again later. */
  record Refused(String detail) implements Verdict {}

  /** The answer to {@link Session.Lost}: the tunnel is not in the record, or not any more. */
  record Removed() implements Verdict {}
}

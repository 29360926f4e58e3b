package dev.warren.session;

import dev.warren.protocol.SessionKey;
import org.apache.pekko.actor.typed.ActorRef;

/** What a session's entity orders the holder of a tunnel to do. */
public sealed interface HolderOrder extends Holder.Command, SessionMessage {
  /**
   * Closes a tunnel. It is repeated until it is acknowledged, and does no harm when repeated.
   *
   * @param detail to be told to the agent
   * @param replyTo is told when the data plane has the order
   */
  record CloseTunnel(
      SessionKey session,
      TunnelIdentity tunnel,
      CloseReason reason,
      String detail,
      ActorRef<Session.OrderTaken> replyTo)
      implements HolderOrder {}
}

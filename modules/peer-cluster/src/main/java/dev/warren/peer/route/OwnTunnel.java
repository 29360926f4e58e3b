package dev.warren.peer.route;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.relay.RelayBudget;

/** A tunnel that ends at this gateway. Its methods may be called from any thread. */
public interface OwnTunnel {
  SessionKey session();

  /** The agent's process. */
  StreamId instance();

  /** Which of the instance's connections it is. */
  long connection();

  Frame.Rank rank();

  /** Told once, when the table has let it in and before anybody can find it. */
  void admitted(Frame.Hello hello, Frame.Rank given);

  /** Whether it takes no new streams. */
  boolean draining();

  /** Runs it; its Mux belongs to the handler's event loop. */
  TunnelHandler handler();

  /** What streams that are relayed into it may hold. */
  RelayBudget relayBudget();

  /** What the agent calls itself. */
  String software();

  /** Where the agent came from. */
  String remote();

  /** Who attached it, as the Authorizer named it. */
  String principal();

  /** Since when it is up (wall clock, for people only). */
  long sinceMillis();

  /** Says something to the agent, on the tunnel as a whole: DISCOVERY or DRAIN. */
  void tell(Frame.OfTunnel frame);

  /** Takes new streams only where no other holder exists, from now on; peers hear of it. */
  void retire();

  /** Ends it: the agent is told why. */
  void end(FaultCode code, String detail, int retryAfterMillis);
}

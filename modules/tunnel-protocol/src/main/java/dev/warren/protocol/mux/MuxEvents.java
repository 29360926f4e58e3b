package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.ProtocolException;

/** What a {@link Mux} tells its owner, on its thread. */
public interface MuxEvents {
  /**
   * An agent introduced itself: answer with {@link Mux#welcome} or {@link Mux#goAway}, now or
   * later.
   */
  void hello(Frame.Hello hello);

  /** The gateway welcomed us: streams may come. */
  void welcomed(Frame.Welcome welcome);

  /** The far side asks for a stream: answer with one of the methods of {@link Opening}, at once. */
  void opening(Opening opening);

  /** The far side wants no new streams. */
  void drain(Frame.Drain drain);

  /** The gateways that exist. */
  void discovery(Frame.Discovery discovery);

  /**
   * Another gateway told us something. Only links take this; on any other tunnel it is a breach.
   *
   * @throws ProtocolException ends the tunnel with its code
   */
  default void peering(Frame.Peering peering) throws ProtocolException {
    throw new ProtocolException(
        FaultCode.PROTOCOL,
        "PEERING of " + peering.message().length + " bytes on a tunnel that is no link");
  }

  /**
   * No tunnel frame waits any more: time for more of them, up to {@link
   * Mux#MAX_WAITING_TUNNEL_FRAMES}. Told during {@link Mux#writeNext}, which sends what is added
   * now as well.
   */
  default void tunnelFramesSent() {}

  /**
   * The tunnel is over; all streams have been told. What is still to be written (a GOAWAY) should
   * be, then the transport closed.
   *
   * @param byPeer whether the far side said so
   */
  void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer);
}

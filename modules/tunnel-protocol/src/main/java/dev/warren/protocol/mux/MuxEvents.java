package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;

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
   * The tunnel is over; all streams have been told. What is still to be written (a GOAWAY) should
   * be, then the transport closed.
   *
   * @param byPeer whether the far side said so
   */
  void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer);
}

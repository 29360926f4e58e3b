package dev.warren.peer.control;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import java.util.List;

/**
 * What the control plane needs of the tunnels held here. Every method may be called from any thread
 * and none blocks.
 */
public interface HeldTunnels {
  /** All tunnels held now: what a fresh control plane reports to the cluster. */
  List<HeldTunnel> snapshot();

  /**
   * The session's entity orders that this tunnel be ended; without effect where it is gone already.
   *
   * @param detail told to the agent
   */
  void close(SessionKey session, StreamId instance, long connection, String detail);
}

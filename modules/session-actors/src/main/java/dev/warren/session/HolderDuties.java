package dev.warren.session;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;

/** What the control plane may ask of the data plane of its own gateway. */
public interface HolderDuties {
  /**
   * Closes a tunnel, if it is still there, and says so by {@link SessionDirectory#tunnelLost} when
   * it is gone. Called by an actor: it must not block, and may be called again for the same tunnel.
   *
   * @param detail to be told to the agent
   */
  void close(
      SessionKey session, StreamId instance, long connection, CloseReason reason, String detail);
}

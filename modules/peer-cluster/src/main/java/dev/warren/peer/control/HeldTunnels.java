package dev.warren.peer.control;

import dev.warren.session.HolderDuties;
import java.util.List;

/**
 * What the control plane needs of the tunnels held here: to know them all when it starts afresh,
 * and to have them closed when a session's entity orders so. Every method may be called from any
 * thread and none blocks.
 */
public interface HeldTunnels extends HolderDuties {
  /**
   * All tunnels held now: what a fresh control plane reports to the cluster. A tunnel is in it
   * before {@link ControlPlane#tunnelUp} is called for it, and no longer when {@link
   * ControlPlane#tunnelLost} is.
   */
  List<HeldTunnel> snapshot();
}

package dev.warren.peer.control;

import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * What the data plane and the admin API use of the control plane. Every method may be called from
 * any thread, event loops included, and none blocks: what it reports is handed over, what it asks
 * is answered by a stage, which fails with {@link NoControlPlaneException} while there is none. The
 * actor system behind it may come and go; this object stays.
 */
public interface ControlPlane {
  /** A tunnel is up here. Reported until the session's entity has it, by later systems too. */
  void tunnelUp(HeldTunnel tunnel);

  /** A tunnel is no longer held here. */
  void tunnelLost(HeldTunnel tunnel);

  /** What the cluster knows of a session; fails with a TimeoutException where nobody answers. */
  CompletionStage<Presence> presence(SessionKey session, Duration timeout);

  /** This gateway is about to leave: said in its standing. */
  void draining();

  /** Restarts this gateway's actor system, by order. */
  void restart(String reason);

  /**
   * Has every member's actor system restarted, one after another, this one last; the next begins
   * when the one before is back, or is given up after a limit. Without effect while such a round
   * runs.
   */
  void restartAll(String reason);

  /** How it stands now. */
  ControlStatus status();

  /** Leaves the cluster and ends; completes within a bounded time, whatever happens. */
  CompletionStage<Void> close();
}

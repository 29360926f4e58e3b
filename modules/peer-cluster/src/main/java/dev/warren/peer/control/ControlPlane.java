package dev.warren.peer.control;

import dev.warren.protocol.SessionKey;
import dev.warren.session.Closed;
import dev.warren.session.Description;
import dev.warren.session.SessionPage;
import dev.warren.session.SessionStatus;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * What the data plane and the admin API use of the control plane. Every method may be called from
 * any thread, event loops included, and none blocks: what it reports is handed over, what it asks
 * is answered by a stage, which fails with {@link NoControlPlaneException} while this gateway is no
 * member of a cluster. The actor system behind it may come and go; this object stays.
 */
public interface ControlPlane {
  /** A tunnel is up here. Reported until the session's entity has it, by later systems too. */
  void tunnelUp(HeldTunnel tunnel);

  /**
   * A tunnel is no longer held here.
   *
   * @param reason for people
   */
  void tunnelLost(HeldTunnel tunnel, String reason);

  /**
   * What the cluster knows of a session that no route leads to.
   *
   * @return fails with a {@link java.util.concurrent.TimeoutException} where nobody answers in
   *     time, which says nothing about the session
   */
  CompletionStage<SessionStatus> presence(SessionKey session, Duration timeout);

  /** All that the session's entity knows; fails as {@link #presence} does. */
  CompletionStage<Description> describe(SessionKey session, Duration timeout);

  /**
   * A part of the list of the cluster's sessions.
   *
   * @param after the last key of the page before; null for the first
   * @param limit 1 to 500 entries
   * @param timeout for each node
   */
  CompletionStage<SessionPage> list(SessionKey after, int limit, Duration timeout);

  /**
   * Ends all tunnels that the session has, wherever they are.
   *
   * @param detail told to the agent
   */
  CompletionStage<Closed> closeSession(SessionKey session, String detail);

  /** This gateway is about to leave: said in its standing from now on. */
  void draining();

  /** Restarts this gateway's actor system, by order. */
  void restart(String reason);

  /**
   * Has every member's actor system restarted, one after another, this one last; the next begins
   * when the one before is back, or is given up after a limit. Without effect while such a round
   * runs.
   */
  void restartAll(String reason);

  /** How many sessions, online or offline, have their entity here; 0 while there is no system. */
  int entitiesHere();

  /** How it stands now. */
  ControlStatus status();

  /** Leaves the cluster and ends; completes within a bounded time, whatever happens. */
  CompletionStage<Void> close();
}

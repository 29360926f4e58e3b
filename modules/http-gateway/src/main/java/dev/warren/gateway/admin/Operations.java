package dev.warren.gateway.admin;

import dev.warren.protocol.SessionKey;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * What operators can ask and order. No method blocks; the stages complete within {@link
 * GatewayOperations#ASK_WITHIN} or, for an order, within the time that its holders have.
 */
public interface Operations {
  /** The most entries of one page of sessions. */
  int MAX_PAGE = 500;

  StatusAnswer status();

  /**
   * A part of the list of all sessions, sorted by key.
   *
   * @param after the last key of the page before; null for the first
   * @param limit 1 to {@link #MAX_PAGE}
   */
  CompletionStage<SessionsAnswer> sessions(SessionKey after, int limit);

  /**
   * One session; empty where nobody has heard of it.
   *
   * @return fails with {@link UnavailableException} where that cannot be known now
   */
  CompletionStage<Optional<SessionAnswer>> session(SessionKey session);

  /**
   * Ends all tunnels of a session, wherever they are; empty where nobody has heard of it.
   *
   * @return fails with {@link UnavailableException} where that cannot be known now
   */
  CompletionStage<Optional<ClosedAnswer>> close(SessionKey session);

  /**
   * Has the control plane restarted, of this gateway or of all, one after another.
   *
   * @param reason for logs and the status
   * @throws NoClusterException where there is none
   */
  void restartControlPlane(boolean all, String reason);

  /** What becomes of sessions from now on. */
  SessionFeed feed();

  /** Has the gateway go without hurting anybody; again, once it is about to, does nothing. */
  void drain();

  /** Whoever could answer does not, for now. */
  final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message, null, false, false);
    }
  }

  /** This gateway is alone. */
  final class NoClusterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NoClusterException(String message) {
      super(message, null, false, false);
    }
  }
}

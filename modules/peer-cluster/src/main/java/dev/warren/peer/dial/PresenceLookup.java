package dev.warren.peer.dial;

import dev.warren.protocol.SessionKey;
import dev.warren.session.SessionStatus;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Asks the control plane about a session that no route leads to. */
@FunctionalInterface
public interface PresenceLookup {
  /** Knows nobody: a gateway by itself. */
  PresenceLookup NONE =
      (session, within) -> CompletableFuture.completedFuture(SessionStatus.UNKNOWN);

  /** Completes within about the time given, perhaps with a failure, on any thread. */
  CompletionStage<SessionStatus> find(SessionKey session, Duration within);
}

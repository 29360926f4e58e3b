package dev.warren.peer.dial;

import dev.warren.peer.control.Presence;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Asks the control plane about a session that no route leads to. */
@FunctionalInterface
public interface PresenceLookup {
  /** Knows nobody: a gateway by itself. */
  PresenceLookup NONE = (session, within) -> CompletableFuture.completedFuture(Presence.UNKNOWN);

  /** Completes within about the time given, perhaps with a failure, on any thread. */
  CompletionStage<Presence> find(SessionKey session, Duration within);
}

package dev.warren.peer.dial;

import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** What the control plane knows of a session that no route leads to. */
public enum Presence {
  ONLINE,
  OFFLINE,
  UNKNOWN;

  /** Asks the control plane. */
  @FunctionalInterface
  public interface Lookup {
    /** Knows nobody: a gateway by itself. */
    Lookup NONE = (session, within) -> CompletableFuture.completedFuture(UNKNOWN);

    /** Completes within about the time given, perhaps with a failure, on any thread. */
    CompletionStage<Presence> find(SessionKey session, Duration within);
  }
}

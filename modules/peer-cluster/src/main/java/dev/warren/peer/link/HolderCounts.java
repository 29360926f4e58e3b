package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Asks other gateways how busy their tunnels are. */
@FunctionalInterface
public interface HolderCounts {
  /** Where there are no other gateways. */
  HolderCounts NONE = (sessions, within) -> CompletableFuture.completedFuture(Map.of());

  /**
   * Completes within the given time, and never fails: whoever has not answered by then is missing.
   *
   * @param sessions whose tunnels are asked for, by the gateway that holds them
   */
  CompletionStage<Map<GatewayIdentity, List<TunnelCounts>>> ask(
      Map<GatewayIdentity, ? extends Collection<SessionKey>> sessions, Duration within);
}

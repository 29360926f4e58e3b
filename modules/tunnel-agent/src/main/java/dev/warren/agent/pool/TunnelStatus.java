package dev.warren.agent.pool;

import dev.warren.agent.connect.GatewayAddress;
import java.time.Instant;

/**
 * A tunnel of the pool as it is now.
 *
 * @param address the agent's own address that was dialled
 * @param direct the gateway's advertised address, where that was dialled instead; else empty
 * @param gateway the id of the gateway while the tunnel is up, else empty
 * @param connection how often this agent had connected when this tunnel did
 * @param epoch as the gateway fixed it; 0 before the first WELCOME
 * @param reason why the last connection, or try, ended; empty while there was none
 * @param since when it came into this state
 * @param streams open or pending now
 * @param roundTripNanos of the heartbeat; -1 before its first answer
 * @param receivedBytes so far
 * @param sentBytes so far
 */
public record TunnelStatus(
    TunnelState state,
    GatewayAddress address,
    String direct,
    String gateway,
    long connection,
    long epoch,
    String reason,
    Instant since,
    int streams,
    long roundTripNanos,
    long receivedBytes,
    long sentBytes) {
  /** What was dialled, for logs. */
  String dialled() {
    return direct.isEmpty() ? address.toString() : direct;
  }
}

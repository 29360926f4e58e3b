package dev.warren.agent.pool;

import dev.warren.agent.connect.GatewayAddress;

/**
 * A tunnel of the pool as it is now.
 *
 * @param address dialled now, last or next
 * @param gateway the id of the gateway while the tunnel is up, else empty
 * @param connection how often this agent had connected when this tunnel did last
 * @param epoch as the gateway fixed it; 0 before the first WELCOME
 * @param reason why the last connection, or try, ended; empty while there was none
 */
public record TunnelStatus(
    TunnelState state,
    GatewayAddress address,
    String gateway,
    long connection,
    long epoch,
    String reason) {}

package dev.warren.agent.pool;

import java.util.List;

/**
 * The pool as it is now.
 *
 * @param wanted how many tunnels were asked for; {@link Integer#MAX_VALUE} for all
 * @param target how many there should be, as far as is known
 * @param tunnels those that are up, or on their way
 * @param gateways that are known to exist
 * @param dials so far
 */
public record PoolStatus(
    PoolState state,
    int wanted,
    int target,
    List<TunnelStatus> tunnels,
    List<GatewayStatus> gateways,
    long dials) {}

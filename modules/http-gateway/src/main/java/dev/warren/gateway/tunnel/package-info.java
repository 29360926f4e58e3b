/**
 * The gateway's end of agents' tunnels. {@link dev.warren.gateway.tunnel.TunnelAcceptor} takes
 * agents in, {@link dev.warren.gateway.tunnel.Sessions} knows which tunnel each session has now and
 * decides between rivals, and {@link dev.warren.gateway.tunnel.TunnelStreamOpener} opens streams
 * through them. Nothing here knows what callers speak.
 */
package dev.warren.gateway.tunnel;

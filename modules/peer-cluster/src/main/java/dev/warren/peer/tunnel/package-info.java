/**
 * The gateway's end of agents' tunnels: {@link dev.warren.peer.tunnel.GatewayTunnel} is one of
 * them, {@link dev.warren.peer.tunnel.Sessions} knows which tunnel each session has here and
 * decides between rivals. How agents come in, and what callers speak, is known elsewhere.
 */
package dev.warren.peer.tunnel;

/**
 * The agent's tunnels. Start at {@link dev.warren.agent.pool.Leases}, which says which there should
 * be and what to do next; {@link dev.warren.agent.pool.TunnelPool} carries that out; {@link
 * dev.warren.agent.pool.AgentTunnel} is one of them, from the dial to the end, and {@link
 * dev.warren.agent.pool.IncomingStream} is what a caller opened. Every tunnel lives on one event
 * loop, and so do its streams and their targets' connections.
 */
package dev.warren.agent.pool;

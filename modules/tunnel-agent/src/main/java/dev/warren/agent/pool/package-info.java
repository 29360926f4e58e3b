/**
 * The agent's tunnels: {@link dev.warren.agent.pool.TunnelPool} keeps them, {@link
 * dev.warren.agent.pool.AgentTunnel} is one of them through all its connections, and {@link
 * dev.warren.agent.pool.IncomingStream} is what a caller opened. The pool has one tunnel now; every
 * tunnel lives on one event loop, and so do its streams and their targets' connections.
 */
package dev.warren.agent.pool;

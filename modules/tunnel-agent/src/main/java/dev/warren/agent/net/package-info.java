/**
 * What the agent's two kinds of connections, to gateways and to targets, have in common: which
 * sockets this machine offers ({@link dev.warren.agent.net.Transport}), what a host's text is
 * ({@link dev.warren.agent.net.HostText}), how a name becomes addresses ({@link
 * dev.warren.agent.net.Names}), and how addresses are tried in turn ({@link
 * dev.warren.agent.net.ConnectInTurn}). Nothing here knows rules, tunnels or streams.
 */
package dev.warren.agent.net;

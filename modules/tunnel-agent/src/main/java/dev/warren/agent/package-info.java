/**
 * The agent as a library: {@link dev.warren.agent.Agent#start} with {@link
 * dev.warren.agent.AgentSettings}. It dials out to a gateway, keeps a tunnel up, and connects what
 * callers ask for to targets that its rules allow.
 *
 * <p>Below: {@code pool} holds the tunnels, {@code connect} reaches gateways, {@code reconnect}
 * decides when to try again, {@code dial} reaches targets, {@code rules} says which, {@code net} is
 * what these share. The protocol itself is in {@code dev.warren.protocol}. There is no actor and no
 * thread but the event loops.
 */
package dev.warren.agent;

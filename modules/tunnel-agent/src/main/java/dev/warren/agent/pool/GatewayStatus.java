package dev.warren.agent.pool;

/**
 * What an agent knows of a gateway.
 *
 * @param generation a restarted gateway has a larger one
 * @param address where it may be dialled directly; empty where nothing is known or allowed
 * @param route what became of that: none, untried, works or failed
 * @param held whether a tunnel goes there
 */
public record GatewayStatus(
    String id, long generation, boolean draining, String address, String route, boolean held) {}

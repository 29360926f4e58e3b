package dev.warren.session;

/**
 * The outcome of closing a session.
 *
 * @param tunnels how many tunnels their holders have closed, or were lost meanwhile
 * @param unconfirmed how many whose holders did not answer to {@value Session#ORDER_ATTEMPTS}
 *     orders
 */
public record Closed(int tunnels, int unconfirmed) implements SessionMessage {}

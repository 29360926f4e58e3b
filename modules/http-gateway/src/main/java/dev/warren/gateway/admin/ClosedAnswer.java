package dev.warren.gateway.admin;

/**
 * The outcome of closing a session.
 *
 * @param closed tunnels that were ended
 * @param unconfirmed tunnels whose holders did not say so, or could not be told
 * @param control as in {@link SessionsAnswer}; without an answer only the tunnels of this gateway
 *     were ended
 */
public record ClosedAnswer(int closed, int unconfirmed, String control) {}

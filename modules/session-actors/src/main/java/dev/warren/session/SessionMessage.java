package dev.warren.session;

/**
 * Marks what crosses nodes: it is bound to {@link SessionSerializer} in this module's {@code
 * reference.conf}.
 */
public interface SessionMessage {}

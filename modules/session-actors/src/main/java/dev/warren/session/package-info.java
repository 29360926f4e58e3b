/**
 * Which agent is reachable through which tunnel, as the cluster's control plane knows it: one
 * sharded actor for each session. Start at {@code Session}. How bytes travel is the business of
 * {@code dev.warren.protocol}; nothing here knows HTTP, and routing never waits for it.
 */
package dev.warren.session;

/**
 * Which agent is reachable through which tunnel, as the cluster's control plane knows it: one
 * sharded actor for each session. Start at {@link dev.warren.session.SessionDirectory}, which is
 * all that others use; behind it {@link dev.warren.session.Holder} reports what this gateway holds
 * and {@link dev.warren.session.Session} keeps the record, whose rules are in {@link
 * dev.warren.session.Tunnels}. What crosses nodes is in session.proto.
 *
 * <p>The record is soft state: it lives in memory, and is rebuilt from the holders' reports when an
 * entity moves or dies. How bytes travel is the business of {@code dev.warren.protocol}; nothing
 * here knows HTTP, and routing never waits for it.
 */
package dev.warren.session;

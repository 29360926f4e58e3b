/**
 * The words that every module shares: who is meant ({@link dev.warren.protocol.SessionKey}), what
 * is dialled ({@link dev.warren.protocol.Target}), and why something failed ({@link
 * dev.warren.protocol.FaultCode}). The frames are in {@code frame}, credit in {@code flow}, the
 * multiplexer in {@code mux}, a gateway's forwarding between two connections in {@code relay}, and
 * the thin Netty shells in {@code channel}. Everything but {@code channel} knows no socket, clock,
 * thread or actor.
 *
 * <p>The wire is specified in PROTOCOL.md, beside this module's pom; the code cites its sections.
 */
package dev.warren.protocol;

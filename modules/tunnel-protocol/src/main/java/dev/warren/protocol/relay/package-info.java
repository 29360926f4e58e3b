/**
 * A gateway between two connections: {@link dev.warren.protocol.relay.Relay} passes the frames of
 * one stream on, maps its number and clamps credit to what it has written plus a window, so that
 * what it holds is bounded ({@link dev.warren.protocol.relay.RelayBudget}). It does not end the
 * stream. PROTOCOL.md, section 10.
 */
package dev.warren.protocol.relay;

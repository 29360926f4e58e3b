/**
 * The multiplexer: one end of a tunnel as a pure state machine. Start at {@link
 * dev.warren.protocol.mux.Mux}. Bytes and the time (in nanoseconds, of any origin) go in, bytes and
 * events come out; all calls on one Mux and its streams come from one thread. Its rules are those
 * of PROTOCOL.md.
 */
package dev.warren.protocol.mux;

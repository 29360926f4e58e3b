/**
 * The way in for callers that want bytes: {@code /dial}. Start at {@link
 * dev.warren.gateway.dial.DialAcceptor}, which lets them in; {@link dev.warren.gateway.dial.Line}
 * is one connection with many streams (PROTOCOL.md, section 3), {@link
 * dev.warren.gateway.dial.OneStream} one with a single stream as plain bytes (docs/dial.md).
 *
 * <p>Where a tunnel ends is none of this package's business: it asks a {@link
 * dev.warren.peer.dial.StreamOpener}.
 */
package dev.warren.gateway.dial;

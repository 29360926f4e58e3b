/**
 * The HTTP/1.1 way in: the front that callers and agents see, and the reverse proxy behind {@code
 * /client/}. Start at {@link dev.warren.gateway.http.HttpPipeline}, which composes it, then read
 * {@link dev.warren.gateway.http.HttpFront} (one caller's connection), {@link
 * dev.warren.gateway.http.Exchange} (one request and its response) and {@link
 * dev.warren.gateway.http.TargetStream} (one stream to a target, used by one exchange after the
 * other).
 *
 * <p>Everything that belongs to a caller's connection, its exchange and their stream runs on one
 * event loop, so nothing here is locked. Where a tunnel ends is none of this package's business: it
 * asks a {@link dev.warren.peer.dial.StreamOpener}.
 */
package dev.warren.gateway.http;

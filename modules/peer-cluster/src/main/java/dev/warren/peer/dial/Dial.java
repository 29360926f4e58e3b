package dev.warren.peer.dial;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import java.time.Duration;

/**
 * What a caller wants.
 *
 * @param id the stream's id; the same over every attempt
 * @param session whose agent shall dial
 * @param target what it shall dial
 * @param deadline how long the dial may take in all
 * @param caller who asks, as the Authorizer named it; empty where nobody had to say
 * @param traceParent W3C trace context as it came, or empty
 */
public record Dial(
    StreamId id,
    SessionKey session,
    Target target,
    Duration deadline,
    String caller,
    String traceParent) {}

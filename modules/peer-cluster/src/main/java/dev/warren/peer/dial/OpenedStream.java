package dev.warren.peer.dial;

import io.netty.channel.socket.DuplexChannel;

/**
 * A stream whose target has accepted.
 *
 * @param channel its near end; see {@link StreamOpener#open} for how it behaves
 * @param publicId the stream's public id, as in the logs of origin, holder and agent
 * @param via {@code origin, holder}: the gateways the stream passes
 */
public record OpenedStream(DuplexChannel channel, String publicId, String via) {}

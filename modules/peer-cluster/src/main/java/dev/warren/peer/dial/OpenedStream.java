package dev.warren.peer.dial;

import io.netty.channel.socket.DuplexChannel;
import java.util.function.BooleanSupplier;

/**
 * A stream whose target has accepted.
 *
 * @param channel its near end; see {@link StreamOpener#open} for how it behaves
 * @param publicId the stream's public id, as in the logs of origin, holder and agent
 * @param via {@code origin, holder}: the gateways the stream passes
 * @param current whether a new stream would still take this way; once it is false, whoever keeps
 *     the stream for later use should end it: its holder wants to go
 */
public record OpenedStream(
    DuplexChannel channel, String publicId, String via, BooleanSupplier current) {
  /** A stream whose way does not change. */
  public OpenedStream(DuplexChannel channel, String publicId, String via) {
    this(channel, publicId, via, () -> true);
  }
}

package dev.warren.peer.dial;

import dev.warren.protocol.channel.StreamResetException;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;

/**
 * Opens streams to targets through agents. Every way in asks this interface, and need not know
 * whether the tunnel ends on this gateway or on a peer.
 */
public interface StreamOpener {
  /**
   * Opens one stream. The future completes on {@code loop} and never later than the dial's
   * deadline: with a channel once the target has accepted, or with a {@link DialFailedException}.
   * Cancelling the future gives the dial up.
   *
   * <p>The channel is a {@link io.netty.channel.socket.DuplexChannel} on {@code loop}: active, with
   * {@code autoRead} off and half closure allowed, so the caller builds its pipeline and then
   * reads. The end of what the target sends arrives as {@link
   * io.netty.channel.socket.ChannelInputShutdownEvent}, a reset as {@code exceptionCaught} with a
   * {@link StreamResetException} followed by {@code channelInactive}. {@code shutdownOutput()}
   * sends a half close; {@code close()} before both directions have ended resets the stream.
   */
  Future<OpenedStream> open(Dial dial, EventLoop loop);
}

package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/** How the two ends of a connection make sure of each other. */
public interface LinkSecurity {
  /**
   * Puts what it takes at the front of a new channel's pipeline. {@code proven} is told, on the
   * channel's event loop and before any byte of the link arrives, who the other end is; an end that
   * cannot prove it is counted and its channel closed.
   */
  void accept(Channel channel, Consumer<GatewayIdentity> proven);

  /** The same for a channel that we dialled. */
  void dial(Channel channel, InetSocketAddress address, Consumer<GatewayIdentity> proven);
}

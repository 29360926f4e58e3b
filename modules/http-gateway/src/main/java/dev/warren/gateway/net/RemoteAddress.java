package dev.warren.gateway.net;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/**
 * The far end of a connection, as a balancer's PROXY header told it or else as the socket has it.
 */
public final class RemoteAddress {
  private static final AttributeKey<InetSocketAddress> TOLD =
      AttributeKey.valueOf(RemoteAddress.class, "told");

  /** For channels that are no IP sockets, as in tests. */
  private static final InetSocketAddress UNKNOWN =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private RemoteAddress() {}

  /** Never null, and right from the first byte after the PROXY header on. */
  public static InetSocketAddress of(Channel channel) {
    InetSocketAddress told = channel.attr(TOLD).get();
    if (told != null) {
      return told;
    }
    SocketAddress socket = channel.remoteAddress();
    return socket instanceof InetSocketAddress address ? address : UNKNOWN;
  }

  static void tell(Channel channel, InetSocketAddress address) {
    channel.attr(TOLD).set(address);
  }
}

package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.peer.tls.PeerCertificate;
import dev.warren.peer.tls.PeerPort;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import javax.net.ssl.SSLPeerUnverifiedException;

/** Mutual TLS by the cluster token. */
public final class TlsLinkSecurity implements LinkSecurity {
  private final ClusterTls tls;

  public TlsLinkSecurity(ClusterTls tls) {
    this.tls = tls;
  }

  @Override
  public void accept(Channel channel, Consumer<GatewayIdentity> proven) {
    install(channel, tls.serverHandler(channel), PeerPort.LINK_IN, proven);
  }

  @Override
  public void dial(Channel channel, InetSocketAddress address, Consumer<GatewayIdentity> proven) {
    install(channel, tls.clientHandler(channel, address), PeerPort.LINK_OUT, proven);
  }

  private void install(
      Channel channel, SslHandler handler, PeerPort port, Consumer<GatewayIdentity> proven) {
    channel.pipeline().addLast("tls", handler);
    channel.pipeline().addLast("tls-watch", tls.linkWatch(port));
    channel.pipeline().addLast("tls-proof", new Proof(handler, proven));
  }

  /** Waits for the handshake, says who it was with, and leaves. */
  private static final class Proof extends ChannelInboundHandlerAdapter {
    private final SslHandler handler;
    private final Consumer<GatewayIdentity> proven;

    Proof(SslHandler handler, Consumer<GatewayIdentity> proven) {
      this.handler = handler;
      this.proven = proven;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event)
        throws SSLPeerUnverifiedException {
      if (event instanceof SslHandshakeCompletionEvent completion && completion.isSuccess()) {
        GatewayIdentity peer = PeerCertificate.identityOf(handler.engine().getSession());
        context.pipeline().remove(this);
        proven.accept(peer);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close(); // the watch has counted what there was to count
    }
  }
}

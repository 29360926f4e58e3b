package dev.warren.peer.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import javax.net.ssl.SSLException;

/**
 * Stands right behind the {@code SslHandler} of a link, counts and logs a handshake that fails, and
 * closes the connection. Once the peer is known to accept us it leaves the pipeline.
 *
 * <p>In TLS 1.3 a client is done before the server has looked at its certificate. So on our side as
 * client the watch ends with the first bytes from the peer, not with the handshake.
 */
final class HandshakeWatch extends ChannelInboundHandlerAdapter {
  private final HandshakeRefusals refusals;
  private final PeerPort port;
  private boolean refused;

  HandshakeWatch(HandshakeRefusals refusals, PeerPort port) {
    this.refusals = refusals;
    this.port = port;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext channel, Object event) {
    channel.fireUserEventTriggered(event); // others wait for it too, and see the failure
    if (event instanceof SslHandshakeCompletionEvent completion) {
      if (!completion.isSuccess()) {
        refuse(channel, completion.cause());
      } else if (port == PeerPort.LINK_IN) {
        channel.pipeline().remove(this);
      }
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext channel, Object message) {
    channel.fireChannelRead(message);
    if (!channel.isRemoved()) {
      channel.pipeline().remove(this);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext channel, Throwable cause) {
    boolean ofTls =
        cause instanceof SSLException
            || (cause instanceof DecoderException && cause.getCause() instanceof SSLException);
    if (refused) {
      return; // the same failure by its second way
    }
    if (ofTls) {
      refuse(channel, cause);
    } else {
      channel.fireExceptionCaught(cause);
    }
  }

  private void refuse(ChannelHandlerContext channel, Throwable cause) {
    if (!refused) {
      refused = true;
      refusals.refused(port, channel.channel().remoteAddress(), cause);
    }
    channel.close();
  }
}

package dev.warren.gateway.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannelConfig;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;

/**
 * Carries bytes from one channel to another, as the last handler of the first; two of them make a
 * connection. It reads only while the other side takes bytes, flushes once for each burst, carries
 * a half close through, and turns a broken side into a broken other side. Both channels are on one
 * event loop, with {@code autoRead} off and half closure allowed.
 */
final class RawRelay extends ChannelInboundHandlerAdapter {
  private final Channel to;
  private ChannelHandlerContext context;
  private boolean inputEnded;
  private boolean delivered; // the input has ended, and all of it has been written

  RawRelay(Channel to) {
    this.to = to;
  }

  /**
   * Starts, once both relays are in their pipelines.
   *
   * @param ended whether this side's input had ended before
   */
  void begin(boolean ended) {
    to.flush();
    if (ended) {
      endInput();
    } else {
      readOn(context);
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object bytes) {
    to.write(bytes, to.voidPromise());
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    to.flush();
    readOn(ctx);
  }

  private void readOn(ChannelHandlerContext ctx) {
    if (!inputEnded && to.isWritable()) {
      ctx.read();
    }
  }

  /** This side takes bytes again: the other one may read. */
  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      RawRelay other = to.pipeline().get(RawRelay.class);
      if (other != null) {
        other.readOn(other.context);
      }
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    boolean tls = ctx.pipeline().get(SslHandler.class) != null;
    boolean end =
        tls
            ? event instanceof SslCloseCompletionEvent close && close.isSuccess()
            : event instanceof ChannelInputShutdownEvent;
    if (end && !inputEnded) {
      endInput();
    } else if (tls && event instanceof ChannelInputShutdownEvent && !inputEnded) {
      ctx.close(); // TLS was cut, not ended
    }
  }

  private void endInput() {
    inputEnded = true;
    // An empty write is done when all before it is: shutting down at once would drop them.
    to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(done -> endOutput(context.channel()));
  }

  private void endOutput(Channel from) {
    delivered = true;
    RawRelay back = to.pipeline().get(RawRelay.class);
    if (back == null || back.delivered) {
      to.close();
      from.close();
      return;
    }
    SslHandler tls = to.pipeline().get(SslHandler.class);
    if (tls != null) {
      tls.closeOutbound();
    } else {
      ((DuplexChannel) to).shutdownOutput();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    if (inputEnded) {
      to.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    } else {
      reset(to);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    ctx.close();
  }

  /** Closes so that the other end sees it break off, where the transport can say so. */
  static void reset(Channel channel) {
    if (channel.config() instanceof SocketChannelConfig socket && channel.isActive()) {
      socket.setSoLinger(0);
    }
    // Past TLS, whose farewell would make the end look clean.
    ChannelHandlerContext first = channel.pipeline().firstContext();
    if (first != null) {
      first.close();
    } else {
      channel.close();
    }
  }
}

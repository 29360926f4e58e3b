package dev.warren.client;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.StreamChannel;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannel;

/**
 * Joins a connection with a stream: bytes, half closes and resets, each side read only while the
 * other takes bytes. One of two, each the last handler of its channel. Both channels run on one
 * event loop, with {@code autoRead} off and half closure allowed.
 */
final class Splice extends ChannelInboundHandlerAdapter {
  private final DuplexChannel from;
  private final DuplexChannel to;
  private Splice back;
  private boolean inputEnded;
  private boolean delivered; // the input has ended, and all of it has been written

  private Splice(DuplexChannel from, DuplexChannel to) {
    this.from = from;
    this.to = to;
  }

  static void join(DuplexChannel connection, DuplexChannel stream) {
    Splice there = new Splice(connection, stream);
    Splice here = new Splice(stream, connection);
    there.back = here;
    here.back = there;
    connection.pipeline().addLast(there);
    stream.pipeline().addLast(here);
    there.readOn();
    here.readOn();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object bytes) {
    to.write(bytes, to.voidPromise());
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    to.flush();
    readOn();
  }

  private void readOn() {
    if (!inputEnded && to.isWritable()) {
      from.read();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (from.isWritable()) {
      back.readOn();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent && !inputEnded) {
      inputEnded = true;
      // An empty write is done when all before it is.
      to.writeAndFlush(Unpooled.EMPTY_BUFFER)
          .addListener(
              done -> {
                delivered = true;
                if (back.delivered) {
                  to.close();
                  from.close();
                } else {
                  to.shutdownOutput();
                }
              });
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    if (!inputEnded) {
      reset(to, "the connection broke");
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    reset(to, String.valueOf(cause.getMessage()));
    ctx.close();
  }

  /** Closes so that the other end sees it break off. */
  static void reset(Channel channel, String why) {
    if (channel instanceof StreamChannel stream) {
      stream.reset(FaultCode.CANCELLED, "the caller: " + why);
      return;
    }
    if (channel instanceof SocketChannel socket && socket.isActive()) {
      socket.config().setSoLinger(0);
    }
    channel.close();
  }
}

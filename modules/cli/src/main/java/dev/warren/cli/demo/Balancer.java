package dev.warren.cli.demo;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A small TCP load balancer: connections go to the backends in turn, and where one does not answer
 * to the next. It stands for the one that an operator has in front of the gateways.
 */
final class Balancer implements AutoCloseable {
  private static final int CONNECT_MILLIS = 1_000;

  private final List<InetSocketAddress> backends;
  private final AtomicInteger turn = new AtomicInteger();
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("balancer", true), NioIoHandler.newFactory());
  private final Channel listener;

  private Balancer(List<InetSocketAddress> backends) throws IOException {
    this.backends = backends;
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    connect(channel, turn.getAndIncrement(), backends.size());
                  }
                })
            .bind("127.0.0.1", 0)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException("the balancer cannot listen: " + bound.cause().getMessage());
    }
    listener = bound.channel();
  }

  static Balancer start(List<InetSocketAddress> backends) throws IOException {
    return new Balancer(List.copyOf(backends));
  }

  int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  private void connect(Channel front, int which, int triesLeft) {
    if (triesLeft == 0) {
      front.close();
      return;
    }
    new Bootstrap()
        .group(front.eventLoop())
        .channel(NioSocketChannel.class)
        .option(ChannelOption.AUTO_READ, false)
        .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
        .handler(new ChannelInboundHandlerAdapter())
        .connect(backends.get(Math.floorMod(which, backends.size())))
        .addListener(
            (ChannelFutureListener)
                connected -> {
                  if (!connected.isSuccess()) {
                    connect(front, which + 1, triesLeft - 1);
                    return;
                  }
                  Channel back = connected.channel();
                  front.pipeline().addLast(new Passing(back));
                  back.pipeline().addLast(new Passing(front));
                  front.read();
                  back.read();
                });
  }

  /** Passes what one side says to the other, as fast as that one takes it. */
  private static final class Passing extends ChannelInboundHandlerAdapter {
    private final Channel other;

    Passing(Channel other) {
      this.other = other;
    }

    @Override
    public void channelRead(ChannelHandlerContext channel, Object bytes) {
      other
          .writeAndFlush(bytes)
          .addListener(
              written -> {
                if (written.isSuccess()) {
                  channel.read();
                } else {
                  channel.close();
                }
              });
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext channel, Object event) {
      if (event instanceof ChannelInputShutdownEvent) {
        ((DuplexChannel) other).shutdownOutput();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext channel) {
      if (other.isActive()) {
        other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext channel, Throwable cause) {
      channel.close();
    }
  }

  @Override
  public void close() {
    listener.close().awaitUninterruptibly(1_000);
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2_000);
  }
}

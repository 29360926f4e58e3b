package dev.warren.bench.load;

import dev.warren.agent.net.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * A long way: what comes goes on later, in its order, each way. So much may be on its way; beyond
 * that nothing is read, as a network would do that is full.
 */
final class DelayProxy implements AutoCloseable {
  /** What may be on its way in one direction of a connection (bytes). */
  static final int ROOM_BYTES = 16 << 20;

  private final Transport transport = Transport.best();
  private final EventLoopGroup loops = transport.eventLoops(1);
  private final Channel listener;

  /**
   * @param to a port of 127.0.0.1
   * @param oneWayMillis half of what a round trip takes longer
   */
  DelayProxy(int to, int oneWayMillis) {
    Class<? extends ServerChannel> kind =
        Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    listener =
        new ServerBootstrap()
            .group(loops)
            .channel(kind)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel near) {
                    connect(near, to, oneWayMillis);
                  }
                })
            .bind(FreePorts.HOST, 0)
            .syncUninterruptibly()
            .channel();
  }

  private void connect(Channel near, int to, int oneWayMillis) {
    new Bootstrap()
        .group(near.eventLoop())
        .channel(transport.tcp())
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.AUTO_READ, false)
        .handler(new ChannelInboundHandlerAdapter())
        .connect(FreePorts.HOST, to)
        .addListener(
            (ChannelFutureListener)
                connected -> {
                  if (!connected.isSuccess()) {
                    near.close();
                    return;
                  }
                  Channel far = connected.channel();
                  near.pipeline().addLast(new Way(far, oneWayMillis));
                  far.pipeline().addLast(new Way(near, oneWayMillis));
                  near.config().setAutoRead(true);
                  far.config().setAutoRead(true);
                });
  }

  int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  /** One direction of one connection; both ends are on one event loop. */
  private static final class Way extends ChannelInboundHandlerAdapter {
    private record Due(ByteBuf bytes, long atNanos) {}

    private final Channel to;
    private final long delayNanos;
    private final ArrayDeque<Due> onItsWay = new ArrayDeque<>();
    private long waiting; // bytes on their way, and those that the far side has not taken
    private boolean scheduled;

    Way(Channel to, int delayMillis) {
      this.to = to;
      this.delayNanos = TimeUnit.MILLISECONDS.toNanos(delayMillis);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      waiting += bytes.readableBytes();
      onItsWay.addLast(new Due(bytes, System.nanoTime() + delayNanos));
      if (waiting >= ROOM_BYTES) {
        ctx.channel().config().setAutoRead(false);
      }
      schedule(ctx);
    }

    private void schedule(ChannelHandlerContext ctx) {
      if (!scheduled && !onItsWay.isEmpty()) {
        scheduled = true;
        long left = onItsWay.getFirst().atNanos() - System.nanoTime();
        ctx.executor().schedule(() -> arrive(ctx), Math.max(0, left), TimeUnit.NANOSECONDS);
      }
    }

    private void arrive(ChannelHandlerContext ctx) {
      scheduled = false;
      long now = System.nanoTime();
      while (!onItsWay.isEmpty() && onItsWay.getFirst().atNanos() <= now) {
        ByteBuf bytes = onItsWay.removeFirst().bytes();
        int length = bytes.readableBytes();
        to.write(bytes).addListener(taken -> left(ctx, length));
      }
      to.flush();
      schedule(ctx);
    }

    private void left(ChannelHandlerContext ctx, int length) {
      waiting -= length;
      if (waiting < ROOM_BYTES / 2) {
        ctx.channel().config().setAutoRead(true);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      ctx.executor().schedule(() -> to.close(), delayNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
      onItsWay.forEach(due -> due.bytes().release());
      onItsWay.clear();
    }
  }
}

package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A peer closes its sending side, and then far more is sent to it than fits into the socket. */
class EpollLoopsTest {
  private static final int BYTES = 16 << 20;

  @Test
  void everythingReachesAPeerThatHasClosedItsSendingSide() throws Exception {
    assumeTrue(Epoll.isAvailable());
    Outcome outcome = sendToHalfClosed(EpollLoops.newFactory());
    assertTrue(outcome.written);
    assertEquals(BYTES, outcome.received);
  }

  /** When this fails, Netty has mended it: EpollLoops can go. */
  @Test
  void withNettysOwnLoopsItDoesNot() throws Exception {
    assumeTrue(Epoll.isAvailable());
    assertFalse(sendToHalfClosed(EpollIoHandler.newFactory()).written);
  }

  private record Outcome(boolean written, int received) {}

  private static Outcome sendToHalfClosed(IoHandlerFactory io) throws Exception {
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, io);
    CompletableFuture<Channel> halfClosed = new CompletableFuture<>();
    try {
      Channel listener = listen(loops, halfClosed);
      int port = ((InetSocketAddress) listener.localAddress()).getPort();
      try (Socket peer = new Socket("127.0.0.1", port)) {
        peer.shutdownOutput();
        Channel channel = halfClosed.get(20, TimeUnit.SECONDS);
        // A task of its own: the loop is through with the event, and has cleared what it wanted.
        CompletableFuture<ChannelFuture> written = new CompletableFuture<>();
        channel
            .eventLoop()
            .execute(
                () ->
                    written.complete(
                        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[BYTES]))));
        ChannelFuture write = written.get(20, TimeUnit.SECONDS);
        write.addListener(done -> channel.close());
        int received = peer.getInputStream().readAllBytes().length;
        return new Outcome(write.await().isSuccess(), received);
      }
    } finally {
      loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    }
  }

  private static Channel listen(EventLoopGroup loops, CompletableFuture<Channel> halfClosed) {
    return new ServerBootstrap()
        .group(loops)
        .channel(EpollServerSocketChannel.class)
        .childOption(ChannelOption.AUTO_READ, false)
        .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
        .childHandler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new Watcher(halfClosed));
              }
            })
        .bind("127.0.0.1", 0)
        .syncUninterruptibly()
        .channel();
  }

  private static final class Watcher extends ChannelInboundHandlerAdapter {
    private final CompletableFuture<Channel> halfClosed;

    Watcher(CompletableFuture<Channel> halfClosed) {
      this.halfClosed = halfClosed;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      ctx.read();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ReferenceCountUtil.release(message);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event == ChannelInputShutdownReadComplete.INSTANCE) {
        halfClosed.complete(ctx.channel());
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }
}

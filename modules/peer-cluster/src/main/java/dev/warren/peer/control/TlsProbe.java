package dev.warren.peer.control;

import dev.warren.peer.tls.ClusterTls;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Opens a cluster port with TCP and mutual TLS, as Artery will, and closes it again. It has an
 * event loop of its own, because a name may have to be resolved, which blocks.
 */
final class TlsProbe implements ClusterProbe, AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(4);

  /**
   * In TLS 1.3 a client is done before the server has looked at its certificate: a connection that
   * lives for so long after the handshake was taken.
   */
  private static final Duration TAKEN_AFTER = Duration.ofMillis(300);

  private final ClusterTls tls;
  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("warren-probe", true), NioIoHandler.newFactory());

  TlsProbe(ClusterTls tls) {
    this.tls = tls;
  }

  @Override
  public CompletionStage<Boolean> isOpen(String address) {
    CompletableFuture<Boolean> open = new CompletableFuture<>();
    HostAndPort peer = HostAndPort.parse(address);
    ChannelFuture connecting =
        new Bootstrap()
            .group(loop)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) LIMIT.toMillis())
            .handler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    SslHandler handler =
                        tls.clientHandler(
                            channel, InetSocketAddress.createUnresolved(peer.bare(), peer.port()));
                    channel.pipeline().addLast(handler, new Fails(open));
                    handler
                        .handshakeFuture()
                        .addListener(
                            done -> {
                              if (done.isSuccess()) {
                                channel
                                    .eventLoop()
                                    .schedule(
                                        () -> open.complete(channel.isActive()),
                                        TAKEN_AFTER.toMillis(),
                                        TimeUnit.MILLISECONDS);
                              } else {
                                open.complete(false);
                              }
                            });
                    channel.closeFuture().addListener(closed -> open.complete(false));
                    open.whenComplete((taken, failure) -> channel.close());
                  }
                })
            .connect(peer.bare(), peer.port());
    connecting.addListener(
        connected -> {
          if (!connected.isSuccess()) {
            open.complete(false);
          }
        });
    return open.completeOnTimeout(false, LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** The peer's alert, or bytes that are no TLS. */
  private static final class Fails extends ChannelInboundHandlerAdapter {
    private final CompletableFuture<Boolean> open;

    Fails(CompletableFuture<Boolean> open) {
      this.open = open;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      open.complete(false);
    }
  }

  @Override
  public void close() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}

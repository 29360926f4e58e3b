package dev.warren.peer.tls;

import dev.warren.peer.GatewayIdentity;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Function;

/** A listener for links on loopback, and connections to it. */
final class Loopback implements AutoCloseable {
  private static final int SECONDS = 30;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());

  /** What one end saw: who the other is, or null where the connection ended without a byte. */
  record Seen(GatewayIdentity byClient, GatewayIdentity byServer) {
    boolean connected() {
      return byClient != null && byServer != null;
    }
  }

  /**
   * Says one byte to each other once the handshake is done; what comes first is the proof, because
   * a client of TLS 1.3 is done before the server has looked at its certificate.
   */
  private static final class Greeter extends ChannelInboundHandlerAdapter {
    private final CompletableFuture<GatewayIdentity> greeted;

    Greeter(CompletableFuture<GatewayIdentity> greeted) {
      this.greeted = greeted;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext channel, Object event) {
      if (event instanceof SslHandshakeCompletionEvent completion && completion.isSuccess()) {
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[] {1}));
      }
    }

    @Override
    public void channelRead(ChannelHandlerContext channel, Object message) throws Exception {
      ReferenceCountUtil.release(message);
      SslHandler tls = channel.pipeline().get(SslHandler.class);
      greeted.complete(PeerCertificate.identityOf(tls.engine().getSession()));
    }

    @Override
    public void channelInactive(ChannelHandlerContext channel) {
      greeted.complete(null);
    }
  }

  /** The last handler of a pipeline: when it hears of the end, all others have. */
  static final class End extends ChannelInboundHandlerAdapter {
    private final CountDownLatch ended;

    End(CountDownLatch ended) {
      this.ended = ended;
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext channel) {
      ended.countDown();
    }
  }

  Channel listen(Function<Channel, SslHandler> handler, ChannelHandler... behind)
      throws InterruptedException {
    return listen(handler, channel -> behind);
  }

  private Channel listen(
      Function<Channel, SslHandler> handler, Function<Channel, ChannelHandler[]> behind)
      throws InterruptedException {
    return new ServerBootstrap()
        .group(loops)
        .channel(NioServerSocketChannel.class)
        .childHandler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(handler.apply(channel)).addLast(behind.apply(channel));
              }
            })
        .bind(InetAddress.getLoopbackAddress(), 0)
        .sync()
        .channel();
  }

  /** Connects the two and waits until both have heard the other, or both have hung up. */
  Seen connect(Node client, Node server) throws Exception {
    return connect(
        (channel, peer) -> client.tls.clientHandler(channel, peer),
        client.tls.linkWatch(PeerPort.LINK_OUT),
        channel -> server.tls.serverHandler(channel),
        server.tls.linkWatch(PeerPort.LINK_IN));
  }

  Seen connect(
      BiFunction<Channel, InetSocketAddress, SslHandler> clientTls,
      ChannelHandler clientWatch,
      Function<Channel, SslHandler> serverTls,
      ChannelHandler serverWatch)
      throws Exception {
    CompletableFuture<GatewayIdentity> byServer = new CompletableFuture<>();
    CompletableFuture<GatewayIdentity> byClient = new CompletableFuture<>();
    CountDownLatch closed = new CountDownLatch(2);
    Channel listener =
        listen(
            serverTls,
            channel -> new ChannelHandler[] {serverWatch, new Greeter(byServer), new End(closed)});
    InetSocketAddress address = (InetSocketAddress) listener.localAddress();
    Channel channel =
        new Bootstrap()
            .group(loops)
            .channel(NioSocketChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel made) {
                    made.pipeline()
                        .addLast(clientTls.apply(made, address))
                        .addLast(clientWatch)
                        .addLast(new Greeter(byClient))
                        .addLast(new End(closed));
                  }
                })
            .connect(address)
            .sync()
            .channel();
    try {
      GatewayIdentity atClient = byClient.get(SECONDS, TimeUnit.SECONDS);
      GatewayIdentity atServer = byServer.get(SECONDS, TimeUnit.SECONDS);
      return new Seen(atClient, atServer);
    } finally {
      channel.close().sync();
      if (!closed.await(SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("a connection stays open");
      }
      listener.close().sync();
    }
  }

  @Override
  public void close() {
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
  }
}

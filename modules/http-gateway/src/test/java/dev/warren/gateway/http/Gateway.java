package dev.warren.gateway.http;

import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.OpenAuthorizer;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.protocol.channel.EpollLoops;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A front on a free port, over a {@link PlainOpener}. */
final class Gateway implements AutoCloseable {
  /** Small and fixed, so that what the kernel takes hides nothing that piles up in the gateway. */
  static final int SOCKET_BUFFER_BYTES = 65_536;

  final PlainOpener opener = new PlainOpener();
  final Mood mood = new Mood();
  final List<Channel> callers = new CopyOnWriteArrayList<>();
  final HttpServices services;
  private final EventLoopGroup loops;
  private final Channel listener;

  /** What readiness says; tests change it. */
  static final class Mood implements Readiness {
    volatile boolean ready = true;
    volatile boolean draining;

    @Override
    public boolean ready() {
      return ready;
    }

    @Override
    public boolean draining() {
      return draining;
    }
  }

  /** How a test's gateway differs from the plainest one. */
  static final class Options {
    HttpSettings settings = HttpSettings.DEFAULT;
    Authorizer authorizer = new OpenAuthorizer();
    ConnectHandler connect = (channel, head) -> channel.close();
    TrustedProxies proxies = TrustedProxies.NONE;
    TargetTls tls = TargetTls.trustingTheJvm();
    int loops = 2;

    Options settings(UnaryOperator<HttpSettings> change) {
      settings = change.apply(settings);
      return this;
    }
  }

  static Gateway start() {
    return new Gateway(new Options());
  }

  static Gateway start(UnaryOperator<HttpSettings> change) {
    return new Gateway(new Options().settings(change));
  }

  Gateway(Options options) {
    services =
        new HttpServices(
            "origin",
            opener,
            options.authorizer,
            options.settings,
            mood,
            options.connect,
            options.proxies,
            options.tls);
    boolean epoll = Epoll.isAvailable();
    loops =
        new MultiThreadIoEventLoopGroup(
            options.loops, epoll ? EpollLoops.newFactory() : NioIoHandler.newFactory());
    listener =
        new ServerBootstrap()
            .group(loops)
            .channel(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
            .option(ChannelOption.SO_RCVBUF, SOCKET_BUFFER_BYTES)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.SO_SNDBUF, SOCKET_BUFFER_BYTES)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    callers.add(channel);
                    HttpPipeline.install(channel.pipeline(), services);
                  }
                })
            .bind("127.0.0.1", 0)
            .syncUninterruptibly()
            .channel();
  }

  int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  Caller caller() throws IOException {
    return new Caller(port());
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    callers.forEach(channel -> channel.close().syncUninterruptibly());
    opener.channels().forEach(channel -> channel.close().syncUninterruptibly());
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
  }
}

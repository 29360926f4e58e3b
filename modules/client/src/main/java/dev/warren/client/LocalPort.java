package dev.warren.client;

import dev.warren.protocol.Target;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A port on this machine each of whose connections becomes a stream. */
public final class LocalPort implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LocalPort.class);

  private final Channel listener;
  private final ChannelGroup connections;

  private LocalPort(Channel listener, ChannelGroup connections) {
    this.listener = listener;
    this.connections = connections;
  }

  static LocalPort forward(Session session, InetSocketAddress listen, Target target)
      throws IOException {
    return open(session, listen, connection -> begin(session, connection, target));
  }

  static LocalPort socks(Session session, InetSocketAddress listen) throws IOException {
    return open(session, listen, connection -> SocksCaller.install(session, connection));
  }

  private interface Begin {
    void begin(SocketChannel connection);
  }

  private static LocalPort open(Session session, InetSocketAddress listen, Begin begin)
      throws IOException {
    ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    ChannelFuture bound =
        new ServerBootstrap()
            .group(session.warren().group())
            .channel(
                Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel connection) {
                    connections.add(connection);
                    begin.begin(connection);
                  }
                })
            .bind(listen)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "cannot bind " + listen + ": " + bound.cause().getMessage(), bound.cause());
    }
    return new LocalPort(bound.channel(), connections);
  }

  /** A connection whose stream cannot be had is reset, as by a host that refuses. */
  private static void begin(Session session, SocketChannel connection, Target target) {
    session
        .warren()
        .lines()
        .dial(session.key(), target, session.warren().settings().dialTimeout(), made -> made)
        .whenComplete(
            (stream, failure) -> {
              if (failure == null && connection.isActive()) {
                Splice.join(connection, stream);
                return;
              }
              if (failure == null) {
                Splice.reset(stream, "the connection broke");
                return;
              }
              log.atWarn()
                  .addKeyValue("session", session.id())
                  .addKeyValue("target", target)
                  .addKeyValue("reason", failure.getMessage())
                  .log("forward.failed");
              Splice.reset(connection, "no stream");
            });
  }

  /** Where it listens; the port that was taken where 0 was asked for. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Takes no more connections, and breaks those that there are. */
  @Override
  public void close() {
    listener.close().awaitUninterruptibly(2_000);
    connections.close().awaitUninterruptibly(2_000);
  }
}

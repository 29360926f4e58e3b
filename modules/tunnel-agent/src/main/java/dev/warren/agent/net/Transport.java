package dev.warren.agent.net;

import dev.warren.protocol.channel.EpollLoops;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The kind of sockets and event loops in use.
 *
 * @param name for logs
 * @param unix sockets of the Unix domain, where there are any
 */
public record Transport(
    String name,
    Supplier<IoHandlerFactory> ioHandler,
    Class<? extends SocketChannel> tcp,
    Class<? extends DatagramChannel> udp,
    Optional<Class<? extends DomainSocketChannel>> unix) {

  /** Epoll where it loads, NIO elsewhere. */
  public static Transport best() {
    return Epoll.isAvailable() ? epoll() : nio();
  }

  static Transport epoll() {
    return new Transport(
        "epoll",
        EpollLoops::newFactory,
        EpollSocketChannel.class,
        EpollDatagramChannel.class,
        Optional.of(EpollDomainSocketChannel.class));
  }

  public static Transport nio() {
    return new Transport(
        "nio",
        NioIoHandler::newFactory,
        NioSocketChannel.class,
        NioDatagramChannel.class,
        Optional.empty());
  }

  /** Loops on daemon threads: an agent in a larger program must not keep it from ending. */
  public EventLoopGroup eventLoops(int threads) {
    return new MultiThreadIoEventLoopGroup(
        threads, new DefaultThreadFactory("warren-agent", true), ioHandler.get());
  }
}

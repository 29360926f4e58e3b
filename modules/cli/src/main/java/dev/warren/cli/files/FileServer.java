package dev.warren.cli.files;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one directory over HTTP/1.1: GET and HEAD with single ranges and conditions, a listing for
 * a directory without index.html, and PUT where uploads are allowed. Bytes are never collected:
 * downloads go by sendfile, uploads straight into a file beside the final one, which takes its
 * place when all of it is there.
 */
public final class FileServer implements AutoCloseable {
  /** A connection on which nothing moves for twice as long is closed. */
  static final Duration IDLE = Duration.ofMinutes(1);

  private static final int LOOPS = 2;

  private static final Logger log = LoggerFactory.getLogger(FileServer.class);

  private final MultiThreadIoEventLoopGroup loops;
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Channel listener;

  private FileServer(Settings settings) throws IOException {
    Root root = new Root(settings.root());
    // Reading a file may block its loop, and sendfile does so in any case; these loops are the
    // server's own, so it delays nothing else in the process.
    loops = new MultiThreadIoEventLoopGroup(LOOPS, NioIoHandler.newFactory());
    try {
      listener = bind(settings, root);
    } catch (IOException | RuntimeException e) {
      stop();
      throw e;
    }
    log.atInfo()
        .addKeyValue("listen", address())
        .addKeyValue("root", root.path())
        .addKeyValue("upload", settings.upload())
        .log("files.listening");
  }

  /**
   * @param listen port 0 takes a free one
   * @param root the directory
   * @param upload whether PUT is allowed
   */
  public record Settings(InetSocketAddress listen, Path root, boolean upload) {
    public Settings {
      if (upload && !listen.getAddress().isLoopbackAddress()) {
        throw new IllegalArgumentException(
            "--upload with --listen "
                + listen.getAddress().getHostAddress()
                + " (expected: a loopback address, since anybody could write files)");
      }
    }
  }

  /**
   * @throws IllegalArgumentException where the root is no directory
   * @throws IOException where the address cannot be bound
   */
  public static FileServer start(Settings settings) throws IOException {
    return new FileServer(settings);
  }

  private Channel bind(Settings settings, Root root) throws IOException {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            // The next piece of a request is read when the last one is on the disk.
            .childOption(ChannelOption.AUTO_READ, false)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    connections.add(channel);
                    channel
                        .pipeline()
                        .addLast(
                            new IdleStateHandler(true, 0, 0, IDLE.toSeconds(), TimeUnit.SECONDS))
                        .addLast(new HttpServerCodec())
                        .addLast(new FlowControlHandler())
                        .addLast(new FileHandler(root, settings.upload()));
                  }
                })
            .bind(settings.listen())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "--listen: cannot bind "
              + NetUtil.toSocketAddressString(settings.listen())
              + ": "
              + bound.cause().getMessage(),
          bound.cause());
    }
    return bound.channel();
  }

  /** Where it listens, with the port that it really has. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Stops at once; transfers break. */
  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    connections.close().syncUninterruptibly();
    stop();
  }

  private void stop() {
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS);
  }
}

package dev.warren.gateway.http;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.DialFailedException.Outcome;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.protocol.Target;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Opens plain TCP connections in place of streams. The session's id chooses what happens: {@code
 * unknown}, {@code offline} and so on fail with that outcome, {@code held} waits until {@link
 * #letGo}, and every other session dials.
 */
final class PlainOpener implements StreamOpener {
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger cancelled = new AtomicInteger();
  private final List<Dial> dials = new CopyOnWriteArrayList<>();
  private final List<Runnable> held = new CopyOnWriteArrayList<>();
  private final List<Channel> channels = new CopyOnWriteArrayList<>();

  int opened() {
    return opened.get();
  }

  int cancelled() {
    return cancelled.get();
  }

  List<Dial> dials() {
    return dials;
  }

  List<Channel> channels() {
    return channels;
  }

  int heldDials() {
    return held.size();
  }

  void letGo() {
    held.forEach(Runnable::run);
    held.clear();
  }

  @Override
  public Future<OpenedStream> open(Dial dial, EventLoop loop) {
    dials.add(dial);
    Promise<OpenedStream> promise = loop.newPromise();
    promise.addListener(
        done -> {
          if (done.isCancelled()) {
            cancelled.incrementAndGet();
          }
        });
    switch (dial.session().id()) {
      case "unknown" -> fail(promise, dial, Outcome.UNKNOWN_SESSION, Duration.ZERO);
      case "offline" -> fail(promise, dial, Outcome.UNAVAILABLE, Duration.ofSeconds(7));
      case "toomany" -> fail(promise, dial, Outcome.TOO_MANY, Duration.ZERO);
      case "forbidden" -> fail(promise, dial, Outcome.FORBIDDEN, Duration.ZERO);
      case "refused" -> fail(promise, dial, Outcome.REFUSED, Duration.ZERO);
      case "late" -> fail(promise, dial, Outcome.TIMED_OUT, Duration.ZERO);
      case "unsupported" -> fail(promise, dial, Outcome.UNSUPPORTED, Duration.ZERO);
      case "broken" -> promise.setFailure(new IllegalStateException("a bug"));
      case "held" -> held.add(() -> loop.execute(() -> dial(promise, dial, loop)));
      default -> dial(promise, dial, loop);
    }
    return promise;
  }

  private static void fail(
      Promise<OpenedStream> promise, Dial dial, Outcome outcome, Duration retryAfter) {
    promise.setFailure(
        new DialFailedException(
            outcome,
            "session " + dial.session() + ", target " + dial.target() + ": " + outcome,
            retryAfter,
            "origin, holder"));
  }

  private void dial(Promise<OpenedStream> promise, Dial dial, EventLoop loop) {
    Target.Tcp target = (Target.Tcp) dial.target();
    ChannelHandler empty = new Empty(channels::add);
    ChannelFuture connecting =
        new Bootstrap()
            .group(loop)
            .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
            .option(ChannelOption.AUTO_READ, false)
            .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_SNDBUF, Gateway.SOCKET_BUFFER_BYTES)
            .option(ChannelOption.SO_RCVBUF, Gateway.SOCKET_BUFFER_BYTES)
            .handler(empty)
            .connect(
                target.host().equals("localhost") ? "127.0.0.1" : target.host(), target.port());
    connecting.addListener(
        (ChannelFuture done) -> {
          if (!done.isSuccess()) {
            fail(promise, dial, Outcome.REFUSED, Duration.ZERO);
            return;
          }
          opened.incrementAndGet();
          DuplexChannel channel = (DuplexChannel) done.channel();
          // A tunnel's stream that ends before it was closed by us on both sides is reset.
          if (!promise.trySuccess(
              new OpenedStream(channel, dial.id().publicId(), "origin, holder"))) {
            channel.close();
          }
        });
  }

  private static final class Empty extends ChannelInitializer<Channel> {
    private final Consumer<Channel> seen;

    Empty(Consumer<Channel> seen) {
      this.seen = seen;
    }

    @Override
    protected void initChannel(Channel channel) {
      seen.accept(channel);
      channel.pipeline().addLast(new ChannelInboundHandlerAdapter());
    }
  }
}

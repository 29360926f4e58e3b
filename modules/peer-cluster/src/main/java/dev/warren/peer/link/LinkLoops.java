package dev.warren.peer.link;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.AbstractEventExecutorGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Spreads the connections of links over the event loops: those from or to one place first, then all
 * of them. So a caller mostly finds a connection on its own loop, and its stream needs no hand-over
 * ({@link Link#connection}). Dealt out in turn with callers and tunnels, both connections of a link
 * would often be on one loop.
 *
 * <p>Ends no loop: they are not its own.
 */
final class LinkLoops extends AbstractEventExecutorGroup implements EventLoopGroup {
  /** One connection. It counts until it is over. */
  final class Placed {
    private final Object place;
    private final EventLoop loop;

    private Placed(Object place, EventLoop loop) {
      this.place = place;
      this.loop = loop;
    }

    EventLoop loop() {
      return loop;
    }

    /** The connection is gone, or never came to be. May be told more than once. */
    void over() {
      synchronized (LinkLoops.this) {
        all.remove(this);
      }
    }
  }

  private final EventLoopGroup loops;
  private final List<Placed> all = new ArrayList<>(); // as many as there are connections

  LinkLoops(EventLoopGroup loops) {
    this.loops = loops;
  }

  /** For a connection that is about to be made to a place. */
  synchronized Placed place(Object place) {
    EventLoop best = null;
    long least = Long.MAX_VALUE;
    for (EventExecutor each : loops) {
      long weight = 0;
      for (Placed placed : all) {
        if (placed.loop == each) {
          weight += placed.place.equals(place) ? 1L << 32 : 1;
        }
      }
      if (weight < least) {
        least = weight;
        best = (EventLoop) each;
      }
    }
    Placed placed = new Placed(place, best);
    all.add(placed);
    return placed;
  }

  // ---- for what is accepted: the place is the address that it comes from, without the port ----

  @Override
  public ChannelFuture register(Channel channel) {
    return accepted(channel).register(channel);
  }

  @Override
  public ChannelFuture register(ChannelPromise promise) {
    return accepted(promise.channel()).register(promise);
  }

  @Deprecated
  @Override
  public ChannelFuture register(Channel channel, ChannelPromise promise) {
    return accepted(channel).register(promise);
  }

  private EventLoop accepted(Channel channel) {
    SocketAddress remote = channel.remoteAddress();
    Object place =
        remote instanceof InetSocketAddress from && from.getAddress() != null
            ? from.getAddress()
            : "unknown";
    Placed placed = place(place);
    channel.closeFuture().addListener(closed -> placed.over());
    return placed.loop();
  }

  @Override
  public EventLoop next() {
    return loops.next();
  }

  @Override
  public Iterator<EventExecutor> iterator() {
    return loops.iterator();
  }

  @Override
  public boolean isShuttingDown() {
    return loops.isShuttingDown();
  }

  @Override
  public boolean isShutdown() {
    return loops.isShutdown();
  }

  @Override
  public boolean isTerminated() {
    return loops.isTerminated();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return loops.awaitTermination(timeout, unit);
  }

  @Override
  public Future<?> terminationFuture() {
    return loops.terminationFuture();
  }

  @Override
  public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
    throw new UnsupportedOperationException("the loops are not its own");
  }

  @Deprecated
  @Override
  public void shutdown() {
    throw new UnsupportedOperationException("the loops are not its own");
  }
}

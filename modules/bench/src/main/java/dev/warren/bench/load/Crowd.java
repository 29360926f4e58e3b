package dev.warren.bench.load;

import dev.warren.agent.net.Transport;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.flow.CreditBudget;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Many light agents in this JVM, on a few event loops. */
final class Crowd implements AutoCloseable {
  private static final int LOOPS = 2;
  private static final int ATTACH_SECONDS = 30;
  private static final int CLOSE_SECONDS = 10;

  private final Transport transport = Transport.best();
  private final EventLoopGroup loops = transport.eventLoops(LOOPS);
  private final CreditBudget budget = CreditBudget.ofHeap();
  private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Semaphore attaching;
  private final int atOnce;
  private final Optional<SslContext> tls;
  private final AtomicInteger attached = new AtomicInteger();
  private final AtomicInteger failed = new AtomicInteger();
  private final Series attachMillis = new Series(); // guarded by itself
  private volatile String lastFault = "";
  private volatile boolean closing;

  /**
   * @param atOnce how many may be attaching at one time
   * @param tls for wss://; with none it is ws://
   */
  Crowd(int atOnce, Optional<SslContext> tls) {
    this.atOnce = atOnce;
    this.tls = tls;
    attaching = new Semaphore(atOnce);
  }

  CreditBudget budget() {
    return budget;
  }

  /** Attaches one more, as soon as fewer than the limit are attaching. */
  void attach(String id, int port) {
    take(1);
    SessionKey session = SessionKey.of(id);
    URI gateway =
        URI.create(
            (tls.isPresent() ? "wss://" : "ws://") + FreePorts.HOST + ":" + port + "/connect");
    long started = System.nanoTime();
    new Bootstrap()
        .group(loops)
        .channel(transport.tcp())
        .option(ChannelOption.TCP_NODELAY, true)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channels.add(channel);
                tls.ifPresent(
                    context ->
                        channel
                            .pipeline()
                            .addLast(context.newHandler(channel.alloc(), FreePorts.HOST, port)));
                CrowdAgent.install(channel.pipeline(), Crowd.this, session, gateway, started);
              }
            })
        .connect(FreePorts.HOST, port)
        .addListener(
            (ChannelFutureListener)
                connected -> {
                  if (!connected.isSuccess()) {
                    lost(false, String.valueOf(connected.cause()));
                  }
                });
  }

  /** Returns when none is attaching any more; fails where one could not, or was lost. */
  void awaitAttached() {
    take(atOnce);
    attaching.release(atOnce);
    checkComplete();
  }

  /** Fails where one could not attach, or was lost. */
  void checkComplete() {
    if (failed.get() > 0) {
      throw new LoadException(
          failed.get() + " agents of the crowd failed or were lost; the last: " + lastFault);
    }
  }

  private void take(int permits) {
    try {
      if (!attaching.tryAcquire(permits, ATTACH_SECONDS, TimeUnit.SECONDS)) {
        throw new LoadException(
            "agents take more than "
                + ATTACH_SECONDS
                + " s to attach; "
                + attached
                + " did, "
                + failed
                + " failed; the last: "
                + lastFault);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LoadException("interrupted", e);
    }
  }

  /** An agent has its WELCOME. */
  void attached(long tookNanos) {
    attached.incrementAndGet();
    synchronized (attachMillis) {
      attachMillis.add(tookNanos / 1e6);
    }
    attaching.release();
  }

  /**
   * An agent's connection is over.
   *
   * @param wasAttached whether it had its WELCOME
   */
  void lost(boolean wasAttached, String why) {
    if (closing) {
      return;
    }
    lastFault = why;
    failed.incrementAndGet();
    if (!wasAttached) {
      attaching.release();
    }
  }

  int attached() {
    return attached.get();
  }

  /** From connect to WELCOME, agent by agent. */
  Series attachMillis() {
    synchronized (attachMillis) {
      Series copy = new Series();
      attachMillis.values().forEach(copy::add);
      return copy;
    }
  }

  @Override
  public void close() {
    closing = true;
    channels.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}

package dev.warren.agent.net;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Asks the operating system through the JVM, which blocks: for machines whose names do not come
 * from servers in a resolv.conf.
 */
final class JvmNames implements Names {
  static final int MAX_THREADS = 4;

  /** Questions that wait for a thread; more are answered with "unknown" at once. */
  static final int MAX_WAITING = 256;

  private static final int IDLE_SECONDS = 10;

  private final Lookup lookup;
  private final ThreadPoolExecutor threads;

  /** The blocking call. */
  interface Lookup {
    InetAddress[] addresses(String name) throws UnknownHostException;
  }

  JvmNames(Lookup lookup) {
    this.lookup = lookup;
    this.threads =
        new ThreadPoolExecutor(
            MAX_THREADS,
            MAX_THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            new DefaultThreadFactory("warren-agent-names", true));
    threads.allowCoreThreadTimeOut(true);
  }

  @Override
  public Future<List<InetAddress>> addresses(String name, EventLoop loop) {
    Promise<List<InetAddress>> promise = loop.newPromise();
    try {
      threads.execute(() -> answer(name, promise));
    } catch (RejectedExecutionException e) {
      promise.setFailure(
          new UnknownHostException(
              name + ": " + MAX_WAITING + " other names are being looked up already"));
    }
    return promise;
  }

  private void answer(String name, Promise<List<InetAddress>> promise) {
    try {
      promise.trySuccess(List.of(lookup.addresses(name)));
    } catch (UnknownHostException e) {
      promise.tryFailure(e);
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}

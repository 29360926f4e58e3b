package dev.warren.agent.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Tries the addresses of one host in turn until one accepts. An address that does not answer gets
 * its share of the time, so that a dead one does not use it up for all. Lives on one event loop;
 * who starts it also watches over the deadline, and cancels.
 */
public final class ConnectInTurn {
  /** An address that has another behind it gets no longer than this, whatever its share. */
  static final Duration LONGEST_SHARE = Duration.ofSeconds(2);

  private final EventLoop loop;
  private final List<? extends SocketAddress> addresses;
  private final Function<SocketAddress, ChannelFuture> connect;
  private final Listener listener;
  private final long deadline;
  private final List<Failure> failures = new ArrayList<>();

  private int tried;
  private boolean done;
  private ChannelFuture running;
  private Future<?> shareOver;

  /** Told once, on the loop, unless the whole was cancelled. */
  public interface Listener {
    void connected(Channel channel, SocketAddress address);

    void failed(List<Failure> failures);
  }

  /** Why one address was not it. */
  public record Failure(SocketAddress address, Throwable cause) {}

  private ConnectInTurn(
      EventLoop loop,
      List<? extends SocketAddress> addresses,
      Duration time,
      Function<SocketAddress, ChannelFuture> connect,
      Listener listener) {
    this.loop = loop;
    this.addresses = List.copyOf(addresses);
    this.connect = connect;
    this.listener = listener;
    this.deadline = System.nanoTime() + time.toNanos();
  }

  /**
   * Starts with the first address.
   *
   * @param loop where the channels live and this is called
   * @param addresses at least one
   * @param time what is left for all of them
   * @param connect starts to connect a channel on the loop
   */
  public static ConnectInTurn start(
      EventLoop loop,
      List<? extends SocketAddress> addresses,
      Duration time,
      Function<SocketAddress, ChannelFuture> connect,
      Listener listener) {
    ConnectInTurn inTurn = new ConnectInTurn(loop, addresses, time, connect, listener);
    inTurn.next();
    return inTurn;
  }

  /** Gives up; nothing stays behind and nobody is told. */
  public void cancel() {
    done = true;
    stopShare();
    if (running != null) {
      running.channel().close();
    }
  }

  private void next() {
    SocketAddress address = addresses.get(tried);
    tried++;
    ChannelFuture connecting = connect.apply(address);
    running = connecting;
    if (tried < addresses.size()) {
      // The last address has all that is left, until the owner cancels.
      shareOver = loop.schedule(() -> giveUp(address), shareNanos(), TimeUnit.NANOSECONDS);
    }
    connecting.addListener(
        future -> {
          if (loop.inEventLoop()) {
            finished(connecting, address);
          } else {
            // Where no socket could be made there is no channel, and so no loop of it.
            loop.execute(() -> finished(connecting, address));
          }
        });
  }

  private long shareNanos() {
    long left = Math.max(0, deadline - System.nanoTime());
    return Math.min(left / (addresses.size() - tried + 1), LONGEST_SHARE.toNanos());
  }

  private void giveUp(SocketAddress address) {
    ChannelFuture slow = running;
    running = null;
    failedAt(address, new ConnectTimeoutException("no answer"));
    slow.channel().close();
  }

  private void finished(ChannelFuture connecting, SocketAddress address) {
    if (done || connecting != running) {
      if (connecting.isSuccess()) {
        connecting.channel().close();
      }
      return;
    }
    running = null;
    stopShare();
    if (connecting.isSuccess()) {
      done = true;
      listener.connected(connecting.channel(), address);
    } else {
      failedAt(address, connecting.cause());
    }
  }

  private void failedAt(SocketAddress address, Throwable cause) {
    failures.add(new Failure(address, cause));
    if (tried < addresses.size()) {
      next();
    } else {
      done = true;
      listener.failed(List.copyOf(failures));
    }
  }

  private void stopShare() {
    if (shareOver != null) {
      shareOver.cancel(false);
      shareOver = null;
    }
  }
}

package dev.warren.agent.net;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.util.List;

/** Turns names into addresses. */
public interface Names extends AutoCloseable {
  /** How long one server may take for one question before the next is asked. */
  int QUERY_TIMEOUT_MILLIS = 2_000;

  /**
   * Looks a name up. The future completes on {@code loop}: with at least one address, in the order
   * in which they should be tried, or with an {@link java.net.UnknownHostException}.
   */
  Future<List<InetAddress>> addresses(String name, EventLoop loop);

  @Override
  void close();
}

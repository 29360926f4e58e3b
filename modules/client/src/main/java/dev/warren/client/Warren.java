package dev.warren.client;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.channel.EpollLoops;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * A program's way to what agents reach. It keeps one connection to a gateway (its line), made when
 * the first stream is wanted and again when it was lost, and opens all streams over it. One
 * instance serves a whole program and all its threads; {@link #close} ends its streams.
 *
 * <p>Everything runs on one daemon thread, {@code warren-client}; only those that call the blocking
 * methods of sockets and channels wait.
 */
public final class Warren implements AutoCloseable {
  private final WarrenSettings settings;
  private final EventLoopGroup group;
  private final Lines lines;

  private Warren(WarrenSettings settings) {
    this.settings = settings;
    group =
        new MultiThreadIoEventLoopGroup(
            1,
            new DefaultThreadFactory("warren-client", true),
            Epoll.isAvailable() ? EpollLoops.newFactory() : NioIoHandler.newFactory());
    lines = new Lines(settings, group.next());
  }

  /**
   * With the defaults of {@link WarrenSettings}. Reaches no gateway yet: that happens with the
   * first stream.
   *
   * @param gateways {@code http://HOST:PORT} or {@code https://HOST:PORT}, several with commas
   *     between them
   * @param token the caller's; null or empty where the gateways want none
   * @throws IllegalArgumentException where one of them cannot be right
   */
  public static Warren connect(String gateways, String token) {
    return connect(
        WarrenSettings.of(gateways)
            .withToken(
                token == null || token.isEmpty() ? CallerToken.NONE : CallerToken.of(token)));
  }

  /** With these settings. Reaches no gateway yet: that happens with the first stream. */
  public static Warren connect(WarrenSettings settings) {
    return new Warren(settings);
  }

  /**
   * What an agent reaches.
   *
   * @param id of the agent, or {@code realm/id}
   * @throws IllegalArgumentException where it is no id
   */
  public Session session(String id) {
    return new Session(this, SessionKey.of(id));
  }

  WarrenSettings settings() {
    return settings;
  }

  Lines lines() {
    return lines;
  }

  EventLoopGroup group() {
    return group;
  }

  /** Ends all streams and the line. What has not been sent is lost. */
  @Override
  public void close() {
    lines.close();
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS);
  }
}

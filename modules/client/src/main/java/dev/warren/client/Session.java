package dev.warren.client;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import javax.net.SocketFactory;

/**
 * What one agent reaches, as streams. A target is {@code HOST:PORT} as the agent sees it, or {@code
 * unix//path}; names are resolved by the agent.
 *
 * <p>Methods that open a stream throw a {@link DialException}, which says why there is none.
 */
public final class Session {
  private final Warren warren;
  private final SessionKey key;

  Session(Warren warren, SessionKey key) {
    this.warren = warren;
    this.key = key;
  }

  /** The agent's id. */
  public String id() {
    return key.toString();
  }

  Warren warren() {
    return warren;
  }

  /**
   * Opens a stream as a socket.
   *
   * @throws IllegalArgumentException where the text is no target
   * @throws DialException where there is no stream
   * @throws IOException where the thread is interrupted
   */
  public Socket connect(String target) throws IOException {
    Target parsed = Target.parse(target);
    return new StreamSocket(this, parsed, await(dial(parsed, warren.settings().dialTimeout())));
  }

  /**
   * Opens a stream as a blocking channel.
   *
   * @throws IllegalArgumentException where the text is no target
   * @throws DialException where there is no stream
   * @throws IOException where the thread is interrupted
   */
  public StreamByteChannel open(String target) throws IOException {
    Target parsed = Target.parse(target);
    return new StreamByteChannel(await(dial(parsed, warren.settings().dialTimeout())));
  }

  /**
   * Opens a stream as a socket, without waiting for it. The future completes on the event loop:
   * what depends on it must not block there, so blocking reads belong on another thread.
   *
   * @throws IllegalArgumentException where the text is no target
   */
  public CompletableFuture<Socket> openAsync(String target) {
    Target parsed = Target.parse(target);
    return dial(parsed, warren.settings().dialTimeout())
        .thenApply(
            pipe -> {
              try {
                return new StreamSocket(this, parsed, pipe);
              } catch (IOException e) {
                throw new IllegalStateException("never fails", e);
              }
            });
  }

  /**
   * Opens a stream as a channel of Netty, for programs that are at home there. It is active, {@code
   * autoRead} is off and half closure allowed: add handlers, then read. {@code shutdownOutput()} is
   * a half close; {@code close()} before both directions have ended is a reset. The future
   * completes on the channel's event loop; who adds handlers later than there looks at {@code
   * isActive()} behind that, because a stream may break at any time.
   *
   * @throws IllegalArgumentException where the text is no target
   */
  public CompletableFuture<DuplexChannel> openChannel(String target) {
    return warren
        .lines()
        .dial(key, Target.parse(target), warren.settings().dialTimeout(), channel -> channel);
  }

  /**
   * Sockets whose {@code connect} opens a stream to the host and port that it is told, whatever
   * their name means here: a name is resolved by the agent.
   */
  public SocketFactory socketFactory() {
    return new SessionSocketFactory(this);
  }

  /**
   * Opens a port on this machine each of whose connections is a stream.
   *
   * @param listen where; port 0 takes a free one
   * @throws IllegalArgumentException where the text is no target
   * @throws IOException where the port cannot be had
   */
  public LocalPort forward(InetSocketAddress listen, String target) throws IOException {
    return LocalPort.forward(this, listen, Target.parse(target));
  }

  /**
   * Opens a SOCKS5 port on this machine, by which other programs reach what the agent reaches;
   * names are resolved by the agent. It asks for no password, so it belongs on a loopback address.
   *
   * @param listen where; port 0 takes a free one
   * @throws IOException where the port cannot be had
   */
  public LocalPort socks(InetSocketAddress listen) throws IOException {
    return LocalPort.socks(this, listen);
  }

  /** The pipe is in the channel's pipeline before anything can arrive. */
  CompletableFuture<StreamPipe> dial(Target target, Duration timeout) {
    return warren.lines().dial(key, target, timeout, StreamPipe::of);
  }

  SessionKey key() {
    return key;
  }

  StreamPipe await(CompletableFuture<StreamPipe> dial) throws IOException {
    EventLoop loop = warren.lines().loop();
    if (loop.inEventLoop()) {
      throw new IllegalStateException(
          "a blocking call on the event loop (expected: another thread, or openAsync)");
    }
    try {
      return dial.get();
    } catch (InterruptedException e) {
      dial.whenComplete(
          (pipe, failure) -> {
            if (pipe != null) {
              pipe.close(true);
            }
          });
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a stream was opened");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof DialException failure) {
        throw failure.again();
      }
      throw new IOException(e.getCause());
    }
  }
}

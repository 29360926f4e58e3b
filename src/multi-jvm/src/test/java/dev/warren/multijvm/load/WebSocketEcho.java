package dev.warren.multijvm.load;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A WebSocket to a {@link SlowTarget}: one message each 100 ms, which must come back. */
public final class WebSocketEcho implements AutoCloseable {
  private static final long BETWEEN_NANOS = 100_000_000;
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final byte[] MASK = {17, 42, -3, 99};
  private static final byte TEXT = (byte) 0x81; // the only frame of its message

  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private final AtomicInteger echoes = new AtomicInteger();
  private volatile boolean stopping;

  private WebSocketEcho() {}

  /** Opens one; returns when the target has switched to it. */
  public static WebSocketEcho open(Caller caller, String path) throws IOException {
    WebSocketEcho session = new WebSocketEcho();
    Connection connection = new Connection(caller.address(), PATIENCE);
    try {
      String key =
          Base64.getEncoder()
              .encodeToString(path.substring(0, 16).getBytes(StandardCharsets.US_ASCII));
      Connection.Head head =
          connection.begin(
              "GET",
              path,
              PATIENCE,
              List.of(
                  "Upgrade: websocket",
                  "Connection: Upgrade",
                  "Sec-WebSocket-Version: 13",
                  "Sec-WebSocket-Key: " + key));
      String accept = head.headers().getOrDefault("sec-websocket-accept", "");
      if (head.status() != 101 || !accept.equals(SlowTarget.accept(key))) {
        throw new IOException(path + " by way of " + caller.at() + ": " + head);
      }
    } catch (IOException | RuntimeException e) {
      connection.close();
      throw e;
    }
    Thread thread = new Thread(null, () -> session.run(connection, caller), "echo", 128 * 1024);
    thread.setDaemon(true);
    thread.start();
    return session;
  }

  private void run(Connection connection, Caller caller) {
    try (connection) {
      while (!stopping) {
        byte[] text = ("echo " + echoes.get()).getBytes(StandardCharsets.US_ASCII);
        byte[] frame = new byte[6 + text.length];
        frame[0] = TEXT;
        frame[1] = (byte) (0x80 | text.length);
        System.arraycopy(MASK, 0, frame, 2, 4);
        for (int i = 0; i < text.length; i++) {
          frame[6 + i] = (byte) (text[i] ^ MASK[i % 4]);
        }
        connection.out().write(frame);
        connection.out().flush();
        InputStream in = connection.in();
        byte[] back = in.readNBytes(2 + text.length);
        if (back.length < 2 + text.length) {
          throw new EOFException("it ends");
        }
        if (back[0] != TEXT || !Arrays.equals(text, Arrays.copyOfRange(back, 2, back.length))) {
          throw new IOException("another message comes back");
        }
        echoes.incrementAndGet();
        LockSupport.parkNanos(BETWEEN_NANOS);
      }
      done.complete(null);
    } catch (IOException | RuntimeException e) {
      done.completeExceptionally(
          new IOException(
              "WebSocket by way of " + caller.at() + " broke after " + echoes + " echoes: " + e,
              e));
    }
  }

  /**
   * Ends it.
   *
   * @return how many messages came back
   * @throws IOException where it broke before
   */
  public int stop() throws IOException {
    stopping = true;
    try {
      done.join();
    } catch (CompletionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    }
    return echoes.get();
  }

  @Override
  public void close() {
    stopping = true;
  }
}

package dev.warren.multijvm.load;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** A download at a steady rate, each byte of which is compared; it begins anew at its end. */
public final class Download implements AutoCloseable {
  private static final int CHUNK_BYTES = 16 * 1024;

  /** A stream that stands still for longer is broken. */
  private static final Duration STALL = Duration.ofSeconds(20);

  private final AtomicLong received = new AtomicLong();
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private final AtomicInteger whole = new AtomicInteger();
  private volatile boolean stopping;
  private volatile boolean last;

  private Download() {}

  /** Starts one that reads so many bytes a second of what should be {@code expected}. */
  public static Download start(Caller caller, String path, byte[] expected, int bytesPerSecond) {
    Download download = new Download();
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!download.stopping && !download.last) {
                  caller.download(
                      path, STALL, (body, length) -> download.read(body, expected, bytesPerSecond));
                }
                download.done.complete(null);
              } catch (IOException | RuntimeException | AssertionError e) {
                download.done.completeExceptionally(
                    new IOException(
                        "download by way of "
                            + caller.at()
                            + " broke after "
                            + download.received
                            + " bytes: "
                            + e,
                        e));
              }
            },
            "download");
    thread.setDaemon(true);
    thread.start();
    return download;
  }

  private void read(InputStream body, byte[] expected, int bytesPerSecond) throws IOException {
    long start = System.nanoTime();
    byte[] chunk = new byte[CHUNK_BYTES];
    int at = 0;
    while (at < expected.length && !stopping) {
      int wanted = Math.min(chunk.length, expected.length - at);
      int read = body.readNBytes(chunk, 0, wanted);
      if (read < wanted) {
        throw new EOFException(
            "it ends after " + (at + read) + " of " + expected.length + " bytes");
      }
      int differs = Arrays.mismatch(chunk, 0, read, expected, at, at + read);
      if (differs >= 0) {
        throw new IOException("another byte at offset " + (at + differs));
      }
      at += read;
      received.addAndGet(read);
      long due = start + (long) (at * 1e9 / bytesPerSecond);
      LockSupport.parkNanos(due - System.nanoTime());
    }
    if (at == expected.length) {
      whole.incrementAndGet();
    }
  }

  /** All bytes so far. */
  public long received() {
    return received.get();
  }

  public boolean isBroken() {
    return done.isCompletedExceptionally();
  }

  /**
   * Ends it.
   *
   * @return how many bytes arrived, all as expected
   * @throws IOException where it broke before
   */
  public long stop() throws IOException {
    stopping = true;
    try {
      done.join();
    } catch (CompletionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    }
    return received.get();
  }

  /**
   * Lets the one under way come to its end, and begins no other.
   *
   * @return how many arrived whole
   * @throws IOException where one broke
   */
  public int finish() throws IOException {
    last = true;
    try {
      done.join();
    } catch (CompletionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    }
    return whole.get();
  }

  @Override
  public void close() {
    stopping = true;
  }
}

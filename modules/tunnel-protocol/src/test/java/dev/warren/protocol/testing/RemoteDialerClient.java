package dev.warren.protocol.testing;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;

/**
 * A remotedialer client as the stock one behaves (REMOTEDIALER.md): it dials the TCP targets that
 * it is asked for, does not answer CONNECT, buffers without bound, says PAUSE beyond 2 MiB and
 * RESUME below 256 KiB, obeys both, pings every 5 s, and has no half close.
 */
public final class RemoteDialerClient implements AutoCloseable {
  private static final int PAUSE_BYTES = 2 << 20;
  private static final int RESUME_BYTES = 256 << 10;
  private static final int READ_BYTES = 32 << 10;

  private final RemoteDialerWire wire;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final ScheduledExecutorService pings = Executors.newSingleThreadScheduledExecutor();
  private final Map<Long, Dialled> connections = new ConcurrentHashMap<>();
  private volatile int pausesSent;
  private volatile int pausesSeen;
  private volatile boolean ended;

  private final class Dialled {
    private final long id;
    private final ArrayDeque<byte[]> buffer = new ArrayDeque<>();
    private int buffered;
    private boolean pauseSent;
    private boolean paused;
    private boolean ended;
    private Socket target;

    Dialled(long id) {
      this.id = id;
    }

    void run(String address) {
      try {
        int colon = address.lastIndexOf(':');
        target =
            new Socket(
                address.substring(address.indexOf('/') + 1, colon),
                Integer.parseInt(address.substring(colon + 1)));
        target.setTcpNoDelay(true);
      } catch (IOException e) {
        end("dial " + address.replace('/', ' ') + ": connect: " + e.getMessage().toLowerCase());
        return;
      }
      threads.execute(this::pump);
      try {
        OutputStream out = target.getOutputStream();
        for (byte[] next = next(); next != null; next = next()) {
          out.write(next);
        }
        target.close();
      } catch (IOException e) {
        end("write tcp: " + e.getMessage());
      }
    }

    private synchronized byte[] next() throws IOException {
      while (buffer.isEmpty() && !ended) {
        await();
      }
      byte[] next = buffer.poll();
      if (next != null) {
        buffered -= next.length;
        if (pauseSent && buffered < RESUME_BYTES) {
          pauseSent = false;
          wire.send(RemoteDialerWire.RESUME, id, new byte[0]);
        }
      }
      return next;
    }

    synchronized void data(byte[] bytes) throws IOException {
      buffer.add(bytes);
      buffered += bytes.length;
      if (buffered > PAUSE_BYTES && !pauseSent) {
        pauseSent = true;
        pausesSent++;
        wire.send(RemoteDialerWire.PAUSE, id, new byte[0]);
      }
      notifyAll();
    }

    private void pump() {
      try {
        InputStream in = target.getInputStream();
        byte[] bytes = new byte[READ_BYTES];
        for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
          awaitResume();
          byte[] part = new byte[n];
          System.arraycopy(bytes, 0, part, 0, n);
          wire.data(id, part);
        }
        end("EOF");
      } catch (IOException e) {
        end("read tcp: " + e.getMessage());
      }
    }

    private synchronized void awaitResume() throws IOException {
      while (paused && !ended) {
        await();
      }
    }

    private void await() throws IOException {
      try {
        wait();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }

    synchronized void paused(boolean now) {
      paused = now;
      notifyAll();
    }

    /** The first end closes both directions; what has come is still written. */
    synchronized void ended() {
      ended = true;
      notifyAll();
    }

    private void end(String text) {
      if (connections.remove(id, this)) {
        ended();
        try {
          wire.error(id, text);
        } catch (IOException e) {
          // the WebSocket is gone, and with it everything
        }
      }
      if (target != null) {
        try {
          target.close();
        } catch (IOException e) {
          // is closed
        }
      }
    }
  }

  private RemoteDialerClient(RemoteDialerWire wire) {
    this.wire = wire;
  }

  public static RemoteDialerClient connect(
      InetSocketAddress gateway, String path, String... headers) throws IOException {
    RemoteDialerClient client =
        new RemoteDialerClient(RemoteDialerWire.dial(gateway, path, headers));
    client.threads.execute(client::serve);
    client.pings.scheduleWithFixedDelay(client::ping, 0, 5_000, MILLISECONDS);
    return client;
  }

  private void ping() {
    try {
      wire.ping();
    } catch (IOException e) {
      pings.shutdown();
    }
  }

  private void serve() {
    try {
      for (var message = wire.receive(); message != null; message = wire.receive()) {
        Dialled known = connections.get(message.connection());
        switch (message.type()) {
          case RemoteDialerWire.CONNECT -> {
            Dialled dialled = new Dialled(message.connection());
            connections.put(message.connection(), dialled);
            String address = message.text();
            threads.execute(() -> dialled.run(address));
          }
          case RemoteDialerWire.DATA -> {
            if (known == null) {
              wire.error(message.connection(), "connection not found " + message.connection());
            } else {
              known.data(message.body());
            }
          }
          case RemoteDialerWire.ERROR -> {
            if (known != null) {
              connections.remove(message.connection());
              known.ended();
            }
          }
          case RemoteDialerWire.PAUSE, RemoteDialerWire.RESUME -> {
            if (known != null) {
              boolean pause = message.type() == RemoteDialerWire.PAUSE;
              pausesSeen += pause ? 1 : 0;
              known.paused(pause);
            }
          }
          default -> throw new IOException("message of type " + message.type());
        }
      }
    } catch (IOException | RuntimeException e) {
      // ends as a lost connection does
    }
    ended = true;
    connections.values().forEach(Dialled::ended);
  }

  /** Connections that are alive. */
  public int connections() {
    return connections.size();
  }

  public int pausesSent() {
    return pausesSent;
  }

  public int pausesSeen() {
    return pausesSeen;
  }

  /** Tells the ids that are alive, as a stock client does every 60 s. */
  public void sync() throws IOException {
    wire.sync(connections.keySet().stream().mapToLong(id -> id).toArray());
  }

  /** Whether the WebSocket has ended. */
  public boolean isEnded() {
    return ended;
  }

  public BooleanSupplier ended() {
    return () -> ended;
  }

  @Override
  public void close() throws IOException {
    pings.shutdownNow();
    wire.close();
    for (Dialled dialled : connections.values()) {
      dialled.ended();
      if (dialled.target != null) {
        dialled.target.close();
      }
    }
    threads.shutdownNow();
  }
}

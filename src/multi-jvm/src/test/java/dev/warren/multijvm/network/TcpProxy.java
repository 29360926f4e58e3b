package dev.warren.multijvm.network;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Carries TCP connections from a port of its own to another one, and can do to them what networks
 * do: cut them, swallow what they carry, both ways or one, delay it, slow it down.
 */
public final class TcpProxy implements AutoCloseable {
  private static final int CHUNK_BYTES = 16 * 1024;

  private final ServerSocket listener;
  private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();
  private volatile InetSocketAddress target;
  private volatile boolean hole;
  private volatile boolean upLost;
  private volatile boolean downLost;
  private volatile boolean refusing;
  private volatile long delayNanos;
  private volatile long bytesPerSecond = Long.MAX_VALUE;

  private TcpProxy(ServerSocket listener, InetSocketAddress target) {
    this.listener = listener;
    this.target = target;
  }

  /** One that listens on a free loopback port. */
  public static TcpProxy to(InetSocketAddress target) throws IOException {
    return at(0, target);
  }

  /** One that listens on this loopback port. */
  public static TcpProxy at(int port, InetSocketAddress target) throws IOException {
    TcpProxy proxy =
        new TcpProxy(new ServerSocket(port, 1_024, InetAddress.getByName("127.0.0.1")), target);
    daemon("proxy", proxy::accept);
    return proxy;
  }

  private static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** As {@code 127.0.0.1:PORT}. */
  public String address() {
    return "127.0.0.1:" + port();
  }

  /** How many connections pass now. */
  public int connections() {
    return pairs.size();
  }

  /** Resets every connection, both ways; new ones pass. */
  public void cut() {
    pairs.forEach(Pair::reset);
  }

  /** Resets every connection, and each new one as soon as it is there. */
  public void refuse() {
    refusing = true;
    cut();
  }

  /** From now on nothing passes, and nobody is told: sockets stay, new ones are accepted too. */
  public void blackHole() {
    hole = true;
  }

  /**
   * From now on nothing passes from those who connect to the target, and nobody is told; what the
   * target sends passes.
   */
  public void loseUp() {
    upLost = true;
  }

  /** As {@link #loseUp}, the other way. */
  public void loseDown() {
    downLost = true;
  }

  /** What is sent waits so long before it is passed on, each way. */
  public void delay(Duration oneWay) {
    delayNanos = oneWay.toNanos();
  }

  /** No connection passes more bytes a second each way than these. */
  public void cap(long bytes) {
    bytesPerSecond = bytes;
  }

  /** All passes as at the beginning; what was swallowed meanwhile resets its connection. */
  public void heal() {
    refusing = false;
    delayNanos = 0;
    bytesPerSecond = Long.MAX_VALUE;
    upLost = false;
    downLost = false;
    if (hole) {
      hole = false;
    }
    pairs.stream().filter(pair -> pair.swallowed).forEach(Pair::reset);
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket in = listener.accept();
        daemon("proxy", () -> connect(in));
      } catch (IOException e) {
        // Closed, or a connection that was gone before it was there.
      }
    }
  }

  private void connect(Socket in) {
    Pair pair = new Pair(in, new Socket());
    pairs.add(pair);
    if (refusing) {
      pair.reset();
      return;
    }
    // A hole is there before the other side knows of the connection.
    while (hole) {
      pair.swallowed = true;
      LockSupport.parkNanos(20_000_000);
      if (in.isClosed()) {
        return;
      }
    }
    try {
      in.setTcpNoDelay(true);
      pair.out.setTcpNoDelay(true);
      pair.out.connect(target, 5_000);
    } catch (IOException e) {
      pair.reset();
      return;
    }
    daemon("proxy", () -> pair.pump(in, pair.out));
    pair.pump(pair.out, in);
  }

  private final class Pair {
    private final Socket in;
    private final Socket out;
    private volatile boolean swallowed;
    private int ended;

    Pair(Socket in, Socket out) {
      this.in = in;
      this.out = out;
    }

    void reset() {
      pairs.remove(this);
      for (Socket socket : new Socket[] {in, out}) {
        try {
          // A socket that is closed with this sends RST in place of FIN.
          socket.setSoLinger(true, 0);
          socket.close();
        } catch (IOException e) {
          // It is gone in any case.
        }
      }
    }

    private boolean loses(Socket from) {
      return from == in ? upLost : downLost;
    }

    void pump(Socket from, Socket to) {
      byte[] chunk = new byte[CHUNK_BYTES];
      try {
        InputStream source = from.getInputStream();
        OutputStream sink = to.getOutputStream();
        for (int read = source.read(chunk); read >= 0; read = source.read(chunk)) {
          if (hole || loses(from)) {
            swallowed = true;
            continue;
          }
          if (delayNanos > 0) {
            LockSupport.parkNanos(delayNanos);
          }
          long rate = bytesPerSecond;
          if (rate != Long.MAX_VALUE) {
            LockSupport.parkNanos((long) (read * 1e9 / rate));
          }
          sink.write(chunk, 0, read);
        }
        while (hole || loses(from)) {
          // A FIN is swallowed as everything is.
          swallowed = true;
          LockSupport.parkNanos(20_000_000);
          if (!pairs.contains(this)) {
            return;
          }
        }
        to.shutdownOutput();
        synchronized (this) {
          if (++ended < 2) {
            return;
          }
        }
        pairs.remove(this);
        in.close();
        out.close();
      } catch (IOException e) {
        if (hole || upLost || downLost) { // a RST may not pass either
          swallowed = true;
          return;
        }
        reset();
      }
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}

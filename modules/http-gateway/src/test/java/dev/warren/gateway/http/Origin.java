package dev.warren.gateway.http;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;

/** A target with plain sockets: what it does with each connection, the test says. */
final class Origin implements AutoCloseable {
  /** Serves one connection; it is closed when this returns. */
  @FunctionalInterface
  interface Script {
    void serve(Connection connection) throws Exception;
  }

  /** One connection, as the origin sees it. */
  static final class Connection {
    final Socket socket;
    final InputStream in;
    final OutputStream out;

    private final Origin origin;

    Connection(Origin origin, Socket socket) throws IOException {
      this.origin = origin;
      this.socket = socket;
      in = new BufferedInputStream(socket.getInputStream(), 65_536);
      out = socket.getOutputStream();
    }

    Origin origin() {
      return origin;
    }

    Response request() throws IOException {
      return Response.request(in);
    }

    void send(String text) throws IOException {
      send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    void send(byte[] bytes) throws IOException {
      out.write(bytes);
      out.flush();
    }

    /** Waits until the other side has ended the connection, cleanly or not. */
    void awaitEnd() {
      try {
        while (in.read() >= 0) {
          // drained
        }
      } catch (IOException e) {
        // ended
      }
    }

    /** Ends it with an RST. */
    void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }
  }

  private final ServerSocket listener;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> orders = new LinkedBlockingQueue<>();

  private Origin(ServerSocket listener) {
    this.listener = listener;
  }

  static Origin start(Script script) throws IOException {
    return start(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), script);
  }

  static Origin start(ServerSocket listener, Script script) {
    Origin origin = new Origin(listener);
    Thread acceptor = new Thread(() -> origin.accept(script), "origin");
    acceptor.setDaemon(true);
    acceptor.start();
    return origin;
  }

  /** Answers every request of every connection with this text, which is a whole response. */
  static Origin answering(String response) throws IOException {
    return start(
        connection -> {
          while (true) {
            connection.request();
            connection.send(response);
          }
        });
  }

  private void accept(Script script) {
    while (true) {
      Socket socket;
      try {
        socket = listener.accept();
      } catch (IOException closed) {
        return;
      }
      connections.incrementAndGet();
      sockets.add(socket);
      Thread thread = new Thread(() -> serve(script, socket), "origin connection");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void serve(Script script, Socket socket) {
    try (socket) {
      script.serve(new Connection(this, socket));
    } catch (EOFException | SocketException | SSLException ended) {
      // the other side's right
    } catch (Throwable e) {
      failures.add(e);
    }
  }

  int port() {
    return listener.getLocalPort();
  }

  String authority() {
    return "127.0.0.1:" + port();
  }

  /** The start of a path to here. */
  String path() {
    return "/client/foo/http/" + authority();
  }

  int connections() {
    return connections.get();
  }

  /** Tells the test something. */
  void tell(String event) {
    events.add(event);
  }

  String told() throws InterruptedException {
    String event = events.poll(20, TimeUnit.SECONDS);
    if (event == null) {
      throw new AssertionError("the origin told nothing; its failures: " + failures);
    }
    return event;
  }

  /** What the origin told, which is one of two. */
  String toldOr(String one, String other) throws InterruptedException {
    String event = told();
    if (!event.equals(one) && !event.equals(other)) {
      throw new AssertionError("the origin told " + event);
    }
    return event;
  }

  /** Tells the origin something. */
  void say(String order) {
    orders.add(order);
  }

  /** At the origin: the test's next order. */
  String heard() throws InterruptedException {
    String order = orders.poll(20, TimeUnit.SECONDS);
    return order == null ? "nothing" : order;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : sockets) {
      socket.close();
    }
    if (!failures.isEmpty()) {
      throw new AssertionError("in an origin", failures.peek());
    }
  }
}

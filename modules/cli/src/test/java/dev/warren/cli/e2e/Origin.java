package dev.warren.cli.e2e;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A target that follows a script on each of its connections, one thread each. A script that throws
 * {@link IOException} has met the end of its connection, which is no failure; whatever else it
 * throws fails the test when the origin is closed.
 */
final class Origin implements AutoCloseable {
  /** What is done on one connection. */
  interface Script {
    void run(Wire connection) throws IOException, InterruptedException;
  }

  private final ServerSocket listener;
  private final Script script;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final BlockingQueue<Throwable> faults = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();

  private Origin(ServerSocket listener, Script script) {
    this.listener = listener;
    this.script = script;
  }

  static Origin start(Script script) throws IOException {
    return start(new ServerSocket(0, 200, InetAddress.getLoopbackAddress()), script);
  }

  static Origin start(ServerSocket listener, Script script) {
    Origin origin = new Origin(listener, script);
    thread("origin-accept", origin::accept);
    return origin;
  }

  /** Sends every request's body back, on connections that stay open. */
  static Origin echo() throws IOException {
    return start(
        connection -> {
          while (true) {
            Message request = connection.message();
            byte[] body = request.body(connection.in);
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n");
            connection.send(body);
          }
        });
  }

  private static void thread(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        open.add(socket);
        accepted.incrementAndGet();
        thread("origin", () -> follow(socket));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void follow(Socket socket) {
    try (Wire connection = new Wire(socket)) {
      script.run(connection);
    } catch (IOException | InterruptedException end) {
      // The other side ended it.
    } catch (RuntimeException | Error fault) {
      faults.add(fault);
    } finally {
      open.remove(socket);
    }
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Connections whose script still runs. */
  int open() {
    return open.size();
  }

  int accepted() {
    return accepted.get();
  }

  /** A script says something to the test. */
  void tell(String what) {
    told.add(what);
  }

  /** The next thing that a script said. */
  String told() throws InterruptedException {
    String next = told.poll(30, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("the origin told nothing within 30 s; faults: " + faults);
    }
    return next;
  }

  /** What was told and not yet asked for. */
  List<String> rest() {
    return List.copyOf(told);
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    Throwable fault = faults.poll();
    if (fault != null) {
      throw new AssertionError("the origin's script failed", fault);
    }
  }
}

package dev.warren.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** A target that does what a test says on each of its connections. */
final class Peer implements AutoCloseable {
  /** What is done on one connection; what it returns the test may ask for. */
  interface Script {
    Object run(Socket connection) throws Exception;
  }

  private final ServerSocket listener;
  private final Script script;
  private final Queue<Socket> open = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Object> first = new CompletableFuture<>();

  private Peer(Script script) throws IOException {
    this.script = script;
    listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
    thread(this::accept);
  }

  static Peer of(Script script) throws IOException {
    return new Peer(script);
  }

  /** Sends everything back, and ends when the other side has. */
  static Peer echo() throws IOException {
    return of(
        connection -> {
          connection.getInputStream().transferTo(connection.getOutputStream());
          connection.shutdownOutput();
          return "ended";
        });
  }

  private static void thread(Runnable work) {
    Thread thread = new Thread(work, "peer");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = listener.accept();
        connection.setSoTimeout(30_000);
        open.add(connection);
        thread(() -> follow(connection));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void follow(Socket connection) {
    try (connection) {
      first.complete(script.run(connection));
    } catch (Exception e) {
      first.complete(e);
    }
  }

  String target() {
    return "127.0.0.1:" + port();
  }

  int port() {
    return listener.getLocalPort();
  }

  /** What the script returned, or threw, on the connection that was first to end. */
  Object outcome() throws Exception {
    return first.get(30, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket connection : open) {
      connection.close();
    }
  }
}

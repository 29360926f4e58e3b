package dev.warren.bench.load;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.net.SocketFactory;

/** One request on a socket of its own, of which only as much is read as a case wants. */
final class RawCaller implements AutoCloseable {
  private static final int TIMEOUT_MILLIS = 60_000;

  private final Socket socket;
  private final long startedNanos;

  private RawCaller(Socket socket, long startedNanos) {
    this.socket = socket;
    this.startedNanos = startedNanos;
  }

  /** Connects and asks; reads nothing. */
  static RawCaller ask(Stage stage, Subject subject, String file) {
    return ask(stage.port(subject, file), stage.path(subject, file), subject.toString());
  }

  /**
   * Connects and asks; reads nothing.
   *
   * @param who is asked, for people
   */
  static RawCaller ask(int port, String path, String who) {
    return ask(SocketFactory.getDefault(), port, path, who);
  }

  /**
   * Connects and asks; reads nothing.
   *
   * @param sockets of TLS, or plain
   * @param who is asked, for people
   */
  static RawCaller ask(SocketFactory sockets, int port, String path, String who) {
    long started = System.nanoTime();
    Socket socket;
    try {
      socket = sockets.createSocket();
    } catch (IOException e) {
      throw new LoadException(who + ": no socket: " + e.getMessage(), e);
    }
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket.connect(new InetSocketAddress("127.0.0.1", port), TIMEOUT_MILLIS);
      String request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new RawCaller(socket, started);
    } catch (IOException e) {
      try {
        socket.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw new LoadException(who + ": cannot ask for " + path + ": " + e.getMessage(), e);
    }
  }

  /** Waits for the answer to begin; returns the milliseconds since the connect. */
  double firstByteMillis() {
    try {
      byte[] begin = new byte[12];
      InputStream in = socket.getInputStream();
      int first = in.read();
      double millis = (System.nanoTime() - startedNanos) / 1e6;
      begin[0] = (byte) first;
      int more = in.readNBytes(begin, 1, begin.length - 1);
      String line = new String(begin, 0, 1 + more, StandardCharsets.US_ASCII);
      if (!line.equals("HTTP/1.1 200")) {
        throw new LoadException("an answer began with \"" + line + "\" (expected: HTTP/1.1 200)");
      }
      return millis;
    } catch (IOException e) {
      throw new LoadException("no answer: " + e.getMessage(), e);
    }
  }

  /** Reads so many bytes, and fails where there are no more. */
  void read(int bytes) {
    try {
      if (socket.getInputStream().readNBytes(bytes).length < bytes) {
        throw new LoadException("a stream ended early");
      }
    } catch (IOException e) {
      throw new LoadException("a stream broke: " + e.getMessage(), e);
    }
  }

  /** What the kernel holds for a reader that does not read (bytes). */
  int waiting() {
    try {
      return socket.getInputStream().available();
    } catch (IOException e) {
      throw new LoadException("a stream whose reader had stopped broke: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new LoadException("cannot close a socket: " + e.getMessage(), e);
    }
  }
}

package dev.warren.cli.e2e;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One end of a connection in the hand of a test: it sends what the test says, byte for byte. */
final class Wire implements AutoCloseable {
  /** Long enough for anything that comes at all; a test that runs into it has failed. */
  private static final int PATIENCE_MILLIS = 30_000;

  final Socket socket;
  final InputStream in;
  final OutputStream out;

  Wire(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream(), 65_536);
    out = socket.getOutputStream();
  }

  static Wire to(int port) throws IOException {
    return new Wire(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  Wire send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  Wire send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
    return this;
  }

  /** Sends lines, each ended by CRLF, and an empty one behind them. */
  Wire head(String... lines) throws IOException {
    return send(String.join("\r\n", lines) + "\r\n\r\n");
  }

  Message message() throws IOException {
    return Message.read(in);
  }

  String text(int bytes) throws IOException {
    return new String(in.readNBytes(bytes), StandardCharsets.ISO_8859_1);
  }

  /** The status of an answer that is read to its end. */
  int status() throws IOException {
    Message answer = message();
    answer.body(in);
    return answer.status();
  }

  /** The body of an answer whose status must be this one. */
  String body(int status) throws IOException {
    Message answer = message();
    String body = new String(answer.body(in), StandardCharsets.UTF_8);
    if (answer.status() != status) {
      throw new AssertionError(answer.start() + ": " + body + " (expected: " + status + ")");
    }
    return body;
  }

  /** Closes as a crash would: the far side sees a reset. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

package dev.warren.gateway.http;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A caller with a plain socket, who sends what the test says, well-formed or not. */
final class Caller implements AutoCloseable {
  /** Long enough for anything that comes at all; a test that runs into it has failed. */
  private static final int PATIENCE_MILLIS = 20_000;

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  Caller(int port) throws IOException {
    this(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  Caller(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream(), 65_536);
    out = socket.getOutputStream();
  }

  Socket socket() {
    return socket;
  }

  InputStream in() {
    return in;
  }

  Caller send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  Caller send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
    return this;
  }

  /** Sends lines, each ended by CRLF, and an empty one behind them. */
  Caller head(String... lines) throws IOException {
    return send(String.join("\r\n", lines) + "\r\n\r\n");
  }

  void endOutput() throws IOException {
    socket.shutdownOutput();
  }

  Response response() throws IOException {
    return Response.read(in, false);
  }

  /** The response to a HEAD. */
  Response bodyless() throws IOException {
    return Response.read(in, true);
  }

  String line() throws IOException {
    return Response.line(in);
  }

  String text(int bytes) throws IOException {
    byte[] read = in.readNBytes(bytes);
    if (read.length < bytes) {
      throw new EOFException("after " + read.length + " of " + bytes + " bytes");
    }
    return new String(read, StandardCharsets.ISO_8859_1);
  }

  /** All that comes until the connection ends, in whichever way it ends. */
  String rest() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] some = new byte[8_192];
    try {
      for (int n; (n = in.read(some)) >= 0; ) {
        all.write(some, 0, n);
      }
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("the connection did not end; it sent: " + all, e);
    } catch (IOException reset) {
      // an end, too
    }
    return all.toString(StandardCharsets.ISO_8859_1);
  }

  void hangUp() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

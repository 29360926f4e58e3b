package dev.warren.bench.load;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** A connection behind an upgrade, whose far end sends back what comes. */
final class PingPong implements AutoCloseable {
  /** Of one message. */
  static final int BYTES = 64;

  private static final int TIMEOUT_MILLIS = 30_000;
  private static final int FIN_BINARY = 0x82;
  private static final int MASKED = 0x80;
  private static final int MAX_HEAD_BYTES = 4_096;
  private static final int MAX_REASON_BYTES = 200;

  /** What is spoken behind the upgrade. */
  enum Kind {
    RAW("raw bytes", "echo", ""),
    WEB_SOCKET(
        "WebSocket",
        "websocket",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");

    private final String text;
    private final String protocol;
    private final String headers;

    Kind(String text, String protocol, String headers) {
      this.text = text;
      this.protocol = protocol;
      this.headers = headers;
    }

    @Override
    public String toString() {
      return text;
    }

    /** A message as it is sent, and as it comes back. */
    private byte[] framed(boolean sent) {
      byte[] payload = new byte[BYTES];
      Arrays.fill(payload, (byte) 'p');
      if (this == RAW) {
        return payload;
      }
      // The key 0 masks nothing, so the payload is the same both ways.
      byte[] frame = new byte[(sent ? 6 : 2) + BYTES];
      frame[0] = (byte) FIN_BINARY;
      frame[1] = (byte) (sent ? MASKED | BYTES : BYTES);
      System.arraycopy(payload, 0, frame, frame.length - BYTES, BYTES);
      return frame;
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;

  private PingPong(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new DataInputStream(socket.getInputStream());
    this.out = socket.getOutputStream();
  }

  /** Connects; returns when the upgrade is done. */
  static PingPong open(Stage stage, Subject subject, Kind kind) {
    Socket socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket.connect(
          new InetSocketAddress(FreePorts.HOST, stage.port(subject, Stage.ECHO)), TIMEOUT_MILLIS);
      PingPong opened = new PingPong(socket);
      opened.upgrade(stage.path(subject, Stage.ECHO), kind);
      return opened;
    } catch (IOException e) {
      try {
        socket.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw new LoadException(subject + ", " + kind + ": " + e.getMessage(), e);
    }
  }

  private void upgrade(String path, Kind kind) throws IOException {
    out.write(
        ("GET "
                + path
                + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: "
                + kind.protocol
                + "\r\n"
                + kind.headers
                + "\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0 || head.length() > MAX_HEAD_BYTES) {
        throw new IOException("no upgrade: " + head);
      }
      head.append((char) next);
    }
    if (!head.toString().startsWith("HTTP/1.1 101")) {
      byte[] why = new byte[MAX_REASON_BYTES];
      int length = Math.max(0, in.read(why));
      throw new IOException(
          "no upgrade: " + head + new String(why, 0, length, StandardCharsets.US_ASCII));
    }
  }

  /** Microseconds of each of so many messages to and fro, one at a time. */
  static Series run(Stage stage, Subject subject, Kind kind, int count) {
    Series micros = new Series();
    byte[] ping = kind.framed(true);
    byte[] pong = kind.framed(false);
    byte[] came = new byte[pong.length];
    try (PingPong connection = open(stage, subject, kind)) {
      for (int i = 0; i < count; i++) {
        long since = System.nanoTime();
        connection.out.write(ping);
        connection.in.readFully(came);
        micros.add((System.nanoTime() - since) / 1e3);
        if (!Arrays.equals(came, pong)) {
          throw new LoadException(subject + ", " + kind + ": something else came back");
        }
      }
    } catch (IOException e) {
      throw new LoadException(subject + ", " + kind + ": " + e.getMessage(), e);
    }
    return micros;
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

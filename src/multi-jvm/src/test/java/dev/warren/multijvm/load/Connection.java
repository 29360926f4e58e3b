package dev.warren.multijvm.load;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One HTTP/1.1 connection of a caller. The JDK's client would send a request twice where a
 * connection breaks, and hide what these tests look for.
 */
final class Connection implements AutoCloseable {
  private final Socket socket;
  private final BufferedInputStream in;
  private final String host;
  private long usedAtNanos = System.nanoTime();

  Connection(InetSocketAddress address, Duration within) throws IOException {
    socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.connect(address, (int) within.toMillis());
      in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
    } catch (IOException e) {
      socket.close();
      throw e;
    }
    host = address.getHostString() + ":" + address.getPort();
  }

  /** Sends a request without a body and reads the whole answer. */
  Answer exchange(String method, String path, Duration within, List<String> headers)
      throws IOException {
    Head head = begin(method, path, within, headers);
    byte[] body = readBody(method, head);
    usedAtNanos = System.nanoTime();
    return new Answer(head.status(), head.headers(), body);
  }

  record Head(int status, Map<String, String> headers) {}

  /** Sends a request and reads the head of the answer; the body is up to the caller. */
  Head begin(String method, String path, Duration within, List<String> headers) throws IOException {
    socket.setSoTimeout((int) within.toMillis());
    StringBuilder request = new StringBuilder();
    request.append(method).append(' ').append(path).append(" HTTP/1.1\r\nHost: ").append(host);
    for (String header : headers) {
      request.append("\r\n").append(header);
    }
    request.append("\r\n\r\n");
    socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
    String line = line();
    String[] words = line.split(" ", 3);
    if (words.length < 2 || !words[0].startsWith("HTTP/1.1")) {
      throw new IOException("\"" + line + "\" (expected: a status line)");
    }
    Map<String, String> fields = new HashMap<>();
    for (String field = line(); !field.isEmpty(); field = line()) {
      int colon = field.indexOf(':');
      fields.put(
          field.substring(0, colon).toLowerCase(Locale.ROOT), field.substring(colon + 1).strip());
    }
    return new Head(Integer.parseInt(words[1]), fields);
  }

  /** The bytes of the answer, as they come. */
  InputStream in() {
    return in;
  }

  /** For the bytes of another protocol, after an upgrade. */
  OutputStream out() throws IOException {
    return socket.getOutputStream();
  }

  private byte[] readBody(String method, Head head) throws IOException {
    if (method.equals("HEAD") || head.status() == 204 || head.status() == 304) {
      return new byte[0];
    }
    if (head.headers().getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      while (true) {
        int length = Integer.parseInt(line().split(";", 2)[0].strip(), 16);
        if (length == 0) {
          while (!line().isEmpty()) {
            // Trailers say nothing here.
          }
          return body.toByteArray();
        }
        body.write(exactly(length));
        line();
      }
    }
    String length = head.headers().get("content-length");
    return length == null ? in.readAllBytes() : exactly(Integer.parseInt(length));
  }

  private byte[] exactly(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("the answer ends after " + bytes.length + " of " + length + " bytes");
    }
    return bytes;
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException("the connection ends after \"" + line + "\"");
      }
      if (next == '\n') {
        return line.toString();
      }
      if (next != '\r') {
        line.append((char) next);
      }
    }
  }

  boolean idleFor(Duration span) {
    return System.nanoTime() - usedAtNanos > span.toNanos();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone in any case.
    }
  }
}

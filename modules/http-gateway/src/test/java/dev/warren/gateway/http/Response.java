package dev.warren.gateway.http;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A message as it stood on the wire; requests read at an origin have the same shape.
 *
 * @param start its first line
 * @param headers its header lines, in order
 * @param body decoded
 * @param trailers the lines behind the last chunk
 */
@SuppressWarnings("ArrayRecordComponent") // responses are read, never compared
record Response(String start, List<String> headers, byte[] body, List<String> trailers) {

  int status() {
    return Integer.parseInt(start.substring(9, 12));
  }

  String text() {
    return new String(body, StandardCharsets.ISO_8859_1);
  }

  /** The values of all header lines of this name, joined; null where there is none. */
  String header(String name) {
    List<String> values = new ArrayList<>();
    for (String line : headers) {
      int colon = line.indexOf(':');
      if (line.substring(0, colon).equalsIgnoreCase(name)) {
        values.add(line.substring(colon + 1).strip());
      }
    }
    return values.isEmpty() ? null : String.join(", ", values);
  }

  static Response head(InputStream in) throws IOException {
    String start = line(in);
    return new Response(start, lines(in), new byte[0], List.of());
  }

  /** Reads a response with its body, however that is framed; 1xx have none. */
  static Response read(InputStream in, boolean bodyless) throws IOException {
    Response head = head(in);
    int status = head.status();
    if (bodyless || status < 200 || status == 204 || status == 304) {
      return head;
    }
    return head.withBody(in, true);
  }

  /** Reads a request with its body. */
  static Response request(InputStream in) throws IOException {
    return head(in).withBody(in, false);
  }

  private Response withBody(InputStream in, boolean untilEnd) throws IOException {
    String length = header("content-length");
    if (header("transfer-encoding") != null) {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      byte[] chunk = chunk(in);
      while (chunk.length > 0) {
        all.write(chunk);
        chunk = chunk(in);
      }
      return new Response(start, headers, all.toByteArray(), lines(in));
    }
    if (length != null) {
      int bytes = Integer.parseInt(length);
      byte[] read = in.readNBytes(bytes);
      if (read.length < bytes) {
        throw new EOFException("body: " + read.length + " of " + bytes + " bytes");
      }
      return new Response(start, headers, read, List.of());
    }
    return new Response(start, headers, untilEnd ? in.readAllBytes() : new byte[0], List.of());
  }

  /** One chunk; an empty one is the last, and the trailers follow. */
  static byte[] chunk(InputStream in) throws IOException {
    int size = Integer.parseInt(line(in), 16);
    if (size == 0) {
      return new byte[0];
    }
    byte[] read = in.readNBytes(size);
    if (read.length < size || !line(in).isEmpty()) {
      throw new EOFException("chunk: " + read.length + " of " + size + " bytes");
    }
    return read;
  }

  static List<String> lines(InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    String line = line(in);
    while (!line.isEmpty()) {
      lines.add(line);
      line = line(in);
    }
    return lines;
  }

  static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b; (b = in.read()) != '\n'; ) {
      if (b < 0) {
        throw new EOFException("line: \"" + line.toString(StandardCharsets.ISO_8859_1) + "\"");
      }
      line.write(b);
    }
    String text = line.toString(StandardCharsets.ISO_8859_1);
    return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
  }
}

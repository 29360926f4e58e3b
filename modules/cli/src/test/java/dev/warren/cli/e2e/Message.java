package dev.warren.cli.e2e;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An HTTP message as it stood on the wire.
 *
 * @param start its first line
 * @param lines its header lines, in their order
 */
record Message(String start, List<String> lines) {
  static Message read(InputStream in) throws IOException {
    String start = line(in);
    return new Message(start, lines(in));
  }

  private static List<String> lines(InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      lines.add(line);
    }
    return lines;
  }

  static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("the connection ended behind \"" + line + "\"");
      }
      if (next != '\r') {
        line.write(next);
      }
    }
    return line.toString(StandardCharsets.ISO_8859_1);
  }

  int status() {
    return Integer.parseInt(start.split(" ", 3)[1]);
  }

  /** The value of the first such header, or null. */
  String header(String name) {
    String prefix = name.toLowerCase(Locale.ROOT) + ":";
    for (String line : lines) {
      if (line.toLowerCase(Locale.ROOT).startsWith(prefix)) {
        return line.substring(prefix.length()).strip();
      }
    }
    return null;
  }

  boolean chunked() {
    return "chunked".equals(header("transfer-encoding"));
  }

  long length() {
    String length = header("content-length");
    return length == null ? 0 : Long.parseLong(length);
  }

  /**
   * The body; of one without a length or chunks, all that comes until the connection ends well.
   *
   * @param trailers gets the lines behind the last chunk
   */
  byte[] body(InputStream in, List<String> trailers) throws IOException {
    if (chunked()) {
      return chunks(in, trailers);
    }
    if (header("content-length") == null) {
      return start.startsWith("HTTP/") ? in.readAllBytes() : new byte[0];
    }
    byte[] body = in.readNBytes((int) length());
    if (body.length < length()) {
      throw new EOFException("after " + body.length + " of " + length() + " bytes");
    }
    return body;
  }

  byte[] body(InputStream in) throws IOException {
    return body(in, new ArrayList<>());
  }

  private static byte[] chunks(InputStream in, List<String> trailers) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (int size = chunk(in); size > 0; size = chunk(in)) {
      byte[] some = in.readNBytes(size);
      if (some.length < size) {
        throw new EOFException("after " + some.length + " of " + size + " bytes of a chunk");
      }
      body.writeBytes(some);
      if (!line(in).isEmpty()) {
        throw new IOException("a chunk longer than it said");
      }
    }
    trailers.addAll(lines(in));
    return body.toByteArray();
  }

  private static int chunk(InputStream in) throws IOException {
    return Integer.parseInt(line(in).strip(), 16);
  }
}

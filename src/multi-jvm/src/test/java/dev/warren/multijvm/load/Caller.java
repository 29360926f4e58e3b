package dev.warren.multijvm.load;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A caller who comes in at one gateway, with a new connection for each request.
 *
 * @param at the name of the gateway, for messages
 * @param headers that each request has, as {@code NAME: VALUE}
 */
public record Caller(String at, InetSocketAddress address, List<String> headers) {
  /** Longer than any dial may wait. */
  public static final Duration PATIENCE = Duration.ofSeconds(15);

  /** One without headers of its own. */
  public Caller(String at, InetSocketAddress address) {
    this(at, address, List.of());
  }

  public Answer get(String path) throws IOException {
    return get(path, PATIENCE);
  }

  public Answer get(String path, Duration within) throws IOException {
    return send("GET", path, within);
  }

  /** One request on a connection of its own; it is tried once. */
  public Answer send(String method, String path, Duration within) throws IOException {
    try (Connection connection = new Connection(address, within)) {
      return connection.exchange(method, path, within, last(headers));
    }
  }

  /** The status alone. */
  public int status(String path) throws IOException {
    return get(path).status();
  }

  /** The headers of the only request of a connection. */
  private static List<String> last(List<String> headers) {
    List<String> all = new ArrayList<>(headers);
    all.add("Connection: close");
    return all;
  }

  /** Where the bytes of a download go. */
  @FunctionalInterface
  interface Sink {
    /** Reads until the end. */
    void take(InputStream body, long length) throws IOException;
  }

  void download(String path, Duration within, Sink sink) throws IOException {
    try (Connection connection = new Connection(address, within)) {
      Connection.Head head = connection.begin("GET", path, within, last(headers));
      if (head.status() != 200) {
        throw new IOException("status " + head.status());
      }
      sink.take(
          connection.in(), Long.parseLong(head.headers().getOrDefault("content-length", "-1")));
    }
  }
}

package dev.warren.agent.connect;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Locale;

/**
 * What the request for the WebSocket says beside who the agent is.
 *
 * @param protocol what is spoken over it
 * @param headers added to the request, in their order
 */
public record Upgrade(Protocol protocol, List<Header> headers) {
  /** What an agent speaks. */
  public enum Protocol {
    /** With Warren's gateways. */
    WARREN,
    /** With a remotedialer server, as a client of it. */
    REMOTEDIALER
  }

  /** One header of a request; its value may be a secret. */
  public record Header(String name, String value) {
    /**
     * Reads {@code NAME=VALUE}.
     *
     * @throws IllegalArgumentException where it is no header, or one that the handshake needs
     */
    public static Header parse(String text) {
      int equals = text.indexOf('=');
      String name = equals < 0 ? text : text.substring(0, equals).strip();
      if (equals < 1 || RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
        throw wrong(name);
      }
      Header header = new Header(name, text.substring(equals + 1).strip());
      try {
        HttpHeaders checked = new DefaultHttpHeaders();
        checked.add(header.name, header.value);
      } catch (IllegalArgumentException e) {
        throw wrong(name);
      }
      return header;
    }

    /** The value is left out, because it may be a secret. */
    private static IllegalArgumentException wrong(String name) {
      return new IllegalArgumentException(
          "\""
              + name.replaceAll("\\p{Cntrl}", "?")
              + "\" (expected: NAME=VALUE, a header that the"
              + " handshake does not set itself)");
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static final List<String> RESERVED =
      List.of(
          "connection",
          "upgrade",
          "host",
          "content-length",
          "transfer-encoding",
          "x-tunnel-id",
          "sec-websocket-key",
          "sec-websocket-version",
          "sec-websocket-protocol",
          "sec-websocket-extensions");

  /** Nothing special. */
  public static final Upgrade DEFAULT = new Upgrade(Protocol.WARREN, List.of());

  public Upgrade {
    headers = List.copyOf(headers);
  }

  /** Whether the far side is a remotedialer server. */
  public boolean isRemoteDialer() {
    return protocol == Protocol.REMOTEDIALER;
  }
}

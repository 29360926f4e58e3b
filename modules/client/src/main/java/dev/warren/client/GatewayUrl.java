package dev.warren.client;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where a gateway listens for callers.
 *
 * @param uri {@code ws://} or {@code wss://}, with host, port and the path of lines
 * @param tls whether it speaks TLS
 * @param host without brackets
 * @param port 1 to 65535
 */
record GatewayUrl(URI uri, boolean tls, String host, int port) {
  private static final String LINES = "/dial";

  /**
   * Reads one address: {@code http://} or {@code https://} (or {@code ws://}, {@code wss://}), host
   * and port, and a path where a proxy puts the gateway below one.
   *
   * @throws IllegalArgumentException where the text is none
   */
  static GatewayUrl parse(String text) {
    URI uri;
    try {
      uri = new URI(text.strip());
    } catch (URISyntaxException e) {
      throw wrong(text);
    }
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    boolean tls = scheme.equals("https") || scheme.equals("wss");
    if ((!tls && !scheme.equals("http") && !scheme.equals("ws"))
        || uri.getHost() == null
        || uri.getRawUserInfo() != null
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null
        || uri.getPort() == 0
        || uri.getPort() > 65_535) {
      throw wrong(text);
    }
    int port = uri.getPort() > 0 ? uri.getPort() : tls ? 443 : 80;
    String path = uri.getRawPath() == null ? "" : uri.getRawPath().replaceAll("/+$", "");
    String host = uri.getHost();
    return new GatewayUrl(
        URI.create((tls ? "wss://" : "ws://") + host + ":" + port + path + LINES),
        tls,
        host.startsWith("[") ? host.substring(1, host.length() - 1) : host,
        port);
  }

  /** Reads a list with commas. */
  static List<GatewayUrl> parseAll(String text) {
    List<GatewayUrl> all = new ArrayList<>();
    for (String one : text.split(",", -1)) {
      all.add(parse(one));
    }
    return all;
  }

  private static IllegalArgumentException wrong(String text) {
    String shown = text.replaceAll("//[^/]*@", "//***@").replaceAll("[?#].*", "");
    shown = shown.length() > 120 ? shown.substring(0, 120) + "..." : shown;
    return new IllegalArgumentException(
        "gateway \""
            + shown.replaceAll("\\p{Cntrl}", "?")
            + "\" (expected: http://HOST[:PORT] or https://HOST[:PORT])");
  }

  @Override
  public String toString() {
    return (tls ? "https://" : "http://") + uri.getRawAuthority();
  }
}

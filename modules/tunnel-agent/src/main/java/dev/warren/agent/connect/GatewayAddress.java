package dev.warren.agent.connect;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;

/**
 * Where gateways listen for agents.
 *
 * @param uri {@code ws://} or {@code wss://}, with host, port and path
 * @param host without brackets
 */
public record GatewayAddress(URI uri, boolean tls, String host, int port) {
  /** The path where none is given. */
  public static final String DEFAULT_PATH = "/connect";

  private static final int HTTP_PORT = 80;
  private static final int HTTPS_PORT = 443;

  /**
   * Reads an address.
   *
   * @throws IllegalArgumentException where the text is none; the message names it and what was
   *     expected
   */
  public static GatewayAddress parse(String text) {
    URI uri;
    try {
      uri = new URI(text.trim());
    } catch (URISyntaxException e) {
      throw wrong(text);
    }
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    boolean tls = scheme.equals("wss");
    if ((!tls && !scheme.equals("ws"))
        || uri.getHost() == null
        || uri.getHost().indexOf('%') >= 0
        || uri.getRawUserInfo() != null
        || uri.getRawFragment() != null
        || uri.getPort() == 0
        || uri.getPort() > 65_535) {
      throw wrong(text);
    }
    int port = uri.getPort() > 0 ? uri.getPort() : tls ? HTTPS_PORT : HTTP_PORT;
    String path =
        uri.getRawPath() == null || uri.getRawPath().isEmpty() || uri.getRawPath().equals("/")
            ? DEFAULT_PATH
            : uri.getRawPath();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    String host = uri.getHost();
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    return new GatewayAddress(
        URI.create(scheme + "://" + host + ":" + port + path + query), tls, bare, port);
  }

  /** What may carry a secret is not shown: user information and query. */
  private static IllegalArgumentException wrong(String text) {
    String shown = text.replaceAll("//[^/]*@", "//***@").replaceAll("[?#].*", "");
    shown = shown.length() > 120 ? shown.substring(0, 120) + "..." : shown;
    return new IllegalArgumentException(
        "--connect \""
            + shown.replaceAll("\\p{Cntrl}", "?")
            + "\" (expected: ws://HOST[:PORT][/PATH] or wss://HOST[:PORT][/PATH], without user and"
            + " fragment)");
  }

  /** For logs: without the query, which may carry a secret. */
  @Override
  public String toString() {
    return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
  }
}

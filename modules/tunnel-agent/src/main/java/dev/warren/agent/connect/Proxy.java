package dev.warren.agent.connect;

import io.netty.handler.proxy.HttpProxyHandler;
import io.netty.handler.proxy.ProxyHandler;
import io.netty.handler.proxy.Socks5ProxyHandler;
import java.net.SocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * A proxy on the way to the gateways. The gateway's name is looked up by the proxy.
 *
 * @param login what it wants to know, if anything
 */
public record Proxy(Kind kind, String host, int port, Optional<Login> login) {
  /** As curl has it, whatever the kind. */
  static final int DEFAULT_PORT = 1080;

  /** How a proxy is asked for a connection. */
  public enum Kind {
    /** HTTP CONNECT, for {@code ws://} and {@code wss://} alike. */
    HTTP,
    SOCKS5
  }

  /** Never shown. */
  public record Login(String user, String password) {
    @Override
    public String toString() {
      return "***";
    }
  }

  /**
   * Reads {@code [http://|socks5://|socks5h://][USER[:PASSWORD]@]HOST[:PORT]}, user and password
   * percent-encoded.
   *
   * @param variable where it was found, for the message
   * @throws IllegalArgumentException where the text is none; the message does not show the password
   */
  static Proxy parse(String variable, String text) {
    int schemeEnd = text.indexOf("://");
    String scheme = schemeEnd < 0 ? "http" : text.substring(0, schemeEnd).toLowerCase(Locale.ROOT);
    String rest = schemeEnd < 0 ? text : text.substring(schemeEnd + 3);
    int slash = rest.indexOf('/', rest.lastIndexOf('@') + 1);
    String authority = slash < 0 ? rest : rest.substring(0, slash);
    int at = authority.lastIndexOf('@');
    String hostPort = authority.substring(at + 1);
    Kind kind =
        switch (scheme) {
          case "http" -> Kind.HTTP;
          case "socks5", "socks5h" -> Kind.SOCKS5;
          default -> throw wrong(variable, scheme, hostPort);
        };
    int colon = hostPort.lastIndexOf(':');
    if (colon < hostPort.indexOf(']')) {
      colon = -1;
    }
    String host = colon < 0 ? hostPort : hostPort.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw wrong(variable, scheme, hostPort);
    }
    int port = colon < 0 ? DEFAULT_PORT : port(hostPort.substring(colon + 1));
    if (host.isEmpty() || port < 1 || port > 65_535) {
      throw wrong(variable, scheme, hostPort);
    }
    try {
      return new Proxy(
          kind,
          host,
          port,
          at < 0 ? Optional.empty() : Optional.of(login(authority.substring(0, at))));
    } catch (IllegalArgumentException e) {
      throw wrong(variable, scheme, hostPort);
    }
  }

  private static Login login(String text) {
    int colon = text.indexOf(':');
    return new Login(
        decoded(colon < 0 ? text : text.substring(0, colon)),
        colon < 0 ? "" : decoded(text.substring(colon + 1)));
  }

  private static String decoded(String text) {
    // In a form a plus is a blank; here it is a plus.
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static int port(String digits) {
    return digits.matches("[0-9]{1,5}") ? Integer.parseInt(digits) : 0;
  }

  private static IllegalArgumentException wrong(String variable, String scheme, String hostPort) {
    return new IllegalArgumentException(
        variable
            + " \""
            + scheme
            + "://"
            + hostPort.replaceAll("\\p{Cntrl}", "?")
            + "\" (expected: [http://|socks5://|socks5h://][USER:PASSWORD@]HOST[:PORT], percent-encoded)");
  }

  /** Asks the proxy when the connection to it is there. */
  ProxyHandler handler(SocketAddress address) {
    ProxyHandler handler =
        switch (kind) {
          case HTTP ->
              login.isPresent()
                  ? new HttpProxyHandler(address, login.get().user(), login.get().password())
                  : new HttpProxyHandler(address);
          case SOCKS5 ->
              login.isPresent()
                  ? new Socks5ProxyHandler(address, login.get().user(), login.get().password())
                  : new Socks5ProxyHandler(address);
        };
    // The whole handshake has one limit.
    handler.setConnectTimeoutMillis(0);
    return handler;
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT)
        + "://"
        + (host.indexOf(':') < 0 ? host : "[" + host + "]")
        + ":"
        + port;
  }
}

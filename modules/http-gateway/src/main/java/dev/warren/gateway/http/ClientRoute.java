package dev.warren.gateway.http;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import io.netty.handler.codec.http.HttpResponseStatus;

/**
 * Where {@code /client/{id}/{scheme}/{host[:port]}} leads. All that stands behind it in a request
 * target belongs to the target and passes byte for byte.
 *
 * @param prefix the text this was read from; a request target that continues it with {@code /},
 *     {@code ?} or nothing has the same route
 * @param session whose agent dials
 * @param secure whether the target speaks TLS
 * @param target what the agent dials
 * @param authority {@code host[:port]} as it was given, for Host
 */
record ClientRoute(
    String prefix, SessionKey session, boolean secure, Target.Tcp target, String authority) {
  static final String START = "/client/";

  private static final int HTTP_PORT = 80;
  private static final int HTTPS_PORT = 443;

  /** A path below {@code /client/} that leads nowhere. */
  static final class NoRouteException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient HttpResponseStatus status;

    NoRouteException(HttpResponseStatus status, String message) {
      super(message, null, false, false);
      this.status = status;
    }

    HttpResponseStatus status() {
      return status;
    }
  }

  /** Reads a request target that starts with {@link #START}. */
  static ClientRoute of(String uri) throws NoRouteException {
    int idStart = START.length();
    int idEnd = segmentEnd(uri, idStart);
    int schemeStart = idEnd + 1;
    int schemeEnd = segmentEnd(uri, schemeStart);
    int authorityStart = schemeEnd + 1;
    int authorityEnd = segmentEnd(uri, authorityStart);
    if (idEnd == idStart || authorityEnd <= authorityStart) {
      throw new NoRouteException(
          HttpResponseStatus.NOT_FOUND,
          "an incomplete path (expected: /client/ID/http/HOST:PORT/PATH or"
              + " /client/ID/https/HOST:PORT/PATH)");
    }
    SessionKey session;
    try {
      session = SessionKey.of(PathText.decoded(uri.substring(idStart, idEnd)));
    } catch (IllegalArgumentException e) {
      throw new NoRouteException(
          HttpResponseStatus.NOT_FOUND, "unknown session: " + e.getMessage());
    }
    String scheme = uri.substring(schemeStart, schemeEnd);
    boolean secure = scheme.equals("https");
    if (!secure && !scheme.equals("http")) {
      throw new NoRouteException(
          HttpResponseStatus.BAD_REQUEST,
          "session "
              + session
              + ": scheme \""
              + PathText.shown(scheme)
              + "\" (expected: http or https)");
    }
    String authority = uri.substring(authorityStart, authorityEnd);
    try {
      authority = PathText.decoded(authority);
      Target.Tcp target = target(authority, secure ? HTTPS_PORT : HTTP_PORT);
      return new ClientRoute(uri.substring(0, authorityEnd), session, secure, target, authority);
    } catch (IllegalArgumentException e) {
      throw new NoRouteException(
          HttpResponseStatus.BAD_REQUEST,
          "session "
              + session
              + ": target \""
              + PathText.shown(authority)
              + "\" (expected: HOST or HOST:PORT, IPv6 addresses in brackets)");
    }
  }

  /** Whether a request target has this route. */
  boolean leads(String uri) {
    int end = prefix.length();
    if (!uri.startsWith(prefix)) {
      return false;
    }
    return uri.length() == end || uri.charAt(end) == '/' || uri.charAt(end) == '?';
  }

  /** The request target for the target; never empty, and never without its leading slash. */
  String rest(String uri) {
    int end = prefix.length();
    if (uri.length() == end) {
      return "/";
    }
    return uri.charAt(end) == '?' ? "/" + uri.substring(end) : uri.substring(end);
  }

  private static int segmentEnd(String uri, int start) {
    int at = Math.min(start, uri.length());
    while (at < uri.length() && uri.charAt(at) != '/' && uri.charAt(at) != '?') {
      at++;
    }
    return at;
  }

  private static Target.Tcp target(String authority, int defaultPort) {
    int bracket = authority.lastIndexOf(']');
    boolean port = authority.indexOf(':', bracket + 1) >= 0;
    String text = port ? authority : authority + ":" + defaultPort;
    if (text.startsWith("unix/") || text.startsWith("tcp/")) {
      throw new IllegalArgumentException("not an authority");
    }
    return (Target.Tcp) Target.parse(text);
  }
}

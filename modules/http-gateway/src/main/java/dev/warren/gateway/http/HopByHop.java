package dev.warren.gateway.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.ArrayList;
import java.util.List;

/** The rules for headers that belong to one connection and not to the message (RFC 9110, 7.6.1). */
final class HopByHop {
  private static final AsciiString PROXY = AsciiString.cached("proxy-");
  private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");
  private static final AsciiString CLOSE = AsciiString.cached("close");
  private static final AsciiString UPGRADE = AsciiString.cached("upgrade");
  private static final AsciiString TE = AsciiString.cached("te");

  private HopByHop() {}

  /** Whether a Connection header has this token. */
  static boolean names(HttpHeaders headers, AsciiString token) {
    return headers.containsValue(HttpHeaderNames.CONNECTION, token, true);
  }

  /** Whether a name starts with {@code Proxy-}: all of these are meant for a proxy. */
  static boolean isForProxies(CharSequence name) {
    return name.length() > PROXY.length()
        && AsciiString.regionMatches(name, true, 0, PROXY, 0, PROXY.length());
  }

  /**
   * Removes what Connection names. Headers that say where a message ends or whom it is for stay
   * whatever it names: nobody may take these away.
   */
  static void removeNamed(HttpHeaders headers) {
    for (String value : headers.getAll(HttpHeaderNames.CONNECTION)) {
      int start = 0;
      while (start <= value.length()) {
        int comma = value.indexOf(',', start);
        int end = comma < 0 ? value.length() : comma;
        removeToken(headers, value, start, end);
        start = end + 1;
      }
    }
  }

  private static void removeToken(HttpHeaders headers, String value, int from, int to) {
    int start = from;
    int end = to;
    while (start < end && value.charAt(start) <= ' ') {
      start++;
    }
    while (end > start && value.charAt(end - 1) <= ' ') {
      end--;
    }
    if (start == end
        || isToken(value, start, end, CLOSE)
        || isToken(value, start, end, KEEP_ALIVE)) {
      return;
    }
    if (isToken(value, start, end, UPGRADE)
        || isToken(value, start, end, TE)
        || isToken(value, start, end, HttpHeaderNames.HOST)
        || isToken(value, start, end, HttpHeaderNames.CONTENT_LENGTH)
        || isToken(value, start, end, HttpHeaderNames.TRANSFER_ENCODING)
        || isToken(value, start, end, HttpHeaderNames.TRAILER)) {
      return;
    }
    headers.remove(value.substring(start, end));
  }

  private static boolean isToken(String value, int start, int end, AsciiString token) {
    return end - start == token.length()
        && AsciiString.regionMatches(value, true, start, token, 0, token.length());
  }

  /** Removes every header whose name starts with {@code Proxy-}. */
  static void removeForProxies(HttpHeaders headers) {
    List<String> names = new ArrayList<>(2);
    for (String name : headers.names()) {
      if (isForProxies(name)) {
        names.add(name);
      }
    }
    for (String name : names) {
      headers.remove(name);
    }
  }
}

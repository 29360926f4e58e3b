package dev.warren.gateway.admin;

import dev.warren.gateway.access.AccessRequest;
import dev.warren.gateway.access.Action;
import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.Decision;
import dev.warren.protocol.SessionKey;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.RemoteAddress;

/**
 * Who may use the API for operators. It knows no cookies, so that no browser can be made to send
 * what proves who its user is; where nobody has to prove anything, because the API is on loopback,
 * it answers only requests that no web page of another site can make: those that name it by its
 * address, and come from no page or from its own.
 *
 * @param open whether no token is asked for
 */
record AdminGate(Authorizer authorizer, boolean open) {

  /** Why a web page of another site may be behind this request; empty where none can be. */
  Optional<String> foreign(HttpRequest request) {
    String host = value(request, "host").orElse("");
    // A name that an attacker owns may lead to 127.0.0.1 by the time that a browser looks it up
    // again ("DNS rebinding"): to the browser this API would then be that site's own.
    if (open && !isLoopback(host)) {
      return Optional.of(
          "Host: \""
              + shown(host)
              + "\" (expected: localhost or a loopback address, as long as no token is needed)");
    }
    Optional<String> origin = value(request, "origin");
    if (origin.isPresent() && !isOf(origin.get(), host)) {
      return Optional.of(
          "Origin: \"" + shown(origin.get()) + "\" (expected: none, or that of this API)");
    }
    return Optional.empty();
  }

  /**
   * @param session null where the request concerns none
   */
  Decision judge(HttpRequest request, SessionKey session) {
    DefaultHttpRequest head =
        new DefaultHttpRequest(
            HttpVersion.HTTP_1_1,
            HttpMethod.valueOf(request.method().value()),
            request.getUri().getPathString());
    for (HttpHeader header : request.getHeaders()) {
      head.headers().add(header.name(), header.value());
    }
    return authorizer.judge(new AccessRequest(Action.ADMIN, head, remote(request), session, null));
  }

  private static InetSocketAddress remote(HttpRequest request) {
    Optional<RemoteAddress> remote = request.getAttribute(AttributeKeys.remoteAddress);
    InetAddress address =
        remote.flatMap(RemoteAddress::getAddress).orElseGet(InetAddress::getLoopbackAddress);
    return new InetSocketAddress(address, remote.map(RemoteAddress::getPort).orElse(0));
  }

  private static Optional<String> value(HttpRequest request, String name) {
    return request.getHeader(name).map(HttpHeader::value);
  }

  /** Any port will do: a tunnel of ssh may end at another one. */
  private static boolean isLoopback(String host) {
    int end = host.startsWith("[") ? host.indexOf(']') + 1 : host.indexOf(':');
    String name = end <= 0 ? host : host.substring(0, end);
    if (name.equalsIgnoreCase("localhost")) {
      return true;
    }
    String bare = name.startsWith("[") ? name.substring(1, name.length() - 1) : name;
    InetAddress address = NetUtil.createInetAddressFromIpAddressString(bare);
    return address != null && address.isLoopbackAddress();
  }

  private static boolean isOf(String origin, String host) {
    String lower = origin.toLowerCase(Locale.ROOT);
    String site = host.toLowerCase(Locale.ROOT);
    return !site.isEmpty() && (lower.equals("http://" + site) || lower.equals("https://" + site));
  }

  static String shown(String value) {
    String cut = value.length() > 80 ? value.substring(0, 80) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}

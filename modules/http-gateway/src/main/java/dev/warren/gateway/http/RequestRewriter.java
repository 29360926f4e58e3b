package dev.warren.gateway.http;

import dev.warren.gateway.access.CredentialHeaders;
import dev.warren.gateway.net.TrustedProxies;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.Map.Entry;

/**
 * Turns a caller's request head into the target's, in place, so that all that is not named here
 * keeps its spelling and its order. One for each caller's connection: the texts that say where its
 * requests come from are made once.
 */
final class RequestRewriter {

  private static final AsciiString X_FORWARDED_FOR = AsciiString.cached("X-Forwarded-For");
  private static final AsciiString X_FORWARDED_PROTO = AsciiString.cached("X-Forwarded-Proto");
  private static final AsciiString X_FORWARDED_HOST = AsciiString.cached("X-Forwarded-Host");
  private static final AsciiString FORWARDED = AsciiString.cached("Forwarded");
  private static final AsciiString UPGRADE_OPTION = AsciiString.cached("Upgrade");
  private static final AsciiString TE_OPTION = AsciiString.cached("TE");
  private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");
  private static final AsciiString X_FORWARDED = AsciiString.cached("x-forwarded-");
  private static final AsciiString NTLM = AsciiString.cached("ntlm");
  private static final AsciiString NEGOTIATE = AsciiString.cached("negotiate");
  private static final AsciiString CONNECTION = AsciiString.cached("Connection");
  private static final AsciiString HOST = AsciiString.cached("Host");

  private final boolean peerTrusted;
  private final String peerAddress;
  private final String scheme;
  private String lastHost;
  private String lastForwarded;

  // What the last request was like.
  private boolean upgrade;
  private boolean connectionBound;

  /**
   * @param peer who connected, as the socket or a PROXY header has it
   * @param tls whether that connection is TLS
   */
  RequestRewriter(TrustedProxies proxies, InetSocketAddress peer, boolean tls) {
    peerTrusted = proxies.trusts(peer);
    String address =
        peer.isUnresolved() ? peer.getHostString() : peer.getAddress().getHostAddress();
    int zone = address.indexOf('%');
    peerAddress =
        peer.getAddress() instanceof Inet6Address && zone > 0
            ? address.substring(0, zone)
            : address;
    scheme = tls ? "https" : "http";
  }

  /** Whether the request asks for another protocol, and may. */
  boolean isUpgrade() {
    return upgrade;
  }

  /**
   * Whether its credentials count for the connection and not for the request (NTLM, Negotiate): a
   * stream that carried them must serve nobody else.
   */
  boolean isConnectionBound() {
    return connectionBound;
  }

  void rewrite(HttpRequest head, ClientRoute route) {
    HttpHeaders headers = head.headers();
    boolean http11 = head.protocolVersion().equals(HttpVersion.HTTP_1_1);
    head.setUri(route.rest(head.uri()));
    head.setProtocolVersion(HttpVersion.HTTP_1_1);

    // One pass finds what this request has; most have almost none of it, and looking each name up
    // would cost more than the pass.
    String host = null;
    boolean connection = false;
    boolean keepAlive = false;
    boolean proxyHeaders = false;
    boolean te = false;
    boolean upgradeHeader = false;
    boolean expect = false;
    boolean credentials = false;
    boolean forwarded = false;
    connectionBound = false;
    Iterator<Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
    while (all.hasNext()) {
      Entry<CharSequence, CharSequence> header = all.next();
      CharSequence name = header.getKey();
      switch (name.length()) {
        case 2 -> te |= is(name, HttpHeaderNames.TE);
        case 4 -> {
          if (is(name, HttpHeaderNames.HOST)) {
            host = header.getValue().toString();
            header.setValue(route.authority());
          }
        }
        case 6 -> expect |= is(name, HttpHeaderNames.EXPECT);
        case 7 -> upgradeHeader |= is(name, HttpHeaderNames.UPGRADE);
        case 9 -> forwarded |= is(name, FORWARDED);
        case 10 -> {
          connection |= is(name, HttpHeaderNames.CONNECTION);
          keepAlive |= is(name, KEEP_ALIVE);
        }
        case 13 -> {
          if (is(name, HttpHeaderNames.AUTHORIZATION)) {
            connectionBound = bindsConnection(header.getValue());
          }
        }
        default -> {
          forwarded |= length15To17(name) && startsWithXForwarded(name);
        }
      }
      char first = name.charAt(0);
      if (first == 'x' || first == 'X') {
        credentials |=
            is(name, CredentialHeaders.X_WARREN_AUTHORIZATION)
                || is(name, CredentialHeaders.X_TUNNEL_ID)
                || is(name, CredentialHeaders.X_TUNNEL_TOKEN);
      } else if (first == 'p' || first == 'P') {
        proxyHeaders |= HopByHop.isForProxies(name);
      }
    }

    upgrade =
        http11 && upgradeHeader && connection && HopByHop.names(headers, HttpHeaderValues.UPGRADE);
    boolean trailers =
        te && headers.containsValue(HttpHeaderNames.TE, HttpHeaderValues.TRAILERS, true);
    if (connection) {
      HopByHop.removeNamed(headers);
      headers.remove(HttpHeaderNames.CONNECTION);
    }
    if (keepAlive) {
      headers.remove(KEEP_ALIVE);
    }
    if (upgradeHeader && !upgrade) {
      headers.remove(HttpHeaderNames.UPGRADE);
    }
    if (te) {
      headers.remove(HttpHeaderNames.TE);
      if (trailers) {
        headers.add(HttpHeaderNames.TE, HttpHeaderValues.TRAILERS);
      }
    }
    if (upgrade || trailers) {
      headers.add(CONNECTION, upgrade ? (trailers ? "Upgrade, TE" : UPGRADE_OPTION) : TE_OPTION);
    }
    if (expect && !http11) {
      headers.remove(HttpHeaderNames.EXPECT);
    }
    if (proxyHeaders) {
      HopByHop.removeForProxies(headers);
    }
    if (credentials) {
      CredentialHeaders.stripFrom(headers);
    }
    if (host == null) {
      headers.add(HOST, route.authority());
    }
    addForwarded(headers, forwarded, host == null ? "" : host);
  }

  /** Says where the request comes from; what it said itself counts only from a trusted proxy. */
  private void addForwarded(HttpHeaders headers, boolean present, String host) {
    String forwardedFor = peerAddress;
    String proto = scheme;
    String forwardedHost = host;
    String forwarded = forwarded(host);
    if (present) {
      if (peerTrusted) {
        forwardedFor = appended(headers, X_FORWARDED_FOR, peerAddress);
        forwarded = appended(headers, FORWARDED, forwarded);
        proto = kept(headers, X_FORWARDED_PROTO, proto);
        forwardedHost = kept(headers, X_FORWARDED_HOST, host);
      }
      headers.remove(X_FORWARDED_FOR);
      headers.remove(X_FORWARDED_PROTO);
      headers.remove(X_FORWARDED_HOST);
      headers.remove(FORWARDED);
    }
    headers.add(X_FORWARDED_FOR, forwardedFor);
    headers.add(X_FORWARDED_PROTO, proto);
    if (!forwardedHost.isEmpty()) {
      headers.add(X_FORWARDED_HOST, forwardedHost);
    }
    headers.add(FORWARDED, forwarded);
  }

  private static String appended(HttpHeaders headers, AsciiString name, String element) {
    StringBuilder list = new StringBuilder();
    for (String value : headers.getAll(name)) {
      if (!value.isBlank()) {
        list.append(value).append(", ");
      }
    }
    return list.append(element).toString();
  }

  private static String kept(HttpHeaders headers, AsciiString name, String otherwise) {
    String value = headers.get(name);
    return value == null || value.isBlank() ? otherwise : value;
  }

  /** RFC 7239: addresses of IPv6 and values with a colon are quoted. */
  private String forwarded(String host) {
    if (host.equals(lastHost)) {
      return lastForwarded;
    }
    StringBuilder element = new StringBuilder("for=");
    if (peerAddress.indexOf(':') >= 0) {
      element.append("\"[").append(peerAddress).append("]\"");
    } else {
      element.append(peerAddress);
    }
    if (!host.isEmpty()) {
      // Host has been checked: nothing in it needs to be escaped.
      boolean quoted = host.indexOf(':') >= 0 || host.indexOf(';') >= 0 || host.indexOf('=') >= 0;
      element.append(";host=");
      element.append(quoted ? "\"" + host + "\"" : host);
    }
    lastForwarded = element.append(";proto=").append(scheme).toString();
    lastHost = host;
    return lastForwarded;
  }

  static boolean bindsConnection(CharSequence scheme) {
    return startsWith(scheme, NTLM) || startsWith(scheme, NEGOTIATE);
  }

  private static boolean startsWith(CharSequence value, AsciiString start) {
    return AsciiString.regionMatches(value, true, 0, start, 0, start.length());
  }

  private static boolean length15To17(CharSequence name) {
    return name.length() >= 15 && name.length() <= 17;
  }

  private static boolean startsWithXForwarded(CharSequence name) {
    return startsWith(name, X_FORWARDED);
  }

  private static boolean is(CharSequence name, AsciiString other) {
    return other.contentEqualsIgnoreCase(name);
  }
}

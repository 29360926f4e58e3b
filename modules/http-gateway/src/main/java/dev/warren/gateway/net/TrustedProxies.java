package dev.warren.gateway.net;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Whose {@code X-Forwarded-*} is believed. Anybody can send these headers, so they count only where
 * the connection comes from a proxy that the operator named, and {@code X-Forwarded-For} is read
 * from the right, where trusted proxies wrote, up to the first address that no trusted proxy has:
 * what stands further left, its sender may have made up.
 *
 * @param blocks the addresses of trusted proxies; empty trusts nobody
 */
public record TrustedProxies(List<Cidr> blocks) {
  public static final TrustedProxies NONE = new TrustedProxies(List.of());

  private static final String FORWARDED_FOR = "x-forwarded-for";
  private static final String FORWARDED_PROTO = "x-forwarded-proto";
  private static final String FORWARDED_HOST = "x-forwarded-host";

  /**
   * How a request came to us.
   *
   * @param remote who sent it; the port is 0 where only the address is known
   * @param secure whether its sender spoke TLS
   * @param host the host its sender asked for, as a trusted proxy told it; else null
   */
  public record Origin(InetSocketAddress remote, boolean secure, String host) {}

  public TrustedProxies {
    blocks = List.copyOf(blocks);
  }

  /**
   * Reads blocks separated by commas.
   *
   * @throws IllegalArgumentException where one of them is none
   */
  public static TrustedProxies parse(String text) {
    List<Cidr> blocks = new ArrayList<>();
    for (String block : text.split(",", -1)) {
      blocks.add(Cidr.parse(block.strip()));
    }
    return new TrustedProxies(blocks);
  }

  public boolean trusts(InetSocketAddress peer) {
    return !peer.isUnresolved() && trusts(peer.getAddress());
  }

  private boolean trusts(InetAddress address) {
    for (Cidr block : blocks) {
      if (block.contains(address)) {
        return true;
      }
    }
    return false;
  }

  /**
   * How a request with these headers came to us over a connection from {@code peer}.
   *
   * @param tls whether that connection is TLS
   */
  public Origin originOf(InetSocketAddress peer, boolean tls, HttpHeaders headers) {
    if (!trusts(peer)) {
      return new Origin(peer, tls, null);
    }
    List<String> hops = elements(headers, FORWARDED_FOR);
    InetSocketAddress remote = peer;
    for (int i = hops.size() - 1; i >= 0 && trusts(remote); i--) {
      InetSocketAddress hop = address(hops.get(i));
      if (hop == null) {
        break; // "unknown" or an obfuscated name: nothing to the left can be relied on either
      }
      remote = hop;
    }
    // Of these two the last element is what the trusted peer itself wrote; whatever stands before
    // it, a client may have sent.
    String proto = last(elements(headers, FORWARDED_PROTO));
    boolean secure = proto == null ? tls : proto.toLowerCase(Locale.ROOT).equals("https");
    return new Origin(remote, secure, last(elements(headers, FORWARDED_HOST)));
  }

  private static List<String> elements(HttpHeaders headers, String name) {
    List<String> elements = new ArrayList<>();
    for (String value : headers.getAll(name)) {
      for (String element : value.split(",")) {
        if (!element.isBlank()) {
          elements.add(element.strip());
        }
      }
    }
    return elements;
  }

  private static String last(List<String> elements) {
    return elements.isEmpty() ? null : elements.get(elements.size() - 1);
  }

  /** An address, with or without a port and with or without brackets; null for anything else. */
  private static InetSocketAddress address(String text) {
    String host = text;
    int port = 0;
    int colon = text.lastIndexOf(':');
    if (text.startsWith("[")) {
      int end = text.indexOf(']');
      if (end < 0) {
        return null;
      }
      host = text.substring(1, end);
      port = end + 1 == text.length() ? 0 : colon == end + 1 ? port(text.substring(colon + 1)) : -1;
    } else if (colon >= 0 && text.indexOf(':') == colon) {
      host = text.substring(0, colon);
      port = port(text.substring(colon + 1));
    }
    byte[] bytes =
        port < 0 || host.indexOf('%') >= 0
            ? null
            : NetUtil.createByteArrayFromIpAddressString(host);
    if (bytes == null) {
      return null;
    }
    try {
      return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
    } catch (UnknownHostException impossible) {
      throw new AssertionError(impossible); // the array is 4 or 16 bytes long
    }
  }

  private static int port(String digits) {
    boolean number =
        !digits.isEmpty()
            && digits.length() <= 5
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    return number && Integer.parseInt(digits) <= 65_535 ? Integer.parseInt(digits) : -1;
  }
}

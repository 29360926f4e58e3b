package dev.warren.agent.net;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What the host of a target is, decided without asking anybody. Resolvers disagree about odd
 * spellings of addresses ({@code 127.1}, {@code 0177.0.0.1}, {@code 0x7f.1}, {@code 2130706433}):
 * one reads 127.0.0.1 where another reads 177.0.0.1. So only the plain form is an address, and
 * whatever ends like a number but has not that form is neither address nor name, and is not
 * dialled.
 */
public sealed interface HostText {
  /** Names are at most this long (RFC 1035), without the dot at the end. */
  int MAX_NAME_CHARS = 253;

  /** An address; IPv4-mapped IPv6 has become IPv4, as the socket would have it. */
  record Address(InetAddress address) implements HostText {}

  /**
   * A name.
   *
   * @param name in lower case, without a dot at the end
   */
  record Name(String name) implements HostText {
    private static final Pattern LABEL = Pattern.compile("[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?");

    /** Names under {@code localhost} never leave this machine (RFC 6761, section 6.3). */
    public boolean isLocalhost() {
      return name.equals("localhost") || name.endsWith(".localhost");
    }
  }

  /**
   * Neither.
   *
   * @param reason what is wrong with it, for the caller
   */
  record Malformed(String reason) implements HostText {}

  static HostText of(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    if (lower.indexOf(':') >= 0) {
      return addressOrMalformed(Ipv6Text.parse(lower), host, "IPv6 address without a zone");
    }
    String name = lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    String[] labels = name.split("\\.", -1);
    if (endsLikeANumber(labels[labels.length - 1])) {
      return addressOrMalformed(
          Ipv4Text.parse(lower),
          host,
          "IPv4 address of four decimal numbers without leading zeros");
    }
    for (String label : labels) {
      if (!Name.LABEL.matcher(label).matches()) {
        return new Malformed(host + " is no host name");
      }
    }
    return name.length() > MAX_NAME_CHARS
        ? new Malformed("a host name of " + name.length() + " characters (expected: 253 at most)")
        : new Name(name);
  }

  /** The address as users write it: without a name, IPv6 shortened. */
  static String shown(InetAddress address) {
    return NetUtil.toAddressString(address);
  }

  private static HostText addressOrMalformed(byte[] address, String host, String expected) {
    if (address == null) {
      return new Malformed(host + " is no host name and no " + expected);
    }
    try {
      return new Address(InetAddress.getByAddress(address));
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an address of " + address.length + " bytes", e);
    }
  }

  /** Where the last label is a number, every system tries to read the whole as an IPv4 address. */
  private static boolean endsLikeANumber(String label) {
    if (label.startsWith("0x")) {
      return label.chars().skip(2).allMatch(c -> Character.digit(c, 16) >= 0);
    }
    return !label.isEmpty() && label.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}

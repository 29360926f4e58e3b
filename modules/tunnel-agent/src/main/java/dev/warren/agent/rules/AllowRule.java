package dev.warren.agent.rules;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import dev.warren.protocol.Target;
import java.net.InetAddress;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** One entry of {@code --allow}; the forms are listed at {@link AllowRules}. */
sealed interface AllowRule {
  String EXPECTED =
      "ADDRESS[/BITS][:PORTS], [IPV6[/BITS]][:PORTS], NAME[:PORTS], *.NAME[:PORTS], *[:PORTS] or"
          + " unix//PATH";

  /** Allows addresses, by whatever name they were asked for. */
  record ByAddress(AddressRange range, PortSet ports) implements AllowRule {
    boolean allows(InetAddress address, int port, Optional<SpecialAddresses.Special> special) {
      return ports.contains(port)
          && range.contains(address)
          && (special.isEmpty() || special.get().range().contains(range));
    }

    @Override
    public String toString() {
      String text = range.toString();
      return (text.indexOf(':') >= 0 ? "[" + text + "]" : text) + ":" + ports;
    }
  }

  /**
   * Allows what was asked for by a name, and then whatever ordinary address it has.
   *
   * @param name in lower case; {@code *} alone is every host, with {@code *.} in front every name
   *     below it
   */
  record ByName(String name, PortSet ports) implements AllowRule {
    boolean allows(HostText host, int port) {
      if (!ports.contains(port)) {
        return false;
      }
      if (name.equals("*")) {
        return true;
      }
      if (!(host instanceof HostText.Name asked)) {
        return false;
      }
      return name.startsWith("*.")
          ? asked.name().endsWith(name.substring(1)) && asked.name().length() >= name.length()
          : asked.name().equals(name);
    }

    @Override
    public String toString() {
      return name + ":" + ports;
    }
  }

  /**
   * Allows sockets of the Unix domain.
   *
   * @param path a {@code *} in it stands for any characters but {@code /}
   * @param pattern the same, to match with
   */
  record BySocket(String path, Pattern pattern) implements AllowRule {
    boolean allows(String asked) {
      return pattern.matcher(asked).matches();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof BySocket that && path.equals(that.path);
    }

    @Override
    public int hashCode() {
      return path.hashCode();
    }

    @Override
    public String toString() {
      return "unix/" + path;
    }
  }

  /**
   * Reads an entry.
   *
   * @throws IllegalArgumentException where it is none; the message names it and what was expected
   */
  static AllowRule parse(String text) {
    try {
      return parseTrimmed(text.trim());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "--allow \"" + shown(text) + "\" (expected: " + e.getMessage() + ")");
    }
  }

  private static AllowRule parseTrimmed(String text) {
    if (text.startsWith("unix/")) {
      return socket(text.substring("unix/".length()));
    }
    if (text.startsWith("[")) {
      return bracketed(text);
    }
    if (text.indexOf(':') != text.lastIndexOf(':')) {
      // More than one colon without brackets: an IPv6 address, and no port can follow it.
      return new ByAddress(AddressRange.parse(text), PortSet.ANY);
    }
    int colon = text.indexOf(':');
    String host = colon < 0 ? text : text.substring(0, colon);
    PortSet ports = colon < 0 ? PortSet.ANY : PortSet.parse(text.substring(colon + 1));
    return host.indexOf('/') >= 0 || HostText.of(host) instanceof HostText.Address
        ? new ByAddress(AddressRange.parse(host), ports)
        : new ByName(name(host), ports);
  }

  /** {@code [fd00::/8]:443} and {@code [fd00::]/8:443} are both written. */
  private static AllowRule bracketed(String text) {
    int close = text.indexOf(']');
    if (close < 0 || text.substring(0, close).indexOf(':') < 0) {
      throw new IllegalArgumentException(EXPECTED);
    }
    int colon = text.indexOf(':', close);
    String bits = colon < 0 ? text.substring(close + 1) : text.substring(close + 1, colon);
    if (!bits.isEmpty() && !bits.startsWith("/")) {
      throw new IllegalArgumentException(EXPECTED);
    }
    return new ByAddress(
        AddressRange.parse(text.substring(1, close) + bits),
        colon < 0 ? PortSet.ANY : PortSet.parse(text.substring(colon + 1)));
  }

  private static String name(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    String plain = lower.startsWith("*.") ? lower.substring(2) : lower;
    if (lower.equals("*")) {
      return lower;
    }
    if (HostText.of(plain) instanceof HostText.Name name) {
      return (lower.startsWith("*.") ? "*." : "") + name.name();
    }
    throw new IllegalArgumentException(EXPECTED);
  }

  private static AllowRule socket(String path) {
    if (!path.startsWith("/") || !isPlainPath(path)) {
      throw new IllegalArgumentException(
          "unix/ and an absolute path without empty, . and .. parts, as in unix//run/app/*.sock");
    }
    Target.Unix checked = new Target.Unix(path); // no longer than a socket's name may be
    StringBuilder regex = new StringBuilder();
    for (String part : checked.path().split("\\*", -1)) {
      regex.append(regex.isEmpty() ? "" : "[^/]*").append(Pattern.quote(part));
    }
    return new BySocket(checked.path(), Pattern.compile(regex.toString()));
  }

  /** Whether a path means what it says: no part of it is empty, {@code .} or {@code ..}. */
  static boolean isPlainPath(String path) {
    for (String part : path.substring(1).split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        return false;
      }
    }
    return true;
  }

  private static String shown(String value) {
    String cut = value.length() > 120 ? value.substring(0, 120) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}

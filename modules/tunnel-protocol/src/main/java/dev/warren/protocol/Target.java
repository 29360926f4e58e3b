package dev.warren.protocol;

import java.nio.charset.StandardCharsets;

/**
 * What an agent dials: {@code [tcp/]HOST:PORT} or {@code unix//path}. Names are resolved by the
 * agent. IPv6 addresses stand in brackets.
 */
public sealed interface Target {
  /** A target's text is at most this long (bytes), whichever kind it is. */
  int MAX_TEXT_BYTES = 512;

  /**
   * A TCP port.
   *
   * @param host a name or an address, without brackets; never empty, at most 255 characters
   * @param port 1 to 65535
   */
  record Tcp(String host, int port) implements Target {
    public Tcp {
      if (host.isEmpty() || host.length() > 255 || !host.chars().allMatch(Tcp::fitsHost)) {
        throw wrong(host + ":" + port);
      }
      if (port < 1 || port > 65_535) {
        throw new IllegalArgumentException(
            "port " + port + " of target " + shown(host) + " (expected: 1 to 65535)");
      }
    }

    private static boolean fitsHost(int c) {
      return c > ' ' && c < 0x7f && "/\\@?#[]<>\"'%,;".indexOf(c) < 0 || c == '%';
    }

    /** {@code HOST:PORT}, with brackets around an IPv6 address. */
    @Override
    public String toString() {
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
  }

  /**
   * A socket of the Unix domain at the agent.
   *
   * @param path absolute
   */
  record Unix(String path) implements Target {
    public Unix {
      if (!path.startsWith("/")
          || path.length() > 108
          || path.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
        throw wrong("unix/" + path);
      }
    }

    @Override
    public String toString() {
      return "unix/" + path;
    }
  }

  /**
   * Reads a target.
   *
   * @throws IllegalArgumentException where the text is no target; the message names the value and
   *     what was expected
   */
  static Target parse(String text) {
    if (text.getBytes(StandardCharsets.UTF_8).length > MAX_TEXT_BYTES) {
      throw wrong(text);
    }
    if (text.startsWith("unix/")) {
      return new Unix(text.substring("unix/".length()));
    }
    String rest = text.startsWith("tcp/") ? text.substring("tcp/".length()) : text;
    int colon = rest.lastIndexOf(':');
    if (colon < 1) {
      throw wrong(text);
    }
    String host = rest.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
      if (host.indexOf(':') < 0) {
        throw wrong(text);
      }
    } else if (host.indexOf(':') >= 0) {
      throw wrong(text);
    }
    String digits = rest.substring(colon + 1);
    if (digits.isEmpty()
        || digits.length() > 5
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw wrong(text);
    }
    return new Tcp(host, Integer.parseInt(digits));
  }

  private static IllegalArgumentException wrong(String text) {
    return new IllegalArgumentException(
        "target \"" + shown(text) + "\" (expected: [tcp/]HOST:PORT or unix//path)");
  }

  private static String shown(String value) {
    String cut = value.length() > 120 ? value.substring(0, 120) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}

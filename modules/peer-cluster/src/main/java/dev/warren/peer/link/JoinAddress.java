package dev.warren.peer.link;

/**
 * Where another gateway may be found. A name stands for all its addresses.
 *
 * @param host a name or an address
 * @param linkPort where it takes links
 */
public record JoinAddress(String host, int linkPort) {
  /** The link port is the cluster port and this, unless said otherwise. */
  public static final int LINK_PORT_OFFSET = 100;

  /** The longest name that the DNS has (characters). */
  static final int MAX_HOST = 253;

  /**
   * Reads {@code HOST:PORT} (the cluster port) or {@code HOST:PORT/LINKPORT}; an IPv6 address
   * stands in brackets.
   *
   * @throws IllegalArgumentException where it is neither; the message names the value and what was
   *     expected
   */
  public static JoinAddress parse(String text) {
    int slash = text.lastIndexOf('/');
    String address = slash < 0 ? text : text.substring(0, slash);
    int colon = address.lastIndexOf(':');
    String host = colon < 0 ? "" : address.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.contains(":")) {
      throw wrong(text);
    }
    if (host.isBlank()
        || host.length() > MAX_HOST
        || host.chars().anyMatch(Character::isWhitespace)) {
      throw wrong(text);
    }
    int clusterPort = port(address.substring(colon + 1), text);
    int linkPort =
        slash < 0 ? clusterPort + LINK_PORT_OFFSET : port(text.substring(slash + 1), text);
    if (linkPort > 65_535) {
      throw wrong(text);
    }
    return new JoinAddress(host, linkPort);
  }

  /** Reads an address that a peer told us, {@code HOST:LINKPORT}. */
  static JoinAddress ofLink(String text) {
    JoinAddress read = parse(text + "/1");
    return new JoinAddress(read.host(), port(text.substring(text.lastIndexOf(':') + 1), text));
  }

  private static int port(String digits, String text) {
    try {
      int port = Integer.parseInt(digits);
      if (port >= 1 && port <= 65_535) {
        return port;
      }
    } catch (NumberFormatException e) {
      throw wrong(text);
    }
    throw wrong(text);
  }

  private static IllegalArgumentException wrong(String text) {
    return new IllegalArgumentException(
        "\""
            + text
            + "\" (expected: HOST:PORT, the cluster port of another gateway, or"
            + " HOST:PORT/LINKPORT where its link port is not that + "
            + LINK_PORT_OFFSET
            + ")");
  }

  @Override
  public String toString() {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + linkPort;
  }
}

package dev.warren.peer.control;

/**
 * An address as standings show it.
 *
 * @param host IPv6 literals in brackets, as Pekko wants them
 */
record HostAndPort(String host, int port) {
  /**
   * @throws IllegalArgumentException where it is not HOST:PORT
   */
  static HostAndPort parse(String text) {
    int colon = text.lastIndexOf(':');
    try {
      if (colon > 0) {
        return new HostAndPort(
            text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException("address \"" + text + "\" (expected: HOST:PORT)");
  }

  /** The host without brackets. */
  String bare() {
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}

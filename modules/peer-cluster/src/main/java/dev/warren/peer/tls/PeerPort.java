package dev.warren.peer.tls;

/** Where a peer's handshake took place, and who began it. */
public enum PeerPort {
  /** A peer that connected to our listener for links. */
  LINK_IN("link", "in"),
  /** A peer's listener for links that we connected to. */
  LINK_OUT("link", "out"),
  /** A peer that connected to our cluster port. */
  CLUSTER_IN("cluster", "in"),
  /** A peer's cluster port that we connected to. */
  CLUSTER_OUT("cluster", "out");

  private final String port;
  private final String direction;

  PeerPort(String port, String direction) {
    this.port = port;
    this.direction = direction;
  }

  String port() {
    return port;
  }

  String direction() {
    return direction;
  }
}

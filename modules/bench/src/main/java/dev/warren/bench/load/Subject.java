package dev.warren.bench.load;

import java.util.List;

/** What a request goes through on its way to the origin. */
enum Subject {
  /** Nothing: what the client can take at most. */
  DIRECT("direct"),
  /** nginx {@code proxy_pass}, the yardstick. */
  NGINX("nginx"),
  /** The yardstick once more: what it differs from itself by is noise. */
  NGINX_AGAIN("nginx again"),
  /** The gateway that has the agent's tunnel, and the agent. */
  WARREN("Warren"),
  /** Another gateway, a link, that gateway and the agent. */
  PEER("over a peer");

  /** One round: Warren's turns stand between the two of the yardstick. */
  static final List<Subject> ROUND = List.of(NGINX, WARREN, PEER, NGINX_AGAIN);

  /** What is held against the yardstick. */
  static final List<Subject> MEASURED = List.of(WARREN, PEER);

  private final String text;

  Subject(String text) {
    this.text = text;
  }

  boolean isWarren() {
    return this == WARREN || this == PEER;
  }

  @Override
  public String toString() {
    return text;
  }
}

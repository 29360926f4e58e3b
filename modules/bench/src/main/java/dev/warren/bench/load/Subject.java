package dev.warren.bench.load;

/** What a request goes through on its way to the origin. */
enum Subject {
  /** Nothing: what the client can take at most. */
  DIRECT("direct"),
  /** nginx {@code proxy_pass}, the yardstick. */
  NGINX("nginx"),
  /** The yardstick once more: what it differs from itself by is noise. */
  NGINX_AGAIN("nginx again"),
  /** Gateway and agent. */
  WARREN("Warren");

  private final String text;

  Subject(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}

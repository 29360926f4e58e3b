package dev.warren.gateway.dial;

import dev.warren.gateway.http.PathText;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;

/**
 * Where {@code /dial/{id}/{target}} leads. The target is {@code [tcp/]HOST:PORT} or {@code
 * unix//path}, percent-encoded where it has to be.
 *
 * @param session whose agent dials
 * @param target what it dials
 */
record DialPath(SessionKey session, Target target) {
  /** The path of a line; what stands behind a further slash is one stream's. */
  static final String LINE = "/dial";

  private static final String START = LINE + "/";

  /** Whether a request target asks for a line. */
  static boolean isLine(String uri) {
    return withoutQuery(uri).equals(LINE);
  }

  /**
   * Reads a request target that starts with {@code /dial/}.
   *
   * @throws IllegalArgumentException where it leads nowhere; the message says what was expected
   */
  static DialPath of(String uri) {
    String path = withoutQuery(uri);
    int end = path.indexOf('/', START.length());
    if (end <= START.length() || end == path.length() - 1) {
      throw new IllegalArgumentException(
          "an incomplete path (expected: /dial/ID/HOST:PORT or /dial/ID/unix//PATH)");
    }
    SessionKey session = SessionKey.of(PathText.decoded(path.substring(START.length(), end)));
    return new DialPath(session, Target.parse(PathText.decoded(path.substring(end + 1))));
  }

  private static String withoutQuery(String uri) {
    int query = uri.indexOf('?');
    return query < 0 ? uri : uri.substring(0, query);
  }
}

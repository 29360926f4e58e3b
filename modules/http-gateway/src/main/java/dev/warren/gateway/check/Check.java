package dev.warren.gateway.check;

import dev.warren.gateway.access.SessionPattern;
import dev.warren.peer.check.CheckResult;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;

/**
 * One check of the settings: of which sessions, and what is asked.
 *
 * @param sessions of every one of them the target is checked
 * @param target what the agent dials
 * @param path what is asked for by HTTP; empty where it is enough that the target accepts
 */
public record Check(SessionPattern sessions, Target.Tcp target, String path) {
  private static final String HTTP = "http://";
  private static final int HTTP_PORT = 80;

  /**
   * Reads {@code ID-PATTERN=TARGET}, where TARGET is {@code [tcp/]HOST:PORT} or {@code
   * http://HOST[:PORT][/path]}.
   *
   * @throws IllegalArgumentException where it is none; the message names the value and what was
   *     expected
   */
  public static Check parse(String text) {
    int equals = text.indexOf('=');
    if (equals < 0) {
      throw wrong(text, "no \"=\"");
    }
    String asked = text.substring(equals + 1);
    try {
      SessionPattern sessions = SessionPattern.parse(text.substring(0, equals));
      if (asked.startsWith(HTTP)) {
        return http(text, sessions, asked.substring(HTTP.length()));
      }
      if (asked.contains("//") || !(Target.parse(asked) instanceof Target.Tcp tcp)) {
        throw wrong(text, "target \"" + shown(asked) + "\"");
      }
      return new Check(sessions, tcp, "");
    } catch (IllegalArgumentException e) {
      throw e.getMessage().startsWith("\"") ? e : wrong(text, e.getMessage());
    }
  }

  private static Check http(String text, SessionPattern sessions, String rest) {
    int slash = rest.indexOf('/');
    String authority = slash < 0 ? rest : rest.substring(0, slash);
    String path = slash < 0 ? "/" : rest.substring(slash);
    boolean hasPort = authority.lastIndexOf(':') > authority.lastIndexOf(']');
    if (authority.isEmpty()) {
      throw wrong(text, "no host");
    }
    if (path.length() > CheckResult.MAX_TARGET_LENGTH - 300
        || !path.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '#')) {
      throw wrong(text, "path \"" + shown(path) + "\"");
    }
    Target dialled = Target.parse(hasPort ? authority : authority + ":" + HTTP_PORT);
    if (!(dialled instanceof Target.Tcp tcp)) {
      throw wrong(text, "target \"" + shown(authority) + "\"");
    }
    return new Check(sessions, tcp, path);
  }

  private static IllegalArgumentException wrong(String text, String what) {
    return new IllegalArgumentException(
        "\""
            + shown(text)
            + "\": "
            + what.replaceAll(" \\(expected: .*\\)$", "")
            + " (expected: ID-PATTERN=TARGET with [tcp/]HOST:PORT or http://HOST:PORT/path, as in"
            + " web-*=127.0.0.1:22 or *=http://127.0.0.1:8080/healthz)");
  }

  private static String shown(String value) {
    String cut = value.length() > 120 ? value.substring(0, 120) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }

  public boolean matches(SessionKey session) {
    return sessions.matches(session);
  }

  boolean isHttp() {
    return !path.isEmpty();
  }

  /** The target as operators see it; the same at every gateway, however the setting wrote it. */
  String text() {
    return isHttp() ? HTTP + target + path : target.toString();
  }
}

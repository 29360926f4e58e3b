package dev.warren.gateway.http;

import dev.warren.peer.dial.DialFailedException;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/**
 * An answer that the gateway makes itself, because no target made one. Only these carry {@code
 * Warren-Stream} and {@code Warren-Via}.
 *
 * @param status what went wrong, as HTTP says it
 * @param detail one line that names the thing, what was found and what was expected
 * @param retryAfter when a new try makes sense; zero where nothing is known
 * @param stream the public id of the stream that failed, or of the one that was never opened
 * @param via the gateways that had to do with it
 */
public record Problem(
    HttpResponseStatus status, String detail, Duration retryAfter, String stream, String via) {
  /** The stream's public id, as in the log lines of origin, holder and agent. */
  public static final AsciiString WARREN_STREAM = AsciiString.cached("Warren-Stream");

  /** {@code origin, holder}, as far as the dial came. */
  public static final AsciiString WARREN_VIA = AsciiString.cached("Warren-Via");

  private static final AsciiString PROBLEM_JSON = AsciiString.cached("application/problem+json");
  private static final AsciiString TEXT = AsciiString.cached("text/plain; charset=utf-8");

  /**
   * What a caller is told of a dial that failed; its text names session and target itself.
   *
   * @param stream the public id of the stream that was wished
   * @param gateway the id of this one
   */
  public static Problem of(DialFailedException failure, String stream, String gateway) {
    HttpResponseStatus status =
        switch (failure.outcome()) {
          case UNKNOWN_SESSION -> HttpResponseStatus.NOT_FOUND;
          case UNAVAILABLE -> HttpResponseStatus.SERVICE_UNAVAILABLE;
          case TOO_MANY -> HttpResponseStatus.TOO_MANY_REQUESTS;
          case FORBIDDEN -> HttpResponseStatus.FORBIDDEN;
          case REFUSED -> HttpResponseStatus.BAD_GATEWAY;
          case TIMED_OUT -> HttpResponseStatus.GATEWAY_TIMEOUT;
          case UNSUPPORTED -> HttpResponseStatus.NOT_IMPLEMENTED;
        };
    Duration retryAfter = failure.retryAfter();
    boolean later =
        status.equals(HttpResponseStatus.SERVICE_UNAVAILABLE)
            || status.equals(HttpResponseStatus.TOO_MANY_REQUESTS);
    if (later && retryAfter.isZero()) {
      retryAfter = Duration.ofSeconds(1);
    }
    String via = failure.via().isEmpty() ? gateway : failure.via();
    return new Problem(status, failure.getMessage(), retryAfter, stream, via);
  }

  /** As JSON where the request's Accept asks for JSON, else as one line of text. */
  public FullHttpResponse toResponse(HttpRequest request) {
    boolean json = wantsJson(request);
    String body = json ? json() : detail.replace('\n', ' ').replace('\r', ' ') + "\n";
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            status,
            Unpooled.wrappedBuffer(body.getBytes(StandardCharsets.UTF_8)));
    HttpHeaders headers = response.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, json ? PROBLEM_JSON : TEXT);
    headers.setInt(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
    headers.set(HttpHeaderNames.CACHE_CONTROL, "no-store");
    if (!retryAfter.isZero()) {
      long seconds = Math.max(1, (retryAfter.toMillis() + 999) / 1_000);
      headers.set(HttpHeaderNames.RETRY_AFTER, Long.toString(seconds));
    }
    headers.set(WARREN_STREAM, stream);
    headers.set(WARREN_VIA, via);
    return response;
  }

  private static boolean wantsJson(HttpRequest request) {
    for (String accept : request.headers().getAll(HttpHeaderNames.ACCEPT)) {
      String lower = accept.toLowerCase(Locale.ROOT);
      if (lower.contains("application/json") || lower.contains("application/problem+json")) {
        return true;
      }
    }
    return false;
  }

  private String json() {
    StringBuilder json = new StringBuilder("{\"type\":\"about:blank\",\"title\":");
    quote(json, status.reasonPhrase());
    json.append(",\"status\":").append(status.code()).append(",\"detail\":");
    quote(json, detail);
    json.append(",\"stream\":");
    quote(json, stream);
    return json.append("}\n").toString();
  }

  private static void quote(StringBuilder json, String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ' || c == 0x7f) {
        json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }
}

package dev.warren.gateway.http;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Judges requests that have to be an upgrade to WebSocket (RFC 6455, section 4.2.1). */
public final class WebSocketUpgrade {
  private WebSocketUpgrade() {}

  /**
   * Why a request is no upgrade as it has to be. Null where all is there.
   *
   * @param who begins the sentence that says who comes here, as in "agents connect"
   * @param subProtocolOrNull which has to be among those that are offered
   */
  public static FullHttpResponse refusal(
      FullHttpRequest head, String who, String subProtocolOrNull) {
    HttpHeaders headers = head.headers();
    if (!head.method().equals(HttpMethod.GET)
        || head.protocolVersion().compareTo(HttpVersion.HTTP_1_1) < 0
        || !headers.containsValue(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true)
        || !headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true)) {
      FullHttpResponse answer =
          answer(
              HttpResponseStatus.UPGRADE_REQUIRED,
              who + " here by WebSocket (expected: GET with Upgrade: websocket, in HTTP/1.1)");
      answer.headers().set(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET);
      answer
          .headers()
          .set(HttpHeaderNames.SEC_WEBSOCKET_VERSION, WebSocketVersion.V13.toHttpHeaderValue());
      return answer;
    }
    if (!WebSocketVersion.V13
        .toHttpHeaderValue()
        .contentEquals(headers.get(HttpHeaderNames.SEC_WEBSOCKET_VERSION, "").strip())) {
      FullHttpResponse answer =
          answer(
              HttpResponseStatus.UPGRADE_REQUIRED,
              "Sec-WebSocket-Version "
                  + shown(headers.get(HttpHeaderNames.SEC_WEBSOCKET_VERSION, ""))
                  + " (expected: 13)");
      answer
          .headers()
          .set(HttpHeaderNames.SEC_WEBSOCKET_VERSION, WebSocketVersion.V13.toHttpHeaderValue());
      return answer;
    }
    if (!isKey(headers.getAll(HttpHeaderNames.SEC_WEBSOCKET_KEY))) {
      return answer(
          HttpResponseStatus.BAD_REQUEST, "Sec-WebSocket-Key (expected: one, 16 bytes in base 64)");
    }
    if (subProtocolOrNull == null || subProtocols(headers).contains(subProtocolOrNull)) {
      return null;
    }
    return answer(
        HttpResponseStatus.BAD_REQUEST,
        "Sec-WebSocket-Protocol (expected: " + subProtocolOrNull + " among them)");
  }

  /** The sub-protocols that a request offers, in its order. */
  public static List<String> subProtocols(HttpHeaders headers) {
    List<String> all = new ArrayList<>();
    for (String protocols : headers.getAll(HttpHeaderNames.SEC_WEBSOCKET_PROTOCOL)) {
      for (String protocol : protocols.split(",", 32)) {
        all.add(protocol.strip());
      }
    }
    return all;
  }

  private static boolean isKey(List<String> values) {
    if (values.size() != 1) {
      return false;
    }
    try {
      return Base64.getDecoder().decode(values.get(0).strip()).length == 16;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** One line of text, behind which the connection ends. */
  public static FullHttpResponse answer(HttpResponseStatus status, String line) {
    FullHttpResponse answer =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            status,
            Unpooled.copiedBuffer(line + "\n", StandardCharsets.UTF_8));
    answer
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
        .set(HttpHeaderNames.CONTENT_LENGTH, answer.content().readableBytes())
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    return answer;
  }

  /** A value of a header as it may stand in a log line or an answer. */
  public static String shown(String value) {
    String cut = value.length() > 40 ? value.substring(0, 40) + "..." : value;
    return "\"" + cut.replaceAll("\\p{Cntrl}", "?") + "\"";
  }
}

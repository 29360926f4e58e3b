package dev.warren.gateway.http;

import io.netty.channel.Channel;
import io.netty.handler.codec.http.FullHttpRequest;

/**
 * What becomes of a connection that leaves the front: at {@code /connect} an agent's tunnel, at
 * {@code /dial} a caller's streams.
 */
@FunctionalInterface
public interface ConnectHandler {
  /** Where agents of ours connect. */
  String PATH = "/connect";

  /** Whether agents connect at this path, which is a request target without its query. */
  default boolean serves(String path) {
    return path.equals(PATH);
  }

  /**
   * Takes the channel over. In its pipeline are an {@code HttpRequestDecoder} that decodes nothing
   * more and an {@code HttpResponseEncoder}, as {@code WebSocketServerHandshaker} wants to find
   * them; the front has left. {@code autoRead} is off and half closure is allowed. Bytes that came
   * behind the request go to whatever replaces the decoder.
   *
   * @param head the request, which has no body; nothing needs to be released
   */
  void connect(Channel channel, FullHttpRequest head);
}

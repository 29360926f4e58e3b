package dev.warren.protocol.channel;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import java.util.concurrent.TimeUnit;

/** Sends a close frame, once, before the connection is closed. */
final class WebSocketGoodbye {
  /** How long the close may wait for a far side that does not read. */
  static final int MOST_MILLIS = 1_000;

  private boolean sent;

  void close(ChannelHandlerContext ctx, WebSocketCloseStatus status, ChannelPromise promise) {
    if (sent || !ctx.channel().isActive()) {
      ctx.close(promise);
      return;
    }
    sent = true;
    var late =
        ctx.executor().schedule(() -> ctx.close(promise), MOST_MILLIS, TimeUnit.MILLISECONDS);
    ctx.writeAndFlush(new CloseWebSocketFrame(status))
        .addListener(
            (ChannelFutureListener)
                written -> {
                  if (late.cancel(false)) {
                    ctx.close(promise);
                  }
                });
  }
}

package dev.warren.protocol.channel;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;

/**
 * Between WebSocket frames and bytes: binary messages, whose boundaries have no meaning
 * (PROTOCOL.md, section 1). A text message ends the connection with status 1003, a frame that RFC
 * 6455 forbids with 1002, and one that is too large with 1009. A close is sent before the
 * connection is closed and waits for the far side at most {@value #CLOSE_MILLIS} ms.
 */
final class WebSocketBytes extends ChannelDuplexHandler {
  static final int CLOSE_MILLIS = WebSocketGoodbye.MOST_MILLIS;

  private final MaskedFrames masks; // null where we are the server, whose frames are not masked
  private WebSocketCloseStatus status = WebSocketCloseStatus.NORMAL_CLOSURE;
  private final WebSocketGoodbye goodbye = new WebSocketGoodbye();

  /**
   * @param client whether we are the WebSocket's client, whose frames are masked
   */
  WebSocketBytes(boolean client) {
    masks = client ? new MaskedFrames() : null;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof ByteBuf) { // from our own reader
      ctx.fireChannelRead(message);
      return;
    }
    if (message instanceof BinaryWebSocketFrame || message instanceof ContinuationWebSocketFrame) {
      ctx.fireChannelRead(((WebSocketFrame) message).content());
      return;
    }
    try {
      if (message instanceof PingWebSocketFrame ping) {
        // Only the last ping needs an answer (RFC 6455, section 5.5.3); one who does not read gets
        // none.
        if (ctx.channel().isWritable()) {
          ctx.writeAndFlush(new PongWebSocketFrame(ping.content().retain()));
        }
      } else if (message instanceof CloseWebSocketFrame) {
        goodbye.close(ctx, WebSocketCloseStatus.NORMAL_CLOSURE, ctx.newPromise());
      } else if (!(message instanceof PongWebSocketFrame)) {
        goodbye.close(ctx, WebSocketCloseStatus.INVALID_MESSAGE_TYPE, ctx.newPromise());
      }
    } finally {
      ((WebSocketFrame) message).release();
    }
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (!(message instanceof ByteBuf bytes)) {
      ctx.write(message, promise);
    } else if (masks == null) {
      ctx.write(new BinaryWebSocketFrame(bytes), promise);
    } else { // as bytes, which pass Netty's encoder
      int key = masks.nextKey();
      ctx.write(MaskedFrames.header(ctx.alloc(), bytes.readableBytes(), key), ctx.voidPromise());
      ctx.write(MaskedFrames.masked(ctx.alloc(), bytes, key), promise);
    }
  }

  /** Whoever hears of it closes the connection; here it is only known with which status. */
  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof CorruptedWebSocketFrameException corrupted) {
      status = corrupted.closeStatus();
    }
    ctx.fireExceptionCaught(cause);
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    goodbye.close(ctx, status, promise);
  }
}

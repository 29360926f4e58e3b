package dev.warren.protocol.channel;

import dev.warren.protocol.frame.FrameReader;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;

/** How a tunnel's channel is composed, from WebSocket frames up to streams. */
public final class Tunnels {
  /** The WebSocket sub-protocol of version 1. */
  public static final String SUB_PROTOCOL = "warren.v1";

  /** In the answer to the upgrade: which gateway it is (PROTOCOL.md, section 1). */
  public static final String GATEWAY_HEADER = "Warren-Gateway";

  /**
   * The largest WebSocket frame that is read; ours are never larger than one payload and a few
   * headers (bytes).
   */
  public static final int MAX_WEB_SOCKET_FRAME_BYTES = 4 * FrameReader.MAX_PAYLOAD_BYTES;

  /**
   * What may wait below the turns, so that a new stream's first byte does not wait behind a backlog
   * (bytes). The kernel's own buffer comes on top.
   */
  public static final WriteBufferWaterMark QUEUE = new WriteBufferWaterMark(64 * 1024, 128 * 1024);

  /**
   * What one read of a tunnel may bring (bytes): several WebSocket frames, so that few are cut in
   * two and gathered again. The guess adapts to what really comes.
   */
  static final int MAX_READ_BYTES = 256 * 1024;

  private static final int FIRST_READ_BYTES = 16 * 1024;
  private static final int LEAST_READ_BYTES = 2 * 1024;

  private Tunnels() {}

  /**
   * What Netty's WebSocket decoder is to refuse, where it is in use: for the side that reads masked
   * frames or the one that does not.
   */
  public static WebSocketDecoderConfig webSocket(boolean expectMaskedFrames) {
    return WebSocketDecoderConfig.newBuilder()
        .maxFramePayloadLength(MAX_WEB_SOCKET_FRAME_BYTES)
        .expectMaskedFrames(expectMaskedFrames)
        .allowMaskMismatch(false)
        .allowExtensions(false)
        .closeOnProtocolViolation(false) // its close would not pass the encoder; ours does
        .withUTF8Validator(false)
        .build();
  }

  /**
   * Answers an agent's upgrade: as Netty does, but what reads the frames is ours.
   *
   * @see #install
   */
  public static WebSocketServerHandshaker handshaker() {
    return new WebSocketServerHandshaker13(null, SUB_PROTOCOL, webSocket(true)) {
      @Override
      protected WebSocketFrameDecoder newWebsocketDecoder() {
        return new WebSocketReader(true);
      }
    };
  }

  /**
   * Puts a tunnel on a channel whose WebSocket handshake is done, or answered by {@link
   * #handshaker} next: the side that dialled has the frame codec of Netty in its pipeline already,
   * and its decoder is replaced.
   */
  public static void install(ChannelPipeline pipeline, TunnelHandler tunnel, boolean logFrames) {
    if (tunnel.dialled()) {
      ChannelHandlerContext decoder = pipeline.context(WebSocketFrameDecoder.class);
      pipeline.replace(decoder.handler(), decoder.name(), new WebSocketReader(false));
    }
    pipeline.addLast("web-socket-bytes", new WebSocketBytes(tunnel.dialled()));
    installRaw(pipeline, tunnel, logFrames);
  }

  /** Puts a tunnel on a channel that carries its bytes as they are: between two gateways. */
  public static void installRaw(ChannelPipeline pipeline, TunnelHandler tunnel, boolean logFrames) {
    pipeline.channel().config().setWriteBufferWaterMark(QUEUE);
    pipeline
        .channel()
        .config()
        .setRecvByteBufAllocator(
            new AdaptiveRecvByteBufAllocator(LEAST_READ_BYTES, FIRST_READ_BYTES, MAX_READ_BYTES));
    if (logFrames) {
      pipeline.addLast("frame-log", new FrameLog());
    }
    pipeline.addLast("tunnel", tunnel);
  }
}

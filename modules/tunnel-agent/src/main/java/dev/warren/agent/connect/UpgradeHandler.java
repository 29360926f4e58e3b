package dev.warren.agent.connect;

import dev.warren.agent.connect.ConnectOutcome.Stage;
import dev.warren.protocol.channel.RemoteDialerHandler;
import dev.warren.protocol.channel.Tunnels;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakerFactory;
import io.netty.handler.codec.http.websocketx.WebSocketHandshakeException;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.proxy.ProxyConnectionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Asks for the upgrade and judges the answer. What comes before it on the way tells how far it is.
 */
final class UpgradeHandler extends ChannelInboundHandlerAdapter {
  static final String TUNNEL_ID = "X-Tunnel-ID";

  /** Of a refusal's body so much is read. */
  static final int MAX_REASON_BYTES = 1_024;

  /** Of it so much is logged. */
  static final int MAX_REASON_CHARS = 200;

  private final ConnectAttempt attempt;
  private final WebSocketClientHandshaker handshaker;
  private final StringBuilder body = new StringBuilder();
  private HttpResponse response;

  private UpgradeHandler(ConnectAttempt attempt) {
    this.attempt = attempt;
    HttpHeaders headers = new DefaultHttpHeaders();
    headers.set(HttpHeaderNames.USER_AGENT, attempt.connector().userAgent());
    headers.set(TUNNEL_ID, attempt.connector().session().toString());
    attempt
        .token()
        .ifPresent(token -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + token));
    Upgrade upgrade = attempt.connector().upgrade();
    for (Upgrade.Header header : upgrade.headers()) {
      headers.add(header.name(), header.value());
    }
    this.handshaker =
        WebSocketClientHandshakerFactory.newHandshaker(
            attempt.gateway().uri(),
            WebSocketVersion.V13,
            upgrade.isRemoteDialer() ? null : Tunnels.SUB_PROTOCOL,
            false,
            headers,
            upgrade.isRemoteDialer()
                ? RemoteDialerHandler.MAX_WEB_SOCKET_FRAME_BYTES
                : Tunnels.MAX_WEB_SOCKET_FRAME_BYTES,
            true,
            false,
            -1,
            false,
            // Origin is for browsers.
            false);
  }

  static void install(ChannelPipeline pipeline, ConnectAttempt attempt) {
    pipeline.addLast("http", new HttpClientCodec());
    pipeline.addLast("upgrade", new UpgradeHandler(attempt));
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    attempt.active();
    // Proxy and TLS keep what is written until they are done.
    handshaker
        .handshake(ctx.channel())
        .addListener(
            written -> {
              if (!written.isSuccess()) {
                attempt.failed(written.cause());
              }
            });
    ctx.fireChannelActive();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ProxyConnectionEvent) {
      attempt.reached(attempt.afterProxy());
    } else if (event instanceof SslHandshakeCompletionEvent tls) {
      if (tls.isSuccess()) {
        attempt.reached(Stage.UPGRADE);
      } else {
        attempt.failed(tls.cause());
      }
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof HttpObject object)) {
      ctx.fireChannelRead(message);
      return;
    }
    try {
      answered(ctx, object);
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void answered(ChannelHandlerContext ctx, HttpObject object) {
    if (object.decoderResult().isFailure()) {
      attempt.fail("no HTTP answer: " + ConnectAttempt.reason(object.decoderResult().cause()));
      return;
    }
    if (object instanceof HttpResponse head) {
      response = head;
    }
    if (response == null) {
      return;
    }
    boolean upgraded = response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS);
    if (!upgraded && response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
      return; // an early hint, or the like: the answer follows
    }
    if (object instanceof HttpContent content && !upgraded) {
      ByteBuf bytes = content.content();
      int room = MAX_REASON_BYTES - body.length();
      body.append(
          bytes.toString(
              bytes.readerIndex(),
              Math.min(room, bytes.readableBytes()),
              StandardCharsets.US_ASCII));
    }
    if (object instanceof LastHttpContent || (!upgraded && body.length() >= MAX_REASON_BYTES)) {
      if (upgraded) {
        finish(ctx);
      } else {
        attempt.refused(refusal());
      }
    }
  }

  private void finish(ChannelHandlerContext ctx) {
    try {
      handshaker.finishHandshake(
          ctx.channel(),
          new DefaultFullHttpResponse(
              response.protocolVersion(),
              response.status(),
              Unpooled.EMPTY_BUFFER,
              response.headers(),
              EmptyHttpHeaders.INSTANCE));
    } catch (WebSocketHandshakeException e) {
      attempt.fail(
          "the answer is no WebSocket of "
              + (attempt.connector().upgrade().isRemoteDialer()
                  ? "a remotedialer server"
                  : Tunnels.SUB_PROTOCOL)
              + ": "
              + e.getMessage());
      return;
    }
    Channel channel = ctx.channel();
    ctx.pipeline().remove(this);
    attempt.upgraded(channel, response.headers().get(Tunnels.GATEWAY_HEADER, "").strip());
  }

  private ConnectOutcome.Refused refusal() {
    String firstLine = body.toString().strip().lines().findFirst().orElse("").strip();
    boolean text = !firstLine.isEmpty() && !firstLine.startsWith("<");
    String reason = response.status().reasonPhrase() + (text ? ": " + firstLine : "");
    String location = response.headers().get(HttpHeaderNames.LOCATION);
    if (response.status().codeClass() == HttpStatusClass.REDIRECTION && location != null) {
      reason += ", to " + location.replaceAll("[?#].*", "") + " (redirects are not followed)";
    }
    String plain = reason.replaceAll("\\p{Cntrl}", "?");
    return new ConnectOutcome.Refused(
        response.status().code(),
        plain.length() > MAX_REASON_CHARS ? plain.substring(0, MAX_REASON_CHARS) + "..." : plain,
        retryAfter(response.headers().get(HttpHeaderNames.RETRY_AFTER)));
  }

  /** Seconds; a date depends on two clocks, and no gateway sends one. */
  static Duration retryAfter(String header) {
    return header != null && header.strip().matches("[0-9]{1,9}")
        ? Duration.ofSeconds(Integer.parseInt(header.strip()))
        : Duration.ZERO;
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    if (response != null && response.status().code() >= 300) {
      attempt.refused(refusal());
    } else {
      attempt.fail("the connection was closed before an answer came");
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    attempt.failed(cause);
    ctx.close();
  }
}

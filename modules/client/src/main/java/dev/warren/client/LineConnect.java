package dev.warren.client;

import dev.warren.client.DialException.Reason;
import dev.warren.protocol.channel.Tunnels;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
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
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.NetUtil;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One try to make a line: name, TCP, TLS, the upgrade, HELLO and WELCOME, within one limit. On the
 * event loop.
 */
final class LineConnect {
  private static final int MAX_REASON_BYTES = 1_024;
  private static final int MAX_REASON_CHARS = 200;

  /** Told once. */
  interface Outcome {
    void up(Line line);

    /** Another gateway may do where the reason is GATEWAY_UNREACHABLE, and else not. */
    void failed(Reason reason, String text);
  }

  private final Lines lines;
  private final GatewayUrl gateway;
  private final Outcome outcome;
  private Optional<String> token = Optional.empty();
  private Future<?> timer;
  private Channel channel;
  private boolean over;

  LineConnect(Lines lines, GatewayUrl gateway, Outcome outcome) {
    this.lines = lines;
    this.gateway = gateway;
    this.outcome = outcome;
  }

  void start() {
    timer =
        lines
            .loop()
            .schedule(
                () ->
                    fail(
                        Reason.GATEWAY_UNREACHABLE,
                        "no answer within " + lines.settings().connectTimeout().toMillis() + " ms"),
                lines.settings().connectTimeout().toNanos(),
                TimeUnit.NANOSECONDS);
    // Names and files may block, so they are looked up beside the event loop.
    Thread lookup =
        new Thread(
            () -> {
              try {
                Optional<String> read = lines.settings().token().read();
                byte[] literal = NetUtil.createByteArrayFromIpAddressString(gateway.host());
                InetAddress[] found =
                    literal == null
                        ? InetAddress.getAllByName(gateway.host())
                        : new InetAddress[] {InetAddress.getByAddress(gateway.host(), literal)};
                lines
                    .loop()
                    .execute(
                        () -> {
                          token = read;
                          connect(found, 0);
                        });
              } catch (UnknownHostException e) {
                lines
                    .loop()
                    .execute(
                        () ->
                            fail(
                                Reason.GATEWAY_UNREACHABLE,
                                "the name " + gateway.host() + " is unknown"));
              } catch (IOException e) {
                lines.loop().execute(() -> fail(Reason.UNAUTHORIZED, reason(e)));
              }
            },
            "warren-client-lookup");
    lookup.setDaemon(true);
    lookup.start();
  }

  /** Nothing stays behind, and nobody is told. */
  void cancel() {
    over = true;
    timer.cancel(false);
    if (channel != null) {
      channel.close();
    }
  }

  private void connect(InetAddress[] addresses, int next) {
    if (over) {
      return;
    }
    ChannelFuture connect =
        new Bootstrap()
            .group(lines.loop())
            .channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel made) throws IOException {
                    if (gateway.tls()) {
                      made.pipeline().addLast(lines.tls().handler(made.alloc(), gateway));
                    }
                    made.pipeline().addLast(new HttpClientCodec(), new Upgrade());
                  }

                  @Override
                  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                    fail(Reason.GATEWAY_UNREACHABLE, reason(cause));
                    ctx.close();
                  }
                })
            .connect(new InetSocketAddress(addresses[next], gateway.port()));
    channel = connect.channel();
    connect.addListener(
        done -> {
          if (!done.isSuccess()) {
            if (next + 1 < addresses.length) {
              connect(addresses, next + 1);
            } else {
              fail(Reason.GATEWAY_UNREACHABLE, reason(done.cause()));
            }
          }
        });
  }

  private void fail(Reason reason, String text) {
    if (!over) {
      cancel();
      outcome.failed(reason, text);
    }
  }

  /** The upgrade is done; the rest is said by HELLO and WELCOME. */
  private void upgraded(Channel upgraded) {
    if (over) {
      upgraded.close();
      return;
    }
    Line.begin(
        lines,
        upgraded,
        new Outcome() {
          @Override
          public void up(Line line) {
            if (over) {
              line.end();
              return;
            }
            over = true;
            timer.cancel(false);
            outcome.up(line);
          }

          @Override
          public void failed(Reason reason, String text) {
            fail(reason, text);
          }
        });
  }

  /** The innermost cause says what happened. */
  private static String reason(Throwable cause) {
    Throwable innermost = cause;
    while (innermost.getCause() != null && innermost.getCause() != innermost) {
      innermost = innermost.getCause();
    }
    String message = innermost.getMessage();
    return message == null || message.isBlank()
        ? innermost.getClass().getSimpleName()
        : message.replaceAll("\\p{Cntrl}+", " ");
  }

  /** Asks for the upgrade and judges the answer. */
  private final class Upgrade extends ChannelInboundHandlerAdapter {
    private final WebSocketClientHandshaker handshaker;
    private final StringBuilder body = new StringBuilder();
    private HttpResponse response;

    Upgrade() {
      HttpHeaders headers = new DefaultHttpHeaders();
      headers.set(HttpHeaderNames.USER_AGENT, lines.settings().software());
      // Not Authorization: balancers and proxies on the way use that for themselves.
      token.ifPresent(shown -> headers.set("X-Warren-Authorization", "Bearer " + shown));
      handshaker =
          WebSocketClientHandshakerFactory.newHandshaker(
              gateway.uri(),
              WebSocketVersion.V13,
              Tunnels.SUB_PROTOCOL,
              false,
              headers,
              Tunnels.MAX_WEB_SOCKET_FRAME_BYTES,
              true,
              false,
              -1,
              false,
              false);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      handshaker
          .handshake(ctx.channel())
          .addListener(
              written -> {
                if (!written.isSuccess()) {
                  fail(Reason.GATEWAY_UNREACHABLE, reason(written.cause()));
                }
              });
      ctx.fireChannelActive();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event instanceof SslHandshakeCompletionEvent tls && !tls.isSuccess()) {
        fail(Reason.GATEWAY_UNREACHABLE, "TLS: " + reason(tls.cause()));
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
        fail(Reason.GATEWAY_UNREACHABLE, "no HTTP answer");
        return;
      }
      if (object instanceof HttpResponse head) {
        response = head;
      }
      if (response == null) {
        return;
      }
      boolean upgrade = response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS);
      if (!upgrade && response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
        return;
      }
      if (object instanceof HttpContent content && !upgrade) {
        ByteBuf bytes = content.content();
        int room = Math.min(MAX_REASON_BYTES - body.length(), bytes.readableBytes());
        body.append(bytes.toString(bytes.readerIndex(), room, StandardCharsets.US_ASCII));
      }
      if (object instanceof LastHttpContent || (!upgrade && body.length() >= MAX_REASON_BYTES)) {
        if (upgrade) {
          finish(ctx);
        } else {
          refused();
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
        fail(
            Reason.GATEWAY_UNREACHABLE,
            "the answer is no WebSocket of " + Tunnels.SUB_PROTOCOL + ": " + e.getMessage());
        return;
      }
      ctx.pipeline().remove(this);
      upgraded(ctx.channel());
    }

    private void refused() {
      String line = body.toString().strip().lines().findFirst().orElse("").strip();
      boolean text = !line.isEmpty() && !line.startsWith("<");
      String shown =
          ("HTTP " + response.status() + (text ? ": " + line : "")).replaceAll("\\p{Cntrl}", "?");
      int status = response.status().code();
      fail(
          switch (status) {
            case 401, 407 -> Reason.UNAUTHORIZED;
            case 403 -> Reason.FORBIDDEN;
            case 429 -> Reason.OVERLOADED;
            default -> Reason.GATEWAY_UNREACHABLE;
          },
          shown.length() > MAX_REASON_CHARS ? shown.substring(0, MAX_REASON_CHARS) : shown);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      if (response != null && response.status().code() >= 300) {
        refused();
      } else {
        fail(Reason.GATEWAY_UNREACHABLE, "the connection was closed before an answer came");
      }
      ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      fail(Reason.GATEWAY_UNREACHABLE, reason(cause));
      ctx.close();
    }
  }
}

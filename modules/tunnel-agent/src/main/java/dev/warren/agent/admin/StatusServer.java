package dev.warren.agent.admin;

import dev.warren.agent.Agent;
import dev.warren.agent.net.HostText;
import dev.warren.agent.pool.TunnelState;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers {@code GET /api/v1/status} (JSON), {@code /healthz} and {@code /readyz} (200 while every
 * agent has a tunnel). On loopback addresses only, because nobody has to show a token.
 */
public final class StatusServer implements AutoCloseable {
  /** Connections at once; more are closed. */
  static final int MAX_CONNECTIONS = 64;

  /** A connection that says nothing for so long is closed. */
  private static final int IDLE_SECONDS = 30;

  private static final int MAX_REQUEST_BYTES = 1_024;

  private static final Logger log = LoggerFactory.getLogger(StatusServer.class);

  private final EventLoopGroup loop;
  private final Channel listener;
  private final AtomicInteger connections = new AtomicInteger();
  private final Supplier<List<Agent>> agents;

  private StatusServer(InetSocketAddress listen, Supplier<List<Agent>> agents) throws IOException {
    this.agents = agents;
    this.loop =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("warren-admin", true), NioIoHandler.newFactory());
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    install(channel);
                  }
                })
            .bind(listen)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw new IOException(
          "--admin-listen " + listen + ": " + bound.cause().getMessage(), bound.cause());
    }
    this.listener = bound.channel();
  }

  /**
   * Starts to listen.
   *
   * @param agents asked at each request, from the server's thread
   * @throws IllegalArgumentException where the address is none of loopback
   * @throws IOException where it cannot be bound
   */
  public static StatusServer start(InetSocketAddress listen, Supplier<List<Agent>> agents)
      throws IOException {
    if (!listen.getAddress().isLoopbackAddress()) {
      throw new IllegalArgumentException(
          "--admin-listen "
              + HostText.shown(listen.getAddress())
              + ":"
              + listen.getPort()
              + " (expected: a loopback address, because no token is asked for)");
    }
    StatusServer server = new StatusServer(listen, agents);
    log.atInfo().addKeyValue("address", server.address()).log("admin.listening");
    return server;
  }

  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  private void install(Channel channel) {
    if (connections.incrementAndGet() > MAX_CONNECTIONS) {
      channel.close();
    }
    channel.closeFuture().addListener(closed -> connections.decrementAndGet());
    channel
        .pipeline()
        .addLast(new ReadTimeoutHandler(IDLE_SECONDS))
        .addLast(new HttpServerCodec())
        .addLast(new HttpObjectAggregator(MAX_REQUEST_BYTES))
        .addLast(new Requests());
  }

  private final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
      FullHttpResponse answer = answer(ctx, request);
      HttpUtil.setContentLength(answer, answer.content().readableBytes());
      answer.headers().set(HttpHeaderNames.CACHE_CONTROL, "no-store");
      if (request.method().equals(HttpMethod.HEAD)) {
        answer.content().clear();
      }
      boolean keep = HttpUtil.isKeepAlive(request) && request.decoderResult().isSuccess();
      HttpUtil.setKeepAlive(answer, keep);
      ChannelFuture written = ctx.writeAndFlush(answer);
      if (!keep) {
        written.addListener(ChannelFutureListener.CLOSE);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close(); // a client that breaks off, or stays too long
    }
  }

  private FullHttpResponse answer(ChannelHandlerContext ctx, FullHttpRequest request) {
    boolean read =
        request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    if (!request.decoderResult().isSuccess()) {
      return text(ctx, HttpResponseStatus.BAD_REQUEST, "no HTTP request");
    }
    if (!isHere(request.headers().get(HttpHeaderNames.HOST, ""))) {
      // A page in a browser on this machine, which has made a name of its own mean loopback.
      return text(ctx, HttpResponseStatus.FORBIDDEN, "Host (expected: localhost or an address)");
    }
    String path = new QueryStringDecoder(request.uri()).path();
    return switch (path) {
      case "/api/v1/status", "/healthz", "/readyz" ->
          read ? found(ctx, path) : text(ctx, HttpResponseStatus.METHOD_NOT_ALLOWED, "GET only");
      default ->
          text(
              ctx,
              HttpResponseStatus.NOT_FOUND,
              "nothing here (expected: /api/v1/status, /healthz or /readyz)");
    };
  }

  private FullHttpResponse found(ChannelHandlerContext ctx, String path) {
    if (path.equals("/api/v1/status")) {
      return answer(ctx, HttpResponseStatus.OK, "application/json", StatusJson.of(agents.get()));
    }
    boolean up = path.equals("/healthz") || agents.get().stream().allMatch(StatusServer::isUp);
    return up
        ? text(ctx, HttpResponseStatus.OK, "ok")
        : text(ctx, HttpResponseStatus.SERVICE_UNAVAILABLE, "an agent has no tunnel");
  }

  private static boolean isUp(Agent agent) {
    TunnelState state = agent.tunnel().state();
    return state == TunnelState.UP || state == TunnelState.LEAVING;
  }

  private static boolean isHere(String host) {
    String bare = host.replaceFirst(":[0-9]+$", "").replace("[", "").replace("]", "");
    HostText text = HostText.of(bare);
    return text instanceof HostText.Address
        || text instanceof HostText.Name name && name.isLocalhost();
  }

  private static FullHttpResponse text(
      ChannelHandlerContext ctx, HttpResponseStatus status, String line) {
    return answer(ctx, status, "text/plain; charset=utf-8", line + "\n");
  }

  private static FullHttpResponse answer(
      ChannelHandlerContext ctx, HttpResponseStatus status, String type, String body) {
    FullHttpResponse answer =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, status, ByteBufUtil.writeUtf8(ctx.alloc(), body));
    answer.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
    return answer;
  }

  @Override
  public void close() {
    listener.close();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}

package dev.warren.gateway.http;

import dev.warren.gateway.access.AccessRequest;
import dev.warren.gateway.access.Action;
import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.Decision;
import dev.warren.gateway.http.CallerRequestDecoder.UnsupportedVersionException;
import dev.warren.gateway.net.RemoteAddress;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.protocol.StreamId;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One caller's connection: it takes one request after the other, finds out what each is for, and
 * sees to it that the next one waits for the answer. The last handler of the connection.
 *
 * <pre>
 * between requests -head-> serving -answer and end of request-> between requests
 * serving -answer that ends the connection-> lingering -> closed
 * serving -101-> raw;  serving -/connect, /dial-> handed over
 * </pre>
 */
final class HttpFront extends ChannelInboundHandlerAdapter {
  private static final Logger log = LoggerFactory.getLogger(HttpFront.class);

  /** What a path is for. Whole paths only; {@code /client/} is looked for first. */
  @FunctionalInterface
  private interface Route {
    void serve(HttpFront front, HttpRequest head);
  }

  /** Stands for a request whose head nobody could read. */
  private static final HttpRequest NO_HEAD =
      new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/");

  /** What stands behind it is read by whom the connection is handed to. */
  private static final String DIAL = "/dial/";

  private static final Map<String, Route> ROUTES =
      Map.of(
          "/healthz", (front, head) -> front.health(head, true),
          "/readyz", (front, head) -> front.health(head, front.services.readiness().ready()),
          "/dial", (front, head) -> front.connect(head, front.services.dial()));

  private final HttpServices services;
  private final CallerRequestDecoder decoder;
  private final CallerResponseEncoder encoder;
  private ChannelHandlerContext context;
  private Deadline deadline;

  // What is known of the connection from its first request on.
  private RequestRewriter rewriter;
  private InetSocketAddress peer;
  private String peerName;
  private boolean tls;
  private boolean peerTrusted;
  private ClientRoute lastRoute;
  private CallerLimits.Caller caller;

  // The request that is being served.
  private boolean serving;
  private boolean requestEnded;
  private boolean hasBody;
  private boolean answered;
  private boolean keepAlive;
  private boolean http10;
  private Exchange exchange;
  private HttpRequest connectHead;
  private ConnectHandler connectTo;

  private boolean headTimed;
  private boolean halfClosed;
  private boolean lingering;
  private boolean left;

  HttpFront(HttpServices services, CallerRequestDecoder decoder, CallerResponseEncoder encoder) {
    this.services = services;
    this.decoder = decoder;
    this.encoder = encoder;
  }

  HttpServices services() {
    return services;
  }

  Channel channel() {
    return context.channel();
  }

  // The connection begins and ends.

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    deadline = new Deadline(ctx.channel().eventLoop(), this::deadlineMissed);
    if (ctx.channel().isActive()) {
      begin();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    begin();
    ctx.fireChannelActive();
  }

  private void begin() {
    deadline.in(services.settings().keepAlive().idle());
    context.read();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    deadline.stop();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    left = true;
    deadline.stop();
    if (exchange != null) {
      Exchange broken = exchange;
      exchange = null;
      broken.callerGone();
    }
    leaveCaller();
    ctx.fireChannelInactive();
  }

  private void leaveCaller() {
    if (caller != null) {
      services.callers().leave(caller);
      caller = null;
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException || cause instanceof DecoderException) {
      log.atDebug().addKeyValue("remote", peer).setCause(cause).log("http.caller.broke");
    } else {
      log.atError().addKeyValue("remote", peer).setCause(cause).log("http.caller.broke");
    }
    RawRelay.reset(ctx.channel());
  }

  private void deadlineMissed() {
    if (exchange != null) {
      // The caller closed its sending side and has taken nothing since: most likely it has gone.
      RawRelay.reset(context.channel());
    } else if (decoder.insideHead()) {
      keepAlive = false;
      answer(
          problem(
              HttpResponseStatus.REQUEST_TIMEOUT,
              "the head of a request took more than "
                  + services.settings().head().timeout().toMillis()
                  + " ms"),
          NO_HEAD);
    } else {
      context.close();
    }
  }

  // What comes from the caller.

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (lingering || left) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpRequest head) {
      if (head.decoderResult().isFailure()) {
        refuse(head.decoderResult().cause());
        ReferenceCountUtil.release(message);
        return;
      }
      serve(head);
      return;
    }
    HttpContent content = (HttpContent) message;
    if (content.decoderResult().isFailure()) {
      Throwable cause = content.decoderResult().cause();
      content.release();
      refuse(cause);
      return;
    }
    boolean last = content instanceof LastHttpContent;
    requestEnded |= last;
    if (exchange != null) {
      exchange.requestContent(content);
    } else {
      content.release();
      if (last && connectHead != null) {
        handOver();
      } else if (last && answered) {
        next();
      }
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (left) {
      return;
    }
    if (exchange != null) {
      exchange.flushRequest();
    } else if (!headTimed && !serving && decoder.insideHead()) {
      headTimed = true;
      deadline.in(services.settings().head().timeout());
    }
    readMore();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (exchange != null && ctx.channel().isWritable()) {
      exchange.callerWritable();
    }
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent && !halfClosed) {
      halfClosed = true;
      if (lingering || (exchange == null && decoder.waitingBytes() == 0)) {
        closeWhenFlushed();
      } else if (exchange != null) {
        deadline.in(services.settings().keepAlive().halfClosed());
        abortIfCut();
      }
    } else if (event == HttpPipeline.NO_MORE_REQUESTS
        && exchange == null
        && !serving
        && !lingering) {
      closeWhenFlushed();
    }
    ctx.fireUserEventTriggered(event);
  }

  /** Asks for bytes where somebody takes them, or where only an end can come. */
  void readMore() {
    if (left) {
      return;
    }
    if (halfClosed) {
      abortIfCut();
      return;
    }
    if (exchange == null) {
      if (lingering || !serving || (!requestEnded && connectHead == null && !hasBody)) {
        context.read();
      }
    } else if (requestEnded || exchange.awaitsExpectedBody()) {
      // The caller has no reason to send, so what comes is its end, or (once) its next request.
      if (decoder.waitingBytes() == 0) {
        context.read();
      }
    } else if (exchange.takesBody()) {
      context.read();
    }
  }

  /** Ends the connection of a caller that stopped in the middle of its request. */
  private void abortIfCut() {
    if (exchange != null && !requestEnded && !decoder.isWaiting()) {
      RawRelay.reset(context.channel());
    }
  }

  // Routes.

  private void serve(HttpRequest head) {
    if (rewriter == null) {
      tls = context.pipeline().get(SslHandler.class) != null;
      peer = RemoteAddress.of(context.channel());
      peerName = peer.getHostString();
      peerTrusted = services.proxies().trusts(peer);
      rewriter = new RequestRewriter(services.proxies(), peer, tls);
    }
    serving = true;
    requestEnded = false;
    answered = false;
    headTimed = false;
    if (halfClosed) {
      deadline.in(services.settings().keepAlive().halfClosed());
    } else {
      deadline.clear();
    }
    encoder.answers(head.method().equals(HttpMethod.HEAD));
    keepAlive = HttpUtil.isKeepAlive(head);
    http10 = head.protocolVersion().equals(HttpVersion.HTTP_1_0);
    hasBody =
        head.headers().contains(HttpHeaderNames.TRANSFER_ENCODING)
            || HttpUtil.getContentLength(head, 0L) > 0;
    String uri = head.uri();
    if (uri.startsWith(ClientRoute.START)) {
      client(head);
      return;
    }
    if (uri.startsWith(DIAL)) {
      connect(head, services.dial());
      return;
    }
    int query = uri.indexOf('?');
    String path = query < 0 ? uri : uri.substring(0, query);
    Route route = ROUTES.get(path);
    if (services.connect().serves(path)) {
      connect(head, services.connect());
    } else if (route != null) {
      route.serve(this, head);
    } else {
      answer(
          problem(
              HttpResponseStatus.NOT_FOUND,
              "nothing is served here (expected: /client/ID/http/HOST:PORT/PATH)"),
          head);
    }
  }

  private void health(HttpRequest head, boolean good) {
    if (!head.method().equals(HttpMethod.GET) && !head.method().equals(HttpMethod.HEAD)) {
      FullHttpResponse refusal =
          problem(
                  HttpResponseStatus.METHOD_NOT_ALLOWED,
                  head.uri() + " takes no such method (expected: GET or HEAD)")
              .toResponse(head);
      refusal.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
      answer(refusal);
      return;
    }
    String text = good ? "ok\n" : services.readiness().draining() ? "draining\n" : "not ready\n";
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            good ? HttpResponseStatus.OK : HttpResponseStatus.SERVICE_UNAVAILABLE,
            Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.US_ASCII)));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
        .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
        .setInt(HttpHeaderNames.CONTENT_LENGTH, text.length());
    answer(response);
  }

  private void connect(HttpRequest head, ConnectHandler to) {
    if (hasBody) {
      answer(
          problem(HttpResponseStatus.BAD_REQUEST, "a body with an upgrade (expected: none)"), head);
      return;
    }
    connectHead = head; // its end follows at once
    connectTo = to;
  }

  private void handOver() {
    FullHttpRequestOf request = new FullHttpRequestOf(connectHead);
    left = true;
    deadline.stop();
    leaveCaller();
    Channel channel = context.channel();
    channel.pipeline().remove(this);
    connectTo.connect(channel, request);
  }

  /** A request without a body, in the form that WebSocket handshakers want it. */
  private static final class FullHttpRequestOf extends DefaultFullHttpRequest {
    FullHttpRequestOf(HttpRequest head) {
      super(
          head.protocolVersion(),
          head.method(),
          head.uri(),
          Unpooled.EMPTY_BUFFER,
          head.headers(),
          EmptyHttpHeaders.INSTANCE);
    }
  }

  private void client(HttpRequest head) {
    ClientRoute route = lastRoute;
    if (route == null || !route.leads(head.uri())) {
      try {
        route = ClientRoute.of(head.uri());
      } catch (ClientRoute.NoRouteException e) {
        answer(problem(e.status(), e.getMessage()), head);
        return;
      }
      lastRoute = route;
    }
    InetSocketAddress remote = peer;
    if (peerTrusted) {
      TrustedProxies.Origin origin = services.proxies().originOf(peer, tls, head.headers());
      remote = origin.remote();
    }
    Decision decision =
        services
            .authorizer()
            .judge(new AccessRequest(Action.DIAL, head, remote, route.session(), route.target()));
    if (!(decision instanceof Decision.Allowed allowed)) {
      deny(decision, route, head);
      return;
    }
    String principal = allowed.principal().name();
    enterCaller(
        !principal.isEmpty() ? principal : remote.equals(peer) ? peerName : remote.getHostString());
    if (!services.callers().beginRequest(caller)) {
      answer(
          new Problem(
              HttpResponseStatus.TOO_MANY_REQUESTS,
              onWayTo(route)
                  + "this caller has too many requests under way (at most "
                  + services.settings().callers().maxRequests()
                  + ")",
              Duration.ofSeconds(1),
              StreamId.random().publicId(),
              services.gateway()),
          head);
      return;
    }
    rewriter.rewrite(head, route);
    exchange = new Exchange(this, head, route, principal, caller, rewriter);
    exchange.start();
  }

  private void deny(Decision decision, ClientRoute route, HttpRequest head) {
    boolean known = decision instanceof Decision.Forbidden;
    String detail =
        decision instanceof Decision.Forbidden forbidden
            ? forbidden.detail()
            : ((Decision.Unauthenticated) decision).detail();
    FullHttpResponse response =
        problem(
                known ? HttpResponseStatus.FORBIDDEN : HttpResponseStatus.UNAUTHORIZED,
                onWayTo(route) + detail)
            .toResponse(head);
    if (!known) {
      response.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, Authorizer.CHALLENGE);
    }
    answer(response);
  }

  static String onWayTo(ClientRoute route) {
    return "session " + route.session() + ", target " + route.target() + ": ";
  }

  private void enterCaller(String name) {
    if (caller == null || !caller.name().equals(name)) {
      leaveCaller();
      caller = services.callers().enter(name);
    }
  }

  // Answers.

  /** A problem that concerns no stream that was ever asked for. */
  private Problem problem(HttpResponseStatus status, String detail) {
    return new Problem(
        status, detail, Duration.ZERO, StreamId.random().publicId(), services.gateway());
  }

  private void refuse(Throwable cause) {
    HttpResponseStatus status = HttpResponseStatus.BAD_REQUEST;
    String detail = "not an HTTP/1.1 request";
    if (exchange == null && cause instanceof TooLongHttpLineException) {
      status = HttpResponseStatus.REQUEST_URI_TOO_LONG;
      detail =
          "the request target (expected: at most "
              + services.settings().head().maxUriBytes()
              + " bytes)";
    } else if (exchange == null && cause instanceof TooLongHttpHeaderException) {
      HttpSettings.Head limits = services.settings().head();
      status = HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE;
      detail =
          "the headers (expected: at most "
              + limits.maxHeaders()
              + " lines and "
              + limits.maxHeaderBytes()
              + " bytes)";
    } else if (cause instanceof UnsupportedVersionException) {
      status = HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED;
      detail = cause.getMessage();
    } else if (cause instanceof CallerRequestDecoder.BadRequestException) {
      detail = cause.getMessage();
    }
    if (exchange != null) {
      Exchange broken = exchange;
      if (broken.isAnswering()) {
        RawRelay.reset(context.channel());
        return;
      }
      exchange = null;
      broken.callerGone();
    }
    serving = true;
    requestEnded = false;
    hasBody = true;
    keepAlive = false;
    encoder.answers(false);
    answer(problem(status, detail), NO_HEAD);
  }

  void answer(Problem problem, HttpRequest head) {
    answer(problem.toResponse(head));
  }

  /** Answers a request for which there is no exchange, or none any more. */
  void answer(FullHttpResponse response) {
    exchange = null;
    boolean keeps = keepsAlive() && (requestEnded || !hasBody);
    markConnection(response.headers(), keeps);
    context.writeAndFlush(response, context.voidPromise());
    answered(keeps);
  }

  /** Whether the caller's connection can serve another request after this one. */
  boolean keepsAlive() {
    return keepAlive && !services.readiness().draining();
  }

  boolean requestEnded() {
    return requestEnded;
  }

  boolean hasBody() {
    return hasBody;
  }

  /** Callers of HTTP/1.1 need to be told of an end, those of HTTP/1.0 of its absence. */
  void markConnection(HttpHeaders headers, boolean keeps) {
    if (!keeps) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (http10) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
  }

  /** The answer has been written. */
  void answered(boolean keeps) {
    exchange = null;
    answered = true;
    if (!keeps || (!requestEnded && hasBody)) {
      end();
    } else if (requestEnded) {
      next();
    } // else its end follows at once: it has no body
  }

  private void next() {
    serving = false;
    answered = false;
    deadline.in(services.settings().keepAlive().idle());
    decoder.resume();
    if (left || lingering) {
      return;
    }
    if (exchange != null) {
      exchange.flushRequest();
    } else if (!serving) {
      if (halfClosed) {
        closeWhenFlushed();
        return;
      }
      if (decoder.insideHead()) {
        headTimed = true;
        deadline.in(services.settings().head().timeout());
      }
    }
    readMore();
  }

  /** After an answer that ends the connection. */
  private void end() {
    if (halfClosed || (requestEnded && decoder.waitingBytes() == 0)) {
      closeWhenFlushed();
      return;
    }
    // Closing while the caller still sends would reset the connection, and the answer with it.
    lingering = true;
    decoder.discard();
    deadline.in(services.settings().keepAlive().linger());
    context
        .writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(
            done -> {
              if (context.channel().isActive()) {
                SslHandler ssl = context.pipeline().get(SslHandler.class);
                if (ssl != null) {
                  ssl.closeOutbound();
                } else if (context.channel() instanceof DuplexChannel duplex) {
                  duplex.shutdownOutput();
                }
              }
            });
    context.read();
  }

  private void closeWhenFlushed() {
    lingering = true;
    deadline.in(services.settings().keepAlive().linger());
    context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }

  // For the exchange.

  void write(Object message) {
    if (halfClosed) {
      deadline.in(services.settings().keepAlive().halfClosed());
    }
    context.write(message, context.voidPromise());
  }

  void flush() {
    context.flush();
  }

  boolean isWritable() {
    return context.channel().isWritable();
  }

  /** Goes on with the request's body. */
  void resumeBody() {
    decoder.resume();
    readMore();
  }

  boolean isHttp10() {
    return http10;
  }

  /**
   * Breaks the connection in the middle of a response, so that nobody takes what there is of it for
   * the whole.
   *
   * @param framed whether an early end shows by itself, because the length or the last chunk is
   *     missing; then what has arrived is still delivered
   */
  void breakOff(boolean framed) {
    exchange = null;
    if (framed) {
      context.flush();
      left = true;
      context.close();
    } else {
      left = true;
      RawRelay.reset(context.channel());
    }
  }

  /** From here on both directions are bytes of another protocol. */
  void becomeRaw(TargetStream stream) {
    left = true;
    exchange = null;
    deadline.stop();
    Channel channel = context.channel();
    CallerLimits.Caller counted = caller;
    caller = null;
    channel
        .closeFuture()
        .addListener(
            closed -> {
              services.callers().endRequest(counted);
              services.callers().leave(counted);
            });
    RawRelay toTarget = new RawRelay(stream.channel());
    RawRelay toCaller = new RawRelay(channel);
    boolean callerEnded = halfClosed;
    boolean targetEnded = stream.inputEnded();
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(toTarget);
    pipeline.remove(encoder); // first, because the stream's decoder may hold bytes for the caller
    stream.becomeRaw(toCaller);
    pipeline.remove(this);
    pipeline.remove(decoder);
    toTarget.begin(callerEnded);
    toCaller.begin(targetEnded);
  }
}

package dev.warren.gateway.dial;

import dev.warren.gateway.access.AccessRequest;
import dev.warren.gateway.access.Action;
import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.CredentialHeaders;
import dev.warren.gateway.access.Decision;
import dev.warren.gateway.http.CallerLimits;
import dev.warren.gateway.http.ConnectHandler;
import dev.warren.gateway.http.HttpPipeline;
import dev.warren.gateway.http.HttpSettings;
import dev.warren.gateway.http.Problem;
import dev.warren.gateway.http.WebSocketUpgrade;
import dev.warren.gateway.net.RemoteAddress;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets callers in at {@code /dial}: judges the request and makes the connection a {@link Line}, or
 * dials for it and makes it {@link OneStream}. Refusals are HTTP answers, as everywhere.
 *
 * <p>A caller shows its token as everywhere, and here in {@code Authorization} as well: there is no
 * target that could want it.
 */
public final class DialAcceptor implements ConnectHandler {
  private static final Logger log = LoggerFactory.getLogger(DialAcceptor.class);

  private final String gateway;
  private final String software;
  private final StreamOpener opener;
  private final Authorizer authorizer;
  private final CallerLimits callers;
  private final HttpSettings settings;
  private final TrustedProxies proxies;
  private final MuxSettings muxSettings;
  private final CreditBudget budget;
  private final boolean logFrames;

  /**
   * @param callers counts each line and each stream
   * @param muxSettings of a line
   * @param budget what callers may send is reserved there
   */
  public DialAcceptor(
      String gateway,
      String software,
      StreamOpener opener,
      Authorizer authorizer,
      CallerLimits callers,
      HttpSettings settings,
      TrustedProxies proxies,
      MuxSettings muxSettings,
      CreditBudget budget,
      boolean logFrames) {
    this.gateway = gateway;
    this.software = software;
    this.opener = opener;
    this.authorizer = authorizer;
    this.callers = callers;
    this.settings = settings;
    this.proxies = proxies;
    this.muxSettings = muxSettings;
    this.budget = budget;
    this.logFrames = logFrames;
  }

  String gateway() {
    return gateway;
  }

  String software() {
    return software;
  }

  StreamOpener opener() {
    return opener;
  }

  Authorizer authorizer() {
    return authorizer;
  }

  CallerLimits callers() {
    return callers;
  }

  HttpSettings settings() {
    return settings;
  }

  @Override
  public void connect(Channel channel, FullHttpRequest head) {
    // Half of a WebSocket is nothing: who closes its side has gone.
    channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
    boolean line = DialPath.isLine(head.uri());
    FullHttpResponse wrong =
        WebSocketUpgrade.refusal(head, "callers dial", line ? Tunnels.SUB_PROTOCOL : null);
    if (wrong != null) {
      refuse(channel, wrong);
      return;
    }
    HttpHeaders headers = head.headers();
    if (!headers.contains(CredentialHeaders.X_WARREN_AUTHORIZATION)
        && !headers.contains(CredentialHeaders.PROXY_AUTHORIZATION)
        && headers.contains(HttpHeaderNames.AUTHORIZATION)) {
      headers.set(
          CredentialHeaders.PROXY_AUTHORIZATION, headers.getAll(HttpHeaderNames.AUTHORIZATION));
    }
    InetSocketAddress peer = RemoteAddress.of(channel);
    boolean tls = channel.pipeline().get(SslHandler.class) != null;
    InetSocketAddress remote =
        proxies.trusts(peer) ? proxies.originOf(peer, tls, headers).remote() : peer;
    if (line) {
      line(channel, head, remote);
    } else {
      stream(channel, head, remote);
    }
  }

  private void line(Channel channel, FullHttpRequest head, InetSocketAddress remote) {
    Decision decision = authorizer.judge(new AccessRequest(Action.CALL, head, remote, null, null));
    if (!(decision instanceof Decision.Allowed allowed)) {
      deny(channel, head, decision, "");
      return;
    }
    CallerLimits.Caller caller = enter(channel, head, allowed, remote);
    if (caller == null) {
      return;
    }
    TunnelHandler handler =
        new TunnelHandler(
            Mux.Side.ACCEPTED,
            muxSettings,
            budget,
            made -> new Line(this, made, head, remote, allowed.principal().name(), caller));
    // The line first, so that bytes which came behind the request find it.
    Tunnels.install(channel.pipeline(), handler, logFrames);
    channel.pipeline().addLast(new Farewell(handler));
    HttpHeaders named = new DefaultHttpHeaders().set(Tunnels.GATEWAY_HEADER, gateway);
    Tunnels.handshaker()
        .handshake(channel, head, named, channel.newPromise())
        .addListener(
            (ChannelFutureListener)
                done -> {
                  if (done.isSuccess()) {
                    channel.config().setAutoRead(true);
                  } else {
                    channel.close();
                  }
                });
  }

  /** Tells a line that the gateway goes: its caller opens its next streams elsewhere. */
  private static final class Farewell extends ChannelInboundHandlerAdapter {
    private final TunnelHandler handler;

    Farewell(TunnelHandler handler) {
      this.handler = handler;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event == HttpPipeline.NO_MORE_REQUESTS) {
        handler.mux().drain(new Frame.Drain(0, "the gateway goes"));
        handler.sendSoon();
      }
      ctx.fireUserEventTriggered(event);
    }
  }

  private void stream(Channel channel, FullHttpRequest head, InetSocketAddress remote) {
    DialPath path;
    try {
      path = DialPath.of(head.uri());
    } catch (IllegalArgumentException e) {
      refuse(channel, WebSocketUpgrade.answer(HttpResponseStatus.BAD_REQUEST, e.getMessage()));
      return;
    }
    Decision decision =
        authorizer.judge(
            new AccessRequest(Action.DIAL, head, remote, path.session(), path.target()));
    String onWay = "session " + path.session() + ", target " + path.target() + ": ";
    if (!(decision instanceof Decision.Allowed allowed)) {
      deny(channel, head, decision, onWay);
      return;
    }
    CallerLimits.Caller caller = enter(channel, head, allowed, remote);
    if (caller != null) {
      new OneStream(this, channel, head, path, allowed.principal().name(), caller).dial();
    }
  }

  /** Counts the connection until it ends; null where it would be one too many. */
  private CallerLimits.Caller enter(
      Channel channel, FullHttpRequest head, Decision.Allowed allowed, InetSocketAddress remote) {
    String name = allowed.principal().name();
    CallerLimits.Caller caller = callers.enter(name.isEmpty() ? remote.getHostString() : name);
    if (callers.beginRequest(caller)) {
      channel
          .closeFuture()
          .addListener(
              closed -> {
                callers.endRequest(caller);
                callers.leave(caller);
              });
      return caller;
    }
    callers.leave(caller);
    refuse(
        channel,
        head,
        HttpResponseStatus.TOO_MANY_REQUESTS,
        "this caller has too much under way (at most " + callers.limits().maxRequests() + ")");
    return null;
  }

  private void deny(Channel channel, FullHttpRequest head, Decision decision, String onWay) {
    boolean known = decision instanceof Decision.Forbidden;
    String detail =
        decision instanceof Decision.Forbidden forbidden
            ? forbidden.detail()
            : ((Decision.Unauthenticated) decision).detail();
    FullHttpResponse answer =
        problem(
                known ? HttpResponseStatus.FORBIDDEN : HttpResponseStatus.UNAUTHORIZED,
                onWay + detail)
            .toResponse(head);
    if (!known) {
      answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, Authorizer.CHALLENGE);
    }
    refuse(channel, answer);
  }

  private Problem problem(HttpResponseStatus status, String detail) {
    Duration retryAfter =
        status.equals(HttpResponseStatus.TOO_MANY_REQUESTS)
                || status.equals(HttpResponseStatus.SERVICE_UNAVAILABLE)
            ? Duration.ofSeconds(1)
            : Duration.ZERO;
    return new Problem(status, detail, retryAfter, StreamId.random().publicId(), gateway);
  }

  void refuse(Channel channel, FullHttpRequest head, HttpResponseStatus status, String detail) {
    refuse(channel, problem(status, detail).toResponse(head));
  }

  static void refuse(Channel channel, FullHttpResponse answer) {
    answer.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    log.atDebug()
        .addKeyValue("remote", channel.remoteAddress())
        .addKeyValue("status", answer.status().code())
        .log("dial.refused");
    channel.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }
}

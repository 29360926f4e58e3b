package dev.warren.gateway.tunnel;

import dev.warren.gateway.access.AccessRequest;
import dev.warren.gateway.access.Action;
import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.access.CredentialHeaders;
import dev.warren.gateway.access.Decision;
import dev.warren.gateway.http.ConnectHandler;
import dev.warren.gateway.http.WebSocketUpgrade;
import dev.warren.gateway.net.RemoteAddress;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.tunnel.GatewayTunnel;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.RemoteDialerHandler;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import dev.warren.protocol.remotedialer.Interpreter;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes agents in at {@code /connect} and wherever else it is told: judges the request, upgrades it
 * as RFC 6455 says, and puts the tunnel on the channel. Refusals are HTTP answers with a line that
 * says what was expected.
 *
 * <p>A WebSocket that asks for no sub-protocol of ours is a remotedialer client (REMOTEDIALER.md).
 * It is judged like an agent; then a {@link RemoteDialerHandler} plays the agent for it.
 */
public final class TunnelAcceptor implements ConnectHandler {
  /** What our sub-protocols begin with, also those of versions to come. */
  private static final String OUR_SUB_PROTOCOLS = "warren.";

  private static final Logger log = LoggerFactory.getLogger(TunnelAcceptor.class);

  private final String gateway;
  private final String software;
  private final Authorizer authorizer;
  private final RouteTable table;
  private final RelayBudget relayBudget;
  private final MuxSettings settings;
  private final CreditBudget budget;
  private final Admission admission;
  private final int maxTunnels;
  private final Set<String> paths;
  private final boolean logFrames;
  private final AtomicInteger tunnels = new AtomicInteger();
  private volatile boolean closed;

  /**
   * @param relayBudget what streams from peers may hold, in all
   * @param admission how fast agents come in
   * @param maxTunnels on this gateway at once, those in their handshake included
   * @param morePaths where agents connect beside {@link ConnectHandler#PATH}
   */
  public TunnelAcceptor(
      String gateway,
      String software,
      Authorizer authorizer,
      RouteTable table,
      MuxSettings settings,
      CreditBudget budget,
      RelayBudget relayBudget,
      Admission admission,
      int maxTunnels,
      List<String> morePaths,
      boolean logFrames) {
    this.gateway = gateway;
    this.software = software;
    this.authorizer = authorizer;
    this.table = table;
    this.relayBudget = relayBudget;
    this.settings = settings;
    this.budget = budget;
    this.admission = admission;
    this.maxTunnels = maxTunnels;
    this.logFrames = logFrames;
    Set<String> all = new HashSet<>(morePaths);
    all.add(PATH);
    this.paths = Set.copyOf(all);
  }

  @Override
  public boolean serves(String path) {
    return paths.contains(path);
  }

  /** From now on nobody is taken in. */
  public void close() {
    closed = true;
  }

  /** Tunnels on this gateway, those in their handshake included. */
  public int tunnels() {
    return tunnels.get();
  }

  @Override
  public void connect(Channel channel, FullHttpRequest head) {
    InetSocketAddress remote = RemoteAddress.of(channel);
    HttpHeaders headers = head.headers();
    List<String> offered = WebSocketUpgrade.subProtocols(head.headers());
    boolean ours = offered.stream().anyMatch(name -> name.startsWith(OUR_SUB_PROTOCOLS));
    FullHttpResponse wrong =
        WebSocketUpgrade.refusal(head, "agents connect", ours ? Tunnels.SUB_PROTOCOL : null);
    if (wrong != null) {
      refuse(channel, remote, wrong);
      return;
    }
    boolean remoteDialer = !ours; // of those that offer ours, the others are refused above
    String id = headers.get(CredentialHeaders.X_TUNNEL_ID, "");
    SessionKey session;
    try {
      session = remoteDialer ? SessionKey.of(id) : SessionKey.ofAgent(id);
    } catch (IllegalArgumentException e) {
      refuse(
          channel,
          remote,
          WebSocketUpgrade.answer(
              HttpResponseStatus.BAD_REQUEST, "X-Tunnel-ID: " + e.getMessage()));
      return;
    }
    Decision decision =
        authorizer.judge(new AccessRequest(Action.ATTACH, head, remote, session, null));
    if (decision instanceof Decision.Unauthenticated unauthenticated) {
      FullHttpResponse answer =
          WebSocketUpgrade.answer(
              HttpResponseStatus.UNAUTHORIZED,
              "agent " + session + ": " + unauthenticated.detail());
      answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, Authorizer.CHALLENGE);
      refuse(channel, remote, answer);
    } else if (decision instanceof Decision.Forbidden forbidden) {
      refuse(
          channel,
          remote,
          WebSocketUpgrade.answer(
              HttpResponseStatus.FORBIDDEN, "agent " + session + ": " + forbidden.detail()));
    } else if (closed || tunnels.incrementAndGet() > maxTunnels) {
      if (!closed) {
        tunnels.decrementAndGet();
      }
      FullHttpResponse answer =
          WebSocketUpgrade.answer(
              HttpResponseStatus.SERVICE_UNAVAILABLE,
              closed
                  ? "this gateway is going down"
                  : "this gateway has " + maxTunnels + " tunnels already");
      answer.headers().set(HttpHeaderNames.RETRY_AFTER, closed ? 1 : 5);
      refuse(channel, remote, answer);
    } else {
      Duration wait = admission.ask();
      if (wait.isZero()) {
        upgrade(
            channel,
            head,
            session,
            remote,
            ((Decision.Allowed) decision).principal().name(),
            remoteDialer);
      } else {
        tunnels.decrementAndGet();
        sendAway(channel, remote, wait);
      }
    }
  }

  private static void sendAway(Channel channel, InetSocketAddress remote, Duration wait) {
    FullHttpResponse answer =
        WebSocketUpgrade.answer(
            HttpResponseStatus.SERVICE_UNAVAILABLE, "too many agents come at one time");
    answer.headers().set(HttpHeaderNames.RETRY_AFTER, (wait.toMillis() + 999) / 1_000);
    log.atDebug().addKeyValue("remote", remote).addKeyValue("wait", wait).log("connect.put-off");
    channel.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }

  private void upgrade(
      Channel channel,
      FullHttpRequest head,
      SessionKey session,
      InetSocketAddress remote,
      String principal,
      boolean remoteDialer) {
    TunnelHandler handler =
        new TunnelHandler(
            Mux.Side.ACCEPTED,
            remoteDialer ? Interpreter.settings(settings) : settings,
            budget,
            made ->
                new GatewayTunnel(
                    gateway,
                    software,
                    session,
                    remote,
                    principal,
                    table,
                    made,
                    relayBudget.ofTunnel(RelayBudget.DEFAULT_PER_TUNNEL),
                    admission::settled,
                    tunnels::decrementAndGet));
    // The tunnel first, so that bytes which came behind the request find it.
    channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false);
    RemoteDialerHandler client = remoteDialer ? remoteDialerClient(head, session) : null;
    WebSocketServerHandshaker handshaker;
    if (client == null) {
      Tunnels.install(channel.pipeline(), handler, logFrames);
      handshaker = Tunnels.handshaker();
    } else {
      RemoteDialerHandler.install(channel.pipeline(), client, handler, logFrames);
      handshaker = new WebSocketServerHandshaker13(null, null, RemoteDialerHandler.webSocket(true));
    }
    // An agent that holds a tunnel to this gateway leaves again before its HELLO ends that one.
    HttpHeaders named = new DefaultHttpHeaders().set(Tunnels.GATEWAY_HEADER, gateway);
    handshaker
        .handshake(channel, head, named, channel.newPromise())
        .addListener(
            (ChannelFutureListener)
                done -> {
                  if (done.isSuccess()) {
                    channel.config().setAutoRead(true);
                    if (client != null) {
                      client.begin();
                    }
                  } else {
                    channel.close();
                  }
                });
  }

  /**
   * Each connection of a remotedialer client is an instance of its own, because nothing says which
   * process it comes from: under the policy {@code newest} a client that comes again takes the
   * place of its old connection at once, wherever that is.
   */
  private RemoteDialerHandler remoteDialerClient(FullHttpRequest head, SessionKey session) {
    String agent =
        WebSocketUpgrade.shown(head.headers().get(HttpHeaderNames.USER_AGENT, "unknown"));
    return new RemoteDialerHandler(
        false,
        wire ->
            Interpreter.ofClient(
                settings,
                budget,
                wire,
                session.toString(),
                StreamId.random(),
                "remotedialer " + agent,
                System.nanoTime()));
  }

  private static void refuse(Channel channel, InetSocketAddress remote, FullHttpResponse answer) {
    log.atInfo()
        .addKeyValue("remote", remote)
        .addKeyValue("status", answer.status().code())
        .addKeyValue("detail", answer.content().toString(StandardCharsets.UTF_8).strip())
        .log("connect.refused");
    channel.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }
}

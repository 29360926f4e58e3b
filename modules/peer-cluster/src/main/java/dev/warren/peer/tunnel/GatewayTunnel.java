package dev.warren.peer.tunnel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.Opening;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One agent's tunnel to this gateway, from HELLO to its end. Told by its Mux, on the tunnel's event
 * loop.
 */
public final class GatewayTunnel implements MuxEvents {
  private static final Logger log = LoggerFactory.getLogger(GatewayTunnel.class);

  private final String gateway;
  private final String software;
  private final SessionKey session;
  private final InetSocketAddress remote;
  private final String principal;
  private final Sessions sessions;
  private final Runnable whenEnded;
  private final TunnelHandler handler;
  private volatile Frame.Rank rank = Frame.Rank.NONE;
  private StreamId instance;
  private long connection;
  private boolean up;

  public GatewayTunnel(
      String gateway,
      String software,
      SessionKey session,
      InetSocketAddress remote,
      String principal,
      Sessions sessions,
      TunnelHandler handler,
      Runnable whenEnded) {
    this.gateway = gateway;
    this.software = software;
    this.session = session;
    this.remote = remote;
    this.principal = principal;
    this.sessions = sessions;
    this.handler = handler;
    this.whenEnded = whenEnded;
  }

  public SessionKey session() {
    return session;
  }

  public InetSocketAddress remote() {
    return remote;
  }

  /** Who attached it, as the Authorizer named it. */
  public String principal() {
    return principal;
  }

  /** Runs the tunnel; its Mux belongs to the handler's event loop. */
  public TunnelHandler handler() {
    return handler;
  }

  StreamId instance() {
    return instance;
  }

  long connection() {
    return connection;
  }

  Frame.Rank rank() {
    return rank;
  }

  void admitted(Frame.Hello hello, Frame.Rank given) {
    instance = hello.instance();
    connection = hello.connection();
    rank = given;
  }

  /** Ends the tunnel from any thread: the agent is told why. */
  public void end(FaultCode code, String detail, int retryAfterMillis) {
    handler
        .eventLoop()
        .execute(
            () -> {
              handler.mux().goAway(code, detail, retryAfterMillis);
              handler.sendSoon();
            });
  }

  @Override
  public void hello(Frame.Hello hello) {
    SessionKey named;
    try {
      named = SessionKey.of(hello.session());
    } catch (IllegalArgumentException e) {
      handler.mux().goAway(FaultCode.UNAUTHORIZED, "HELLO: " + e.getMessage(), 0);
      return;
    }
    if (!named.equals(session)) {
      handler
          .mux()
          .goAway(
              FaultCode.UNAUTHORIZED,
              "HELLO names session " + named + ", but " + session + " was let in",
              0);
      return;
    }
    Sessions.Admission admission = sessions.admit(session, this, hello);
    if (admission instanceof Sessions.Admission.Refused refused) {
      handler
          .mux()
          .goAway(FaultCode.SUPERSEDED, refused.detail(), (int) refused.retryAfter().toMillis());
      return;
    }
    Sessions.Admission.Admitted admitted = (Sessions.Admission.Admitted) admission;
    up = true;
    handler.mux().welcome(gateway, session.toString(), rank, software);
    log.atInfo()
        .addKeyValue("session", session)
        .addKeyValue("remote", remote)
        .addKeyValue("epoch", rank.epoch())
        .addKeyValue("connection", connection)
        .addKeyValue("agent", hello.software())
        .log("tunnel.up");
    if (admitted.superseded() != null) {
      boolean same = admitted.superseded().instance().equals(instance);
      admitted
          .superseded()
          .end(
              FaultCode.SUPERSEDED,
              same
                  ? "the agent connected again"
                  : "another agent with the id " + session + " attached from " + remote,
              same ? 0 : (int) Sessions.FIRST_RETRY.toMillis());
    }
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    throw new IllegalStateException("a gateway is not welcomed");
  }

  @Override
  public void opening(Opening opening) {
    opening.refuse(FaultCode.UNSUPPORTED, "agents open no streams");
  }

  @Override
  public void drain(Frame.Drain drain) {
    log.atInfo()
        .addKeyValue("session", session)
        .addKeyValue("detail", drain.detail())
        .log("tunnel.draining");
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    handler.mux().goAway(FaultCode.PROTOCOL, "DISCOVERY from an agent", 0);
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    if (up) {
      sessions.lost(session, this);
    }
    whenEnded.run();
    log.atInfo()
        .addKeyValue("session", session)
        .addKeyValue("remote", remote)
        .addKeyValue("code", code)
        .addKeyValue("detail", detail)
        .addKeyValue("by", byPeer ? "agent" : "gateway")
        .log(up ? "tunnel.lost" : "tunnel.refused");
  }
}

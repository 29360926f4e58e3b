package dev.warren.peer.tunnel;

import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One agent's tunnel to this gateway, from HELLO to its end. Told by its Mux, on the tunnel's event
 * loop.
 */
public final class GatewayTunnel implements MuxEvents, OwnTunnel {
  private static final Logger log = LoggerFactory.getLogger(GatewayTunnel.class);

  private final String gateway;
  private final String software;
  private final SessionKey session;
  private final InetSocketAddress remote;
  private final String remoteText;
  private final String principal;
  private final RouteTable table;
  private final RelayBudget relayBudget;
  private final Runnable whenSettled;
  private final Runnable whenEnded;
  private final TunnelHandler handler;
  private volatile Frame.Rank rank = Frame.Rank.NONE;
  private volatile StreamId instance;
  private volatile long connection;
  private volatile String agentSoftware = "";
  private volatile long sinceMillis;
  private volatile boolean draining;
  private boolean settled;
  private boolean up;

  /**
   * @param whenSettled run once, when the agent has been let in or not
   * @param whenEnded run once, when the tunnel is over
   */
  public GatewayTunnel(
      String gateway,
      String software,
      SessionKey session,
      InetSocketAddress remote,
      String principal,
      RouteTable table,
      TunnelHandler handler,
      RelayBudget relayBudget,
      Runnable whenSettled,
      Runnable whenEnded) {
    this.gateway = gateway;
    this.software = software;
    this.session = session;
    this.remote = remote;
    this.remoteText = NetUtil.toSocketAddressString(remote);
    this.principal = principal;
    this.table = table;
    this.handler = handler;
    this.relayBudget = relayBudget;
    this.whenSettled = whenSettled;
    this.whenEnded = whenEnded;
  }

  @Override
  public SessionKey session() {
    return session;
  }

  @Override
  public String remote() {
    return remoteText;
  }

  @Override
  public String principal() {
    return principal;
  }

  @Override
  public TunnelHandler handler() {
    return handler;
  }

  @Override
  public StreamId instance() {
    return instance;
  }

  @Override
  public long connection() {
    return connection;
  }

  @Override
  public Frame.Rank rank() {
    return rank;
  }

  @Override
  public void admitted(Frame.Hello hello, Frame.Rank given) {
    agentSoftware = hello.software().intern(); // thousands of agents run the same one
    sinceMillis = System.currentTimeMillis();
    instance = hello.instance();
    connection = hello.connection();
    rank = given;
  }

  @Override
  public RelayBudget relayBudget() {
    return relayBudget;
  }

  @Override
  public String software() {
    return agentSoftware;
  }

  @Override
  public long sinceMillis() {
    return sinceMillis;
  }

  @Override
  public boolean draining() {
    return draining;
  }

  @Override
  public void tell(Frame.OfTunnel frame) {
    handler
        .eventLoop()
        .execute(
            () -> {
              if (frame instanceof Frame.Discovery discovery) {
                handler.mux().discovery(discovery);
              } else if (frame instanceof Frame.Drain drain) {
                handler.mux().drain(drain);
              } else {
                throw new IllegalArgumentException(
                    frame.getClass().getSimpleName() + " (expected: Discovery or Drain)");
              }
              handler.sendSoon();
            });
  }

  @Override
  public void retire() {
    if (!draining) {
      draining = true;
      table.changed(this);
    }
  }

  @Override
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
    judge(hello);
    settle();
  }

  private void settle() {
    if (!settled) {
      settled = true;
      whenSettled.run();
    }
  }

  private void judge(Frame.Hello hello) {
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
    RouteTable.Admission admission = table.admit(this, hello);
    if (admission instanceof RouteTable.Admission.Refused refused) {
      handler
          .mux()
          .goAway(FaultCode.SUPERSEDED, refused.detail(), (int) refused.retryAfter().toMillis());
      return;
    }
    up = true;
    handler.mux().welcome(gateway, session.toString(), rank, software);
    table.welcomed(this);
    log.atInfo()
        .addKeyValue("session", session)
        .addKeyValue("remote", remote)
        .addKeyValue("epoch", rank.epoch())
        .addKeyValue("connection", connection)
        .addKeyValue("agent", hello.software())
        .log("tunnel.up");
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
    retire();
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    handler.mux().goAway(FaultCode.PROTOCOL, "DISCOVERY from an agent", 0);
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    if (up) {
      table.lost(this, byPeer ? RouteTable.Removal.GONE : RouteTable.Removal.LOST);
    }
    settle();
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

package dev.warren.gateway.dial;

import dev.warren.gateway.access.AccessRequest;
import dev.warren.gateway.access.Action;
import dev.warren.gateway.access.Decision;
import dev.warren.gateway.http.CallerLimits;
import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamBridge;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.Opening;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a caller's program, for many streams (PROTOCOL.md, section 3). Each OPEN is
 * judged as a request of its own, dialled as every other stream, and joined with what was opened,
 * all on the line's event loop. Told by its Mux.
 */
final class Line implements MuxEvents {
  private static final Logger log = LoggerFactory.getLogger(Line.class);

  private final DialAcceptor acceptor;
  private final TunnelHandler handler;
  private final FullHttpRequest head;
  private final InetSocketAddress remote;
  private final String principal;
  private final CallerLimits.Caller caller;
  private final CallerLimits callers;

  Line(
      DialAcceptor acceptor,
      TunnelHandler handler,
      FullHttpRequest head,
      InetSocketAddress remote,
      String principal,
      CallerLimits.Caller caller) {
    this.acceptor = acceptor;
    this.handler = handler;
    this.head = head;
    this.remote = remote;
    this.principal = principal;
    this.caller = caller;
    this.callers = acceptor.callers();
  }

  @Override
  public void hello(Frame.Hello hello) {
    if (!hello.capabilities().contains(Mux.CALLER) || !hello.session().isEmpty()) {
      handler
          .mux()
          .goAway(
              FaultCode.PROTOCOL,
              "HELLO of no caller (expected: the capability "
                  + Mux.CALLER
                  + ", and no session; agents connect at /connect)",
              0);
      return;
    }
    handler
        .mux()
        .welcome(List.of(Mux.CALLER), acceptor.gateway(), "", Frame.Rank.NONE, acceptor.software());
    log.atInfo()
        .addKeyValue("caller", principal)
        .addKeyValue("remote", remote)
        .addKeyValue("software", hello.software())
        .log("line.up");
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    throw new IllegalStateException("a gateway is not welcomed");
  }

  @Override
  public void opening(Opening opening) {
    Frame.Open open = opening.open();
    SessionKey session;
    Target target;
    try {
      session = SessionKey.of(open.session());
      target = Target.parse(open.target());
    } catch (IllegalArgumentException e) {
      opening.refuse(FaultCode.UNSUPPORTED, e.getMessage());
      return;
    }
    String onWay = "session " + session + ", target " + target + ": ";
    Decision decision =
        acceptor.authorizer().judge(new AccessRequest(Action.DIAL, head, remote, session, target));
    if (decision instanceof Decision.Unauthenticated unauthenticated) {
      opening.refuse(FaultCode.UNAUTHORIZED, onWay + unauthenticated.detail());
    } else if (decision instanceof Decision.Forbidden forbidden) {
      opening.refuse(FaultCode.FORBIDDEN, onWay + forbidden.detail());
    } else if (!callers.beginRequest(caller)) {
      opening.refuse(
          FaultCode.OVERLOADED,
          onWay
              + "this caller has too many streams (at most "
              + callers.limits().maxRequests()
              + ")");
    } else {
      switch (callers.beginDial(caller)) {
        case TOO_MANY_OF_CALLER ->
            refuse(
                opening,
                onWay
                    + "this caller waits for too many targets (at most "
                    + callers.limits().maxPendingDials()
                    + ")");
        case TOO_MANY_IN_ALL ->
            refuse(
                opening,
                onWay
                    + "the gateway waits for too many targets (at most "
                    + callers.limits().maxPendingDialsInAll()
                    + ")");
        case BEGUN ->
            dial(opening, session, target, ((Decision.Allowed) decision).principal().name());
      }
    }
  }

  private void refuse(Opening opening, String detail) {
    callers.endRequest(caller);
    opening.refuse(FaultCode.OVERLOADED, detail);
  }

  private void dial(Opening opening, SessionKey session, Target target, String name) {
    Frame.Open open = opening.open();
    Duration most = acceptor.settings().dialTimeout();
    Duration wished = Duration.ofMillis(open.deadlineMillis());
    Duration deadline = wished.isZero() || wished.compareTo(most) > 0 ? most : wished;
    Future<OpenedStream> dial =
        acceptor
            .opener()
            .open(
                new Dial(open.id(), session, target, deadline, name, open.traceParent()),
                handler.eventLoop());
    StreamBridge bridge = new StreamBridge(handler, () -> dial.cancel(false));
    bridge.attach(opening.accept(bridge));
    dial.addListener((Future<OpenedStream> done) -> dialled(done, bridge, session, target));
  }

  private void dialled(
      Future<OpenedStream> done, StreamBridge bridge, SessionKey session, Target target) {
    callers.endDial(caller);
    if (done.isSuccess()) {
      OpenedStream opened = done.getNow();
      opened.channel().closeFuture().addListener(closed -> callers.endRequest(caller));
      bridge.join(opened.channel());
      return;
    }
    callers.endRequest(caller);
    if (done.isCancelled()) {
      return;
    }
    if (done.cause() instanceof DialFailedException failure) {
      bridge.refuse(failure.code(), failure.getMessage(), (int) failure.retryAfter().toMillis());
      return;
    }
    log.atError()
        .addKeyValue("session", session)
        .addKeyValue("target", target)
        .setCause(done.cause())
        .log("line.dial.broke");
    bridge.refuse(FaultCode.INTERNAL, "the dial broke inside the gateway");
  }

  @Override
  public void drain(Frame.Drain drain) {
    // It opens no more streams; the line ends when it goes.
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    handler.mux().goAway(FaultCode.PROTOCOL, "DISCOVERY from a caller", 0);
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    log.atInfo()
        .addKeyValue("caller", principal)
        .addKeyValue("remote", remote)
        .addKeyValue("code", code)
        .addKeyValue("detail", detail)
        .addKeyValue("by", byPeer ? "caller" : "gateway")
        .log("line.ended");
  }
}

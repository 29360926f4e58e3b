package dev.warren.agent.pool;

import dev.warren.agent.dial.DialRequest;
import dev.warren.agent.dial.DialResult;
import dev.warren.agent.dial.TargetDial;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamBridge;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Opening;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream that a caller opened, until it is joined with its target's connection or refused.
 * OPENED is sent only when the target has accepted. The caller's reset, and the tunnel's loss, end
 * the dial.
 */
final class IncomingStream {
  private static final Logger log = LoggerFactory.getLogger(IncomingStream.class);

  private final Frame.Open open;
  private final StreamBridge bridge;
  private TargetDial dial;

  private IncomingStream(Frame.Open open, TunnelHandler tunnel) {
    this.open = open;
    this.bridge = new StreamBridge(tunnel, this::cancelled);
  }

  static void accept(
      Opening opening, SessionKey session, TunnelHandler tunnel, TargetDialer dialer) {
    Frame.Open open = opening.open();
    Target target;
    try {
      target = Target.parse(open.target());
    } catch (IllegalArgumentException e) {
      opening.refuse(FaultCode.UNSUPPORTED, e.getMessage());
      return;
    }
    IncomingStream stream = new IncomingStream(open, tunnel);
    stream.bridge.attach(opening.accept(stream.bridge));
    // A gateway that names no deadline leaves it to us.
    Duration deadline =
        open.deadlineMillis() == 0 ? dialer.timeout() : Duration.ofMillis(open.deadlineMillis());
    stream.dial =
        dialer.dial(
            new DialRequest(
                new DialRequest.Key(session, open.id(), open.caller()),
                target,
                deadline,
                open.attempt()),
            tunnel.eventLoop(),
            stream::dialled);
  }

  private void dialled(DialResult result) {
    if (result instanceof DialResult.Connected connected) {
      boolean joined = bridge.join(connected.channel());
      log.atDebug()
          .addKeyValue("stream", open.id().publicId())
          .addKeyValue("target", open.target())
          .addKeyValue("caller", open.caller())
          .addKeyValue("joined", joined)
          .log("stream.opened");
    } else if (result instanceof DialResult.Refused refused) {
      log.atDebug()
          .addKeyValue("stream", open.id().publicId())
          .addKeyValue("target", open.target())
          .addKeyValue("caller", open.caller())
          .addKeyValue("code", refused.code())
          .addKeyValue("reason", refused.detail())
          .log("stream.refused");
      bridge.refuse(refused.code(), refused.detail());
    }
  }

  private void cancelled() {
    dial.cancel();
  }
}

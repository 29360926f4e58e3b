package dev.warren.client;

import dev.warren.client.DialException.Reason;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.channel.Channel;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One connection to a gateway, and the streams over it (PROTOCOL.md, section 3). Told by its Mux,
 * on its event loop.
 */
final class Line implements MuxEvents {
  private final Lines lines;
  private final LineConnect.Outcome outcome;
  private final TunnelHandler handler;
  private boolean up;
  private boolean over;
  private boolean going;
  private long lastUse = System.nanoTime();
  private boolean idleCheck;

  private Line(Lines lines, LineConnect.Outcome outcome) {
    this.lines = lines;
    this.outcome = outcome;
    this.handler =
        new TunnelHandler(Mux.Side.DIALLED, MuxSettings.DEFAULT, lines.budget(), made -> this);
  }

  /** On a channel whose upgrade is done: introduces the program. */
  static Line begin(Lines lines, Channel channel, LineConnect.Outcome outcome) {
    Line line = new Line(lines, outcome);
    Tunnels.install(channel.pipeline(), line.handler, false);
    line.handler
        .mux()
        .start(
            new Frame.Hello(
                Mux.VERSION,
                Mux.VERSION,
                List.of(Mux.CALLER),
                "",
                StreamId.random(),
                1,
                MuxSettings.DEFAULT.limits(),
                (int) MuxSettings.DEFAULT.heartbeat().toMillis(),
                Frame.Rank.NONE,
                lines.settings().software(),
                new byte[0]));
    line.handler.sendSoon();
    return line;
  }

  TunnelHandler handler() {
    return handler;
  }

  /** A stream of it is there: to be told when it ends. */
  void opened(StreamChannel stream) {
    stream.closeFuture().addListener(closed -> lines.loop().execute(this::streamEnded));
  }

  /** A stream of it was refused: the line may not be needed any more. */
  void unused() {
    streamEnded();
  }

  private void streamEnded() {
    lastUse = System.nanoTime();
    endIfUnused();
  }

  private void endIfUnused() {
    if (over || handler.mux().streams() > 0) {
      return;
    }
    if (going) {
      end();
    } else if (!idleCheck) {
      idleCheck = true;
      lines
          .loop()
          .schedule(this::endIfIdle, lines.settings().idle().toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private void endIfIdle() {
    idleCheck = false;
    if (over || handler.mux().streams() > 0) {
      return;
    }
    if (System.nanoTime() - lastUse >= lines.settings().idle().toNanos()) {
      end();
    } else {
      endIfUnused();
    }
  }

  /** Ends it in good order. */
  void end() {
    end(FaultCode.SHUTDOWN, "not needed any more");
  }

  void end(FaultCode code, String detail) {
    handler.mux().goAway(code, detail, 0);
    handler.sendSoon();
  }

  @Override
  public void hello(Frame.Hello hello) {
    throw new IllegalStateException("a caller is not greeted");
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    up = true;
    outcome.up(this);
    endIfUnused();
  }

  @Override
  public void opening(Opening opening) {
    opening.refuse(FaultCode.UNSUPPORTED, "a caller takes no streams");
  }

  @Override
  public void drain(Frame.Drain drain) {
    going = true;
    lines.retired(this);
    // Not within the Mux's own step.
    lines.loop().execute(this::endIfUnused);
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    // What other gateways there are is the settings' affair.
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    over = true;
    if (up) {
      lines.ended(this);
    } else {
      Reason reason = DialException.reason(code);
      outcome.failed(reason == Reason.UNAUTHORIZED ? reason : Reason.GATEWAY_UNREACHABLE, detail);
    }
  }
}

package dev.warren.peer.tunnel;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.DialFailedException.Outcome;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.frame.Frame;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens streams through the tunnels of this gateway. */
public final class TunnelStreamOpener implements StreamOpener {
  private static final Logger log = LoggerFactory.getLogger(TunnelStreamOpener.class);
  private static final Duration RETRY_SOON = Duration.ofSeconds(1);

  private final String via;
  private final Sessions sessions;

  /**
   * @param gateway this gateway's id: origin and holder in one
   */
  public TunnelStreamOpener(String gateway, Sessions sessions) {
    this.via = gateway + ", " + gateway;
    this.sessions = sessions;
  }

  @Override
  public Future<OpenedStream> open(Dial dial, EventLoop loop) {
    Promise<OpenedStream> promise = loop.newPromise();
    Sessions.Lookup found = sessions.find(dial.session());
    if (found instanceof Sessions.Lookup.Online online) {
      new Attempt(dial, online.tunnel(), loop, promise).start();
    } else if (found instanceof Sessions.Lookup.Offline offline) {
      promise.setFailure(
          failure(
              Outcome.UNAVAILABLE,
              "session "
                  + dial.session()
                  + " is offline since "
                  + offline.since().toSeconds()
                  + " s",
              RETRY_SOON));
    } else {
      promise.setFailure(
          failure(
              Outcome.UNKNOWN_SESSION,
              "session " + dial.session() + " is unknown: no agent with this id is connected",
              Duration.ZERO));
    }
    return promise;
  }

  private DialFailedException failure(Outcome outcome, String message, Duration retryAfter) {
    return new DialFailedException(outcome, message, retryAfter, via);
  }

  /**
   * One dial over one tunnel. What happens on the tunnel's loop and on the caller's meets in the
   * promise.
   */
  private final class Attempt implements StreamChannel.Answer {
    private final Dial dial;
    private final GatewayTunnel tunnel;
    private final EventLoop tunnelLoop;
    private final EventLoop loop;
    private final Promise<OpenedStream> promise;
    private StreamChannel.Dialling dialling; // on the tunnel's loop
    private Future<?> deadline;

    Attempt(Dial dial, GatewayTunnel tunnel, EventLoop loop, Promise<OpenedStream> promise) {
      this.dial = dial;
      this.tunnel = tunnel;
      this.tunnelLoop = tunnel.handler().eventLoop();
      this.loop = loop;
      this.promise = promise;
    }

    void start() {
      deadline = loop.schedule(this::tooLate, dial.deadline().toNanos(), TimeUnit.NANOSECONDS);
      promise.addListener(done -> settled());
      if (tunnelLoop.inEventLoop()) {
        send();
      } else {
        tunnelLoop.execute(this::send);
      }
    }

    private void send() {
      if (promise.isDone()) {
        return; // taken back before it went out
      }
      Frame.Open wish =
          new Frame.Open(
              0,
              dial.id(),
              Frame.Open.BYTES,
              dial.target().toString(),
              (int) Math.min(Integer.MAX_VALUE, dial.deadline().toMillis()),
              0,
              0,
              List.of(),
              0,
              dial.traceParent(),
              dial.caller(),
              "");
      dialling = StreamChannel.dial(tunnel.handler(), wish, loop, this);
    }

    private void tooLate() {
      promise.tryFailure(
          failure(
              Outcome.TIMED_OUT,
              "session "
                  + dial.session()
                  + ", target "
                  + dial.target()
                  + ": no answer within "
                  + dial.deadline().toMillis()
                  + " ms",
              Duration.ZERO));
    }

    /** However it ended: the timer goes, and a dial that nobody waits for is taken back. */
    private void settled() {
      deadline.cancel(false);
      if (!promise.isSuccess()) {
        tunnelLoop.execute(
            () -> {
              if (dialling != null) {
                dialling.cancel(
                    promise.isCancelled() ? FaultCode.CANCELLED : FaultCode.DEADLINE,
                    "the caller no longer waits");
              }
            });
      }
    }

    @Override
    public void opened(StreamChannel channel) {
      if (loop.inEventLoop()) {
        hand(channel);
      } else {
        loop.execute(() -> hand(channel));
      }
    }

    private void hand(StreamChannel channel) {
      loop.register(channel);
      log.atDebug()
          .addKeyValue("session", dial.session())
          .addKeyValue("target", dial.target())
          .addKeyValue("stream", dial.id())
          .log("stream.opened");
      if (!promise.trySuccess(new OpenedStream(channel, dial.id().publicId(), via))) {
        channel.close();
      }
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      if (promise.isDone()) {
        return;
      }
      log.atDebug()
          .addKeyValue("session", dial.session())
          .addKeyValue("target", dial.target())
          .addKeyValue("stream", dial.id())
          .addKeyValue("code", code)
          .addKeyValue("detail", detail)
          .log("stream.refused");
      Outcome outcome = outcome(code);
      Duration retryAfter = Duration.ofMillis(retryAfterMillis);
      promise.tryFailure(
          failure(
              outcome,
              "session " + dial.session() + ", target " + dial.target() + ": " + detail,
              retryAfter.isZero() && outcome == Outcome.UNAVAILABLE ? RETRY_SOON : retryAfter));
    }
  }

  static Outcome outcome(FaultCode code) {
    return switch (code) {
      case NOT_HERE, DRAINING, OVERLOADED, LINK_LOST -> Outcome.UNAVAILABLE;
      case FORBIDDEN -> Outcome.FORBIDDEN;
      case TARGET_TIMEOUT, DEADLINE -> Outcome.TIMED_OUT;
      case UNSUPPORTED -> Outcome.UNSUPPORTED;
      default -> Outcome.REFUSED;
    };
  }
}

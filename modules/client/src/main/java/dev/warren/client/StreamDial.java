package dev.warren.client;

import dev.warren.client.DialException.Reason;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * One stream that is wanted: over the line that there is, or over the next one where a line is lost
 * or goes before the gateway has answered. On the event loop.
 */
final class StreamDial<T> implements Lines.Waiter, StreamChannel.Answer {
  /** So many lines in a row that break under a dial are no accident. */
  static final int MAX_LINES = 4;

  private final Lines lines;
  private final SessionKey session;
  private final Target target;
  private final Duration timeout;
  private final Function<StreamChannel, T> taken;
  private final CompletableFuture<T> opened;
  private final long started = System.nanoTime();
  private Future<?> deadline;
  private StreamChannel.Dialling dialling;
  private Line line;
  private int tries;

  /**
   * @param taken run on the event loop at once, before anything of the stream can arrive
   */
  StreamDial(
      Lines lines,
      SessionKey session,
      Target target,
      Duration timeout,
      Function<StreamChannel, T> taken,
      CompletableFuture<T> opened) {
    this.lines = lines;
    this.session = session;
    this.target = target;
    this.timeout = timeout;
    this.taken = taken;
    this.opened = opened;
  }

  void start() {
    deadline = lines.loop().schedule(this::late, timeout.toNanos(), TimeUnit.NANOSECONDS);
    lines.line(this);
  }

  @Override
  public void up(Line found) {
    if (opened.isDone()) {
      return;
    }
    line = found;
    tries++;
    long left = timeout.toNanos() - (System.nanoTime() - started);
    dialling =
        StreamChannel.dial(
            found.handler(),
            new Frame.Open(
                0,
                StreamId.random(),
                Frame.Open.BYTES,
                target.toString(),
                (int) Math.max(1, Math.min(Integer.MAX_VALUE, left / 1_000_000)),
                0,
                1,
                List.of(),
                0,
                "",
                "",
                session.toString()),
            lines.loop(),
            this);
  }

  @Override
  public void failed(DialException why) {
    fail(why);
  }

  @Override
  public void opened(StreamChannel channel) {
    lines.loop().register(channel);
    line.opened(channel);
    deadline.cancel(false);
    if (!opened.complete(taken.apply(channel))) {
      channel.close();
    }
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    if ((code == FaultCode.LINK_LOST || code == FaultCode.DRAINING) && tries < MAX_LINES) {
      lines.retired(line);
      // Never within up(): a line refuses at once where it is full or gone.
      lines.loop().execute(this::again);
      return;
    }
    lines.loop().execute(line::unused); // a line with refusals alone is idle, too
    String text = detail.startsWith("session ") ? detail : onWay() + detail;
    fail(new DialException(DialException.reason(code), text, Duration.ofMillis(retryAfterMillis)));
  }

  private void again() {
    if (!opened.isDone()) {
      lines.line(this);
    }
  }

  private void late() {
    if (dialling != null) {
      dialling.cancel(FaultCode.DEADLINE, "the caller no longer waits");
    }
    lines.forget(this);
    fail(
        new DialException(
            Reason.TIMED_OUT, onWay() + "no answer within " + timeout.toMillis() + " ms"));
  }

  private String onWay() {
    return "session " + session + ", target " + target + ": ";
  }

  private void fail(DialException why) {
    if (deadline != null) {
      deadline.cancel(false);
    }
    opened.completeExceptionally(why);
  }
}

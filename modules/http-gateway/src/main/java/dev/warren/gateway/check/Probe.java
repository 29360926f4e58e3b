package dev.warren.gateway.check;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * One check under way: dials the target through the session, and where that is asked for reads the
 * head of its answer. Lives on an event loop, as the last handler of its stream.
 */
final class Probe extends ChannelInboundHandlerAdapter {
  /** Who asks, as agents see it. */
  static final String CALLER = "check";

  private static final int MAX_LINE_BYTES = 4 * 1024;
  private static final int MAX_HEAD_BYTES = 16 * 1024;

  /** What is read of the answer's body, so that a short one ends in good order (bytes). */
  private static final int MAX_BODY_BYTES = 16 * 1024;

  /** How long the target may take to end its side, before the stream is reset. */
  private static final long FINISH_MILLIS = 1_000;

  private final Check check;
  private final long started = System.nanoTime();
  private final CompletableFuture<Finding> finding;
  private int bodyBytes;

  private Probe(Check check, CompletableFuture<Finding> finding) {
    this.check = check;
    this.finding = finding;
  }

  /**
   * Begins a check. The future completes on {@code loop}, some moments after {@code timeout} at the
   * latest, and never fails.
   */
  static CompletableFuture<Finding> start(
      StreamOpener opener, SessionKey session, Check check, Duration timeout, EventLoop loop) {
    CompletableFuture<Finding> finding = new CompletableFuture<>();
    Probe probe = new Probe(check, finding);
    loop.execute(
        () -> {
          Dial dial = new Dial(StreamId.random(), session, check.target(), timeout, CALLER, "");
          Future<OpenedStream> stream;
          try {
            stream = opener.open(dial, loop);
          } catch (RuntimeException e) {
            finding.complete(new Finding.Unasked(e.toString()));
            return;
          }
          stream.addListener(done -> probe.dialled(stream, timeout, loop));
        });
    return finding;
  }

  private void dialled(Future<OpenedStream> stream, Duration timeout, EventLoop loop) {
    if (!stream.isSuccess()) {
      finding.complete(failed(stream.cause()));
      return;
    }
    DuplexChannel channel = stream.getNow().channel();
    if (!check.isHttp()) {
      channel.pipeline().addLast(this);
      found(channel, new Finding.Good(elapsed()));
      return;
    }
    long left = Math.max(1, timeout.toNanos() - elapsed());
    Future<?> limit =
        loop.schedule(
            () ->
                found(
                    channel, new Finding.Bad("no answer within " + timeout.toMillis() + " ms", 0)),
            left,
            TimeUnit.NANOSECONDS);
    finding.whenComplete((found, failure) -> limit.cancel(false));
    channel
        .pipeline()
        .addLast(new HttpClientCodec(MAX_LINE_BYTES, MAX_HEAD_BYTES, MAX_BODY_BYTES), this);
    DefaultFullHttpRequest request =
        new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, check.path());
    request
        .headers()
        .set(HttpHeaderNames.HOST, check.target().toString())
        .set(HttpHeaderNames.USER_AGENT, "warren-check")
        .set(HttpHeaderNames.ACCEPT, "*/*")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    channel.writeAndFlush(request);
    channel.config().setAutoRead(true);
  }

  private static Finding failed(Throwable cause) {
    String reason = String.valueOf(cause.getMessage());
    if (!(cause instanceof DialFailedException dial)) {
      return new Finding.Unasked(reason);
    }
    return switch (dial.outcome()) {
      case UNKNOWN_SESSION, UNAVAILABLE, TOO_MANY -> new Finding.Unasked(reason);
      case FORBIDDEN, REFUSED, TIMED_OUT, UNSUPPORTED -> new Finding.Bad(reason, 0);
    };
  }

  private long elapsed() {
    return System.nanoTime() - started;
  }

  /** It is decided: the stream ends in good order, or soon. */
  private void found(DuplexChannel channel, Finding found) {
    if (!finding.complete(found)) {
      return;
    }
    if (!channel.isActive() || (check.isHttp() && found instanceof Finding.Bad)) {
      channel.close();
      return;
    }
    channel.shutdownOutput();
    channel.config().setAutoRead(true);
    channel.eventLoop().schedule(() -> channel.close(), FINISH_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    DuplexChannel channel = (DuplexChannel) ctx.channel();
    try {
      if (message instanceof HttpResponse head && !finding.isDone()) {
        answered(channel, head);
      }
      if (message instanceof ByteBufHolder content) {
        bodyBytes += content.content().readableBytes();
      } else if (message instanceof ByteBuf bytes) {
        bodyBytes += bytes.readableBytes();
      }
      boolean whole = message instanceof LastHttpContent && finding.isDone();
      if (whole || bodyBytes > MAX_BODY_BYTES) {
        channel.close();
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void answered(DuplexChannel channel, HttpResponse head) {
    if (head.decoderResult().isFailure()) {
      found(channel, new Finding.Bad("no HTTP answer", elapsed()));
      return;
    }
    int status = head.status().code();
    if (status >= 100 && status < 200 && status != 101) {
      return; // the answer is still to come
    }
    found(
        channel,
        status >= 200 && status < 400
            ? new Finding.Good(elapsed())
            : new Finding.Bad("HTTP status " + status, elapsed()));
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      finding.complete(new Finding.Bad("the target ended the connection without an answer", 0));
      ctx.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    finding.complete(new Finding.Bad("the stream ended without an answer", 0));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    finding.complete(new Finding.Bad(String.valueOf(cause.getMessage()), 0));
    ctx.close();
  }
}

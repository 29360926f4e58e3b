package dev.warren.gateway.dial;

import dev.warren.gateway.http.CallerLimits;
import dev.warren.gateway.http.Problem;
import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.channel.StreamResetException;
import dev.warren.protocol.channel.Tunnels;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream as the bytes of one WebSocket (docs/dial.md): dialled first, upgraded when the target
 * has accepted. Each side is read only while the other takes bytes. Both run on one event loop.
 *
 * <pre>
 * dialling -opened-> upgrading -101-> open -both ends, reset, close-> closing -> closed
 * dialling -failure-> answered
 * </pre>
 */
final class OneStream {
  /** A WebSocket on which nothing moves for so long is pinged, lest balancers take it for dead. */
  static final Duration PING_EVERY = Duration.ofSeconds(25);

  /** A caller that was asked so often in a row, and never answered, has gone. */
  static final int UNANSWERED_PINGS = 3;

  /** How long a caller may take to answer a close, before the connection is closed all the same. */
  static final Duration CLOSE_WITHIN = Duration.ofSeconds(1);

  /**
   * How long a target may go on sending after a caller that left in good order without waiting for
   * its end.
   */
  static final Duration TARGET_ENDS_WITHIN = Duration.ofSeconds(5);

  /** A close says which fault it was by this much more than its number (RFC 6455, 7.4.2). */
  static final int FAULT_STATUS = 4_000;

  private static final int MAX_CLOSE_TEXT = 100;
  private static final Logger log = LoggerFactory.getLogger(OneStream.class);

  private final DialAcceptor acceptor;
  private final Channel channel;
  private final FullHttpRequest head;
  private final DialPath path;
  private final String principal;
  private final CallerLimits.Caller caller;
  private final StreamId id = StreamId.random();
  private final CallerSide callerSide = new CallerSide();
  private final TargetSide targetSide = new TargetSide();
  private DuplexChannel stream; // null before the target has accepted
  private boolean callerEnded; // no more bytes come from the caller
  private boolean targetEnded; // no more bytes come from the target
  private boolean delivered; // what the caller sent has gone, and its end behind it
  private boolean closing; // a close was sent, or need not be

  OneStream(
      DialAcceptor acceptor,
      Channel channel,
      FullHttpRequest head,
      DialPath path,
      String principal,
      CallerLimits.Caller caller) {
    this.acceptor = acceptor;
    this.channel = channel;
    this.head = head;
    this.path = path;
    this.principal = principal;
    this.caller = caller;
  }

  // Getting a stream.

  void dial() {
    CallerLimits callers = acceptor.callers();
    switch (callers.beginDial(caller)) {
      case TOO_MANY_OF_CALLER -> {
        refuse(
            HttpResponseStatus.TOO_MANY_REQUESTS,
            "this caller waits for too many targets (at most "
                + callers.limits().maxPendingDials()
                + ")");
        return;
      }
      case TOO_MANY_IN_ALL -> {
        refuse(
            HttpResponseStatus.SERVICE_UNAVAILABLE,
            "the gateway waits for too many targets (at most "
                + callers.limits().maxPendingDialsInAll()
                + ")");
        return;
      }
      case BEGUN -> {}
    }
    String trace = head.headers().get("traceparent");
    Future<OpenedStream> dial =
        acceptor
            .opener()
            .open(
                new Dial(
                    id,
                    path.session(),
                    path.target(),
                    acceptor.settings().dialTimeout(),
                    principal,
                    trace == null ? "" : trace),
                channel.eventLoop());
    Waiting waiting = new Waiting(dial);
    channel.pipeline().addLast(waiting);
    dial.addListener(
        (Future<OpenedStream> done) -> {
          callers.endDial(caller);
          dialled(done, waiting);
        });
    // The caller has no reason to send, so what comes is most likely its end. Bytes that come all
    // the same wait in the decoder.
    channel.read();
  }

  /** Hears of a caller that goes while its target is being dialled. */
  private static final class Waiting extends ChannelInboundHandlerAdapter {
    private final Future<OpenedStream> dial;

    Waiting(Future<OpenedStream> dial) {
      this.dial = dial;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ReferenceCountUtil.release(message);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      dial.cancel(false);
      ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }

  private void refuse(HttpResponseStatus status, String reason) {
    acceptor.refuse(
        channel,
        head,
        status,
        "session " + path.session() + ", target " + path.target() + ": " + reason);
  }

  private void dialled(Future<OpenedStream> done, Waiting waiting) {
    if (done.isCancelled()) {
      return;
    }
    if (!done.isSuccess()) {
      if (done.cause() instanceof DialFailedException failure) {
        log.atInfo()
            .addKeyValue("session", path.session())
            .addKeyValue("target", path.target())
            .addKeyValue("stream", id)
            .addKeyValue("reason", failure.getMessage())
            .log("dial.failed");
        DialAcceptor.refuse(
            channel, Problem.of(failure, id.publicId(), acceptor.gateway()).toResponse(head));
      } else {
        log.atError()
            .addKeyValue("session", path.session())
            .addKeyValue("target", path.target())
            .addKeyValue("stream", id)
            .setCause(done.cause())
            .log("dial.broke");
        refuse(HttpResponseStatus.BAD_GATEWAY, "the dial broke inside the gateway");
      }
      return;
    }
    OpenedStream opened = done.getNow();
    stream = opened.channel();
    if (!channel.isActive()) {
      resetStream(FaultCode.CANCELLED, "the caller has gone");
      return;
    }
    stream.pipeline().addLast(targetSide);
    channel.pipeline().addLast(callerSide);
    channel.pipeline().remove(waiting);
    HttpHeaders named =
        new DefaultHttpHeaders()
            .set(Problem.WARREN_STREAM, opened.publicId())
            .set(Problem.WARREN_VIA, opened.via());
    new WebSocketServerHandshaker13(null, null, Tunnels.webSocket(true))
        .handshake(channel, head, named, channel.newPromise())
        .addListener(
            shaken -> {
              if (shaken.isSuccess()) {
                callerSide.begin();
                stream.read();
              } else {
                channel.close();
              }
            });
  }

  // Ends.

  private void resetStream(FaultCode code, String detail) {
    if (stream instanceof StreamChannel ours) {
      ours.reset(code, detail);
    } else {
      stream.close();
    }
  }

  /** Both directions have ended, and all has arrived. */
  private void closeIfDone() {
    if (targetEnded && delivered) {
      stream.close();
      closeCaller(WebSocketCloseStatus.NORMAL_CLOSURE.code(), "");
    }
  }

  private void breakCaller(FaultCode code, String detail) {
    closeCaller(FAULT_STATUS + code.number(), detail);
  }

  private void closeCaller(int status, String text) {
    if (closing) {
      return;
    }
    closing = true;
    String cut = text.length() > MAX_CLOSE_TEXT ? text.substring(0, MAX_CLOSE_TEXT) : text;
    // Who closes while the other side still sends resets the connection, and loses what it sent
    // last: so the answer is awaited, for a moment.
    channel
        .writeAndFlush(new CloseWebSocketFrame(status, cut))
        .addListener(
            written ->
                channel
                    .eventLoop()
                    .schedule(
                        () -> channel.close(), CLOSE_WITHIN.toMillis(), TimeUnit.MILLISECONDS));
    channel.read();
  }

  /** The caller broke off, or broke a rule; a status of 0 means that it hears no more. */
  private void abort(int status, String text) {
    resetStream(FaultCode.CANCELLED, "the caller: " + text);
    if (status == 0) {
      closing = true;
      channel.close();
    } else {
      closeCaller(status, text);
    }
  }

  // What comes from the caller.

  private final class CallerSide extends ChannelInboundHandlerAdapter {
    private Future<?> pings;
    private int unanswered;
    private boolean inText;

    void begin() {
      long every = PING_EVERY.toMillis();
      pings =
          channel
              .eventLoop()
              .scheduleWithFixedDelay(this::ping, every, every, TimeUnit.MILLISECONDS);
      channel.read();
    }

    private void ping() {
      if (closing || !channel.isWritable()) {
        return;
      }
      // A caller that is not read, because its target takes no bytes, cannot be heard.
      if (stream.isWritable() && unanswered++ >= UNANSWERED_PINGS) {
        abort(0, "no answer to " + UNANSWERED_PINGS + " pings");
        return;
      }
      channel.writeAndFlush(new PingWebSocketFrame(Unpooled.EMPTY_BUFFER));
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      unanswered = 0;
      if (!(message instanceof WebSocketFrame frame)) {
        ReferenceCountUtil.release(message);
        return;
      }
      if ((frame instanceof BinaryWebSocketFrame
              || (frame instanceof ContinuationWebSocketFrame && !inText))
          && !closing) {
        bytes(frame);
        return;
      }
      try {
        control(frame);
      } finally {
        frame.release();
      }
    }

    private void bytes(WebSocketFrame frame) {
      ByteBuf bytes = frame.content();
      if (!bytes.isReadable()) {
        bytes.release();
      } else if (callerEnded) {
        bytes.release();
        abort(WebSocketCloseStatus.PROTOCOL_ERROR.code(), "bytes behind the end");
      } else {
        stream.write(bytes, stream.voidPromise());
      }
    }

    private void control(WebSocketFrame frame) {
      if (frame instanceof PingWebSocketFrame ping) {
        if (channel.isWritable() && !closing) {
          channel.writeAndFlush(new PongWebSocketFrame(ping.content().retain()));
        }
      } else if (frame instanceof CloseWebSocketFrame close) {
        closed(close.statusCode(), close.reasonText());
      } else if (closing || frame instanceof PongWebSocketFrame) {
        return;
      } else if (frame instanceof TextWebSocketFrame
          && frame.isFinalFragment()
          && !frame.content().isReadable()) {
        ended();
      } else {
        inText = true;
        abort(
            WebSocketCloseStatus.INVALID_MESSAGE_TYPE.code(),
            "a text message (expected: binary ones, and an empty text message for the end)");
      }
    }

    /** The caller sends no more. */
    private void ended() {
      if (!callerEnded) {
        callerEnded = true;
        stream
            .writeAndFlush(Unpooled.EMPTY_BUFFER)
            .addListener(
                done -> {
                  stream.shutdownOutput();
                  delivered = true;
                  closeIfDone();
                });
      }
    }

    private void closed(int status, String text) {
      boolean answered = closing;
      closing = true;
      if (answered) {
        channel.close();
        return;
      }
      channel
          .writeAndFlush(new CloseWebSocketFrame(status < 0 ? 1_000 : status, ""))
          .addListener(ChannelFutureListener.CLOSE);
      if (status != WebSocketCloseStatus.NORMAL_CLOSURE.code() || callerEnded) {
        resetStream(FaultCode.CANCELLED, "the caller closed with " + status + " " + text);
        return;
      }
      // It has sent all and wants no more: the target still gets all of it.
      ended();
      stream
          .eventLoop()
          .schedule(
              () -> resetStream(FaultCode.CANCELLED, "the caller has gone"),
              TARGET_ENDS_WITHIN.toMillis(),
              TimeUnit.MILLISECONDS);
      stream.read();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      stream.flush();
      readOn();
    }

    void readOn() {
      if (closing || stream.isWritable()) {
        channel.read();
      }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      if (channel.isWritable()) {
        targetSide.readOn();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      if (pings != null) {
        pings.cancel(false);
      }
      if (!closing) {
        closing = true;
        resetStream(FaultCode.CANCELLED, "the caller's connection broke");
      }
      ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      abort(
          cause instanceof CorruptedWebSocketFrameException corrupted
              ? corrupted.closeStatus().code()
              : 0,
          String.valueOf(cause.getMessage()));
    }
  }

  // What comes from the target.

  private final class TargetSide extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      if (closing) {
        bytes.release();
      } else {
        channel.write(new BinaryWebSocketFrame(bytes), channel.voidPromise());
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      channel.flush();
      readOn();
    }

    void readOn() {
      if (!targetEnded && (closing || channel.isWritable())) {
        stream.read();
      }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      if (stream.isWritable()) {
        callerSide.readOn();
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event instanceof ChannelInputShutdownEvent && !targetEnded) {
        targetEnded = true;
        if (!closing) {
          channel.writeAndFlush(new TextWebSocketFrame(Unpooled.EMPTY_BUFFER));
        }
        closeIfDone();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      breakCaller(
          cause instanceof StreamResetException reset ? reset.code() : FaultCode.TARGET_RESET,
          String.valueOf(cause.getMessage()));
      stream.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      if (!targetEnded || !delivered) {
        breakCaller(FaultCode.TUNNEL_LOST, "the stream broke");
      }
    }
  }
}

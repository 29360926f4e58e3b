package dev.warren.protocol.channel;

import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.remotedialer.Interpreter;
import dev.warren.protocol.remotedialer.Wire;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Runs an {@link Interpreter} on a WebSocket. It stands where {@link WebSocketBytes} does for a
 * native tunnel, so the {@link TunnelHandler} above it sees a native tunnel: the frames that it
 * writes are read by the interpreter, and what the interpreter answers it reads. Payloads are
 * handed over, not copied.
 *
 * <p>What the interpreter says to the tunnel in answer to a write is told in a later turn of the
 * event loop, so neither of the two multiplexers is ever called inside one of its own calls.
 */
public final class RemoteDialerHandler extends ChannelDuplexHandler {
  /**
   * The largest WebSocket frame that is read (bytes). Stock clients send 4 KiB, stock servers as
   * much as a program writes at once.
   */
  public static final int MAX_WEB_SOCKET_FRAME_BYTES = 1 << 20;

  /** Bodies up to this size are copied behind their header instead of being written apart. */
  private static final int COPY_BYTES = 1_024;

  private static final int MAX_FRAME_HEADER_BYTES = 14;
  private static final int FIN_BINARY = 0x82;

  private final Interpreter interpreter;
  private final MaskedFrames masks; // null where we are the server, whose frames are not masked
  private final WebSocketGoodbye goodbye = new WebSocketGoodbye();
  private final ArrayDeque<ByteBuf> forTunnel = new ArrayDeque<>();

  // At a client's end: what comes before the tunnel's own handshake is over. Then null.
  private ArrayDeque<WebSocketFrame> early;
  private final Output output = new Output();
  private final Runnable pumpTask = this::pumpNow;
  private WebSocketCloseStatus status = WebSocketCloseStatus.NORMAL_CLOSURE;
  private ChannelHandlerContext context;
  private ScheduledFuture<?> ticks;
  private ScheduledFuture<?> grace;
  private long graceAt = Long.MAX_VALUE;
  private boolean pumpScheduled;
  private boolean pumping;
  private boolean stopped;

  /**
   * @param client whether we are the WebSocket's client, whose frames are masked
   * @param interpreter is made with the wire that it is given
   */
  public RemoteDialerHandler(boolean client, Function<Wire, Interpreter> interpreter) {
    this.masks = client ? new MaskedFrames() : null;
    this.early = client ? new ArrayDeque<>() : null;
    this.interpreter = interpreter.apply(new Socket());
  }

  /** What Netty's WebSocket decoder is to refuse. */
  public static WebSocketDecoderConfig webSocket(boolean expectMaskedFrames) {
    return Tunnels.webSocket(expectMaskedFrames).toBuilder()
        .maxFramePayloadLength(MAX_WEB_SOCKET_FRAME_BYTES)
        .build();
  }

  /**
   * Puts a tunnel on a channel whose far side speaks remotedialer. {@link #begin} follows when the
   * WebSocket handshake is done.
   */
  public static void install(
      ChannelPipeline pipeline,
      RemoteDialerHandler remoteDialer,
      TunnelHandler tunnel,
      boolean logFrames) {
    tunnel.measureRoundTripBy(remoteDialer.interpreter::roundTripNanos);
    pipeline.addLast("remotedialer", remoteDialer);
    Tunnels.installRaw(pipeline, tunnel, logFrames);
  }

  /** The handshake is done. On the event loop. */
  public void begin() {
    if (!stopped && context.channel().isActive()) {
      if (early != null) {
        context.channel().config().setAutoRead(false); // so that little comes too early
      }
      scheduleTick();
      tick();
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  // ---- time ----

  private void scheduleTick() {
    long every = Interpreter.TICK_EVERY.toMillis();
    ticks =
        context
            .executor()
            .scheduleWithFixedDelay(
                // Readable input comes before time is judged.
                () -> context.executor().execute(this::tick), every, every, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    if (!stopped) {
      interpreter.tick(System.nanoTime());
      stepOver();
      pumpNow();
    }
  }

  private void graceOver() {
    graceAt = Long.MAX_VALUE;
    if (!stopped) {
      interpreter.graceOver(System.nanoTime());
      stepOver();
      pumpNow();
    }
  }

  /** To follow whatever the interpreter was told: what waited goes out, timers are set. */
  private void stepOver() {
    interpreter.writable(System.nanoTime());
    context.flush();
    long next = interpreter.nextGrace();
    if (next == Long.MAX_VALUE || graceAt != Long.MAX_VALUE && graceAt - next <= 0) {
      return;
    }
    if (grace != null) {
      grace.cancel(false);
    }
    graceAt = next;
    grace =
        context
            .executor()
            .schedule(this::graceOver, Math.max(0, next - System.nanoTime()), TimeUnit.NANOSECONDS);
  }

  // ---- from the WebSocket ----

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    WebSocketFrame frame = (WebSocketFrame) message;
    if (early != null) {
      early.add(frame);
      return;
    }
    long now = System.nanoTime();
    try {
      if (frame instanceof BinaryWebSocketFrame) {
        interpreter.received(frame.content(), true, frame.isFinalFragment(), now);
      } else if (frame instanceof ContinuationWebSocketFrame) {
        interpreter.received(frame.content(), false, frame.isFinalFragment(), now);
      } else if (frame instanceof PingWebSocketFrame ping) {
        interpreter.pinged(now);
        // Only the last ping needs an answer (RFC 6455, section 5.5.3); one who does not read gets
        // none.
        if (ctx.channel().isWritable()) {
          ctx.write(new PongWebSocketFrame(ping.content().retain()), ctx.voidPromise());
        }
      } else if (frame instanceof PongWebSocketFrame pong) {
        interpreter.ponged(
            pong.content().readableBytes() == Long.BYTES ? pong.content().readLong() : -1, now);
      } else if (frame instanceof CloseWebSocketFrame) {
        goodbye.close(ctx, WebSocketCloseStatus.NORMAL_CLOSURE, ctx.newPromise());
      } else {
        status = WebSocketCloseStatus.INVALID_MESSAGE_TYPE;
        interpreter.breach("a text message (expected: binary ones)");
      }
    } finally {
      frame.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    stepOver();
    pumpNow();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      stepOver();
      pumpSoon();
    }
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop("the connection was closed");
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    stop("the connection was closed");
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof CorruptedWebSocketFrameException corrupted) {
      status = corrupted.closeStatus();
    }
    ctx.fireExceptionCaught(cause);
  }

  private void stop(String why) {
    if (stopped) {
      return;
    }
    stopped = true;
    if (ticks != null) {
      ticks.cancel(false);
    }
    if (grace != null) {
      grace.cancel(false);
    }
    interpreter.lost(why, System.nanoTime());
    interpreter.mux().burstEnded();
    for (; early != null && !early.isEmpty(); early.poll().release()) {
      // nobody reads it any more
    }
    for (ByteBuf bytes = forTunnel.poll(); bytes != null; bytes = forTunnel.poll()) {
      bytes.release();
    }
  }

  // ---- from the tunnel ----

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (!(message instanceof ByteBuf bytes)) {
      ctx.write(message, promise);
      return;
    }
    try {
      long now = System.nanoTime();
      interpreter.at(now);
      interpreter.mux().received(bytes, now);
    } finally {
      bytes.release();
    }
    promise.trySuccess();
  }

  @Override
  public void flush(ChannelHandlerContext ctx) {
    interpreter.mux().burstEnded();
    if (stopped) {
      ctx.flush();
    } else {
      stepOver();
      pumpSoon();
    }
  }

  @Override
  public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
    boolean wrong = interpreter.isBreached() && status.equals(WebSocketCloseStatus.NORMAL_CLOSURE);
    goodbye.close(ctx, wrong ? WebSocketCloseStatus.PROTOCOL_ERROR : status, promise);
  }

  // ---- to the tunnel ----

  private void pumpSoon() {
    if (!pumpScheduled && interpreter.mux().hasOutput()) {
      pumpScheduled = true;
      context.executor().execute(pumpTask);
    }
  }

  private void pumpNow() {
    pumpScheduled = false;
    if (pumping || stopped) {
      return;
    }
    if (early != null && interpreter.mux().isRunning()) {
      readEarly();
    }
    pumping = true;
    try {
      long now = System.nanoTime();
      interpreter.at(now);
      while (interpreter.mux().writeNext(output, now)) {
        // all that the credit allows: it is what the tunnel has room for
      }
      output.gathered();
      if (forTunnel.isEmpty()) {
        return;
      }
      for (ByteBuf bytes = forTunnel.poll(); bytes != null; bytes = forTunnel.poll()) {
        context.fireChannelRead(bytes);
      }
      context.fireChannelReadComplete();
    } finally {
      pumping = false;
    }
    context.flush(); // RESUME, where a queue became short
    pumpSoon();
  }

  /** A server may ask for a connection behind its answer to the upgrade. */
  private void readEarly() {
    ArrayDeque<WebSocketFrame> frames = early;
    early = null;
    for (WebSocketFrame frame = frames.poll(); frame != null; frame = frames.poll()) {
      channelRead(context, frame);
    }
    stepOver();
    context.channel().config().setAutoRead(true);
  }

  private final class Output implements FrameOutput {
    private ByteBuf gathered;

    @Override
    public ByteBuf small() {
      if (gathered == null) {
        gathered = context.alloc().directBuffer(256);
      }
      return gathered;
    }

    @Override
    public void payload(ByteBuf bytes) {
      gathered();
      forTunnel.add(bytes);
    }

    void gathered() {
      if (gathered != null) {
        forTunnel.add(gathered);
        gathered = null;
      }
    }
  }

  /** The WebSocket as the interpreter writes to it. */
  private final class Socket implements Wire {
    @Override
    public boolean isWritable() {
      return context != null && context.channel().isWritable();
    }

    @Override
    public ByteBufAllocator allocator() {
      return context.alloc();
    }

    /** As one frame each, as bytes, which pass Netty's encoder. */
    @Override
    public void send(ByteBuf head, ByteBuf bodyOrNull) {
      ByteBuf body = bodyOrNull;
      if (body != null && body.readableBytes() <= COPY_BYTES) {
        head.writeBytes(body);
        body.release();
        body = null;
      }
      int headBytes = head.readableBytes();
      int length = headBytes + (body == null ? 0 : body.readableBytes());
      if (masks == null) {
        ByteBuf start = context.alloc().directBuffer(MAX_FRAME_HEADER_BYTES + headBytes);
        frameHeader(start, length);
        start.writeBytes(head);
        head.release();
        context.write(start, context.voidPromise());
        if (body != null) {
          context.write(body, context.voidPromise());
        }
        return;
      }
      int key = masks.nextKey();
      context.write(MaskedFrames.header(context.alloc(), length, key), context.voidPromise());
      context.write(MaskedFrames.masked(context.alloc(), head, key), context.voidPromise());
      if (body != null) {
        int turned = Integer.rotateLeft(key, 8 * (headBytes % 4));
        context.write(MaskedFrames.masked(context.alloc(), body, turned), context.voidPromise());
      }
    }

    private static void frameHeader(ByteBuf out, int length) {
      out.writeByte(FIN_BINARY);
      if (length < 126) {
        out.writeByte(length);
      } else if (length <= 0xffff) {
        out.writeByte(126).writeShort(length);
      } else {
        out.writeByte(127).writeLong(length);
      }
    }

    @Override
    public void ping(long number) {
      context.write(
          new PingWebSocketFrame(context.alloc().buffer(Long.BYTES).writeLong(number)),
          context.voidPromise());
    }
  }
}

package dev.warren.protocol.channel;

import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Runs a {@link Mux} on a channel. Decides nothing: the Mux does, and knows no channel. Everything
 * happens on the channel's event loop.
 *
 * <p>Each step ends in {@link #send}: one place decides what goes out. A step that comes from
 * elsewhere asks for it with {@link #sendSoon}, which gathers all that one turn of the event loop
 * caused into one flush.
 */
public final class TunnelHandler extends ChannelInboundHandlerAdapter {
  /**
   * Payloads up to this size are copied behind their header instead of being written apart (bytes).
   */
  private static final int COPY_BYTES = 1_024;

  /** What is gathered of headers and small payloads before it is written (bytes). */
  private static final int GATHER_BYTES = 16 * 1024;

  /** How long a GOAWAY may wait for a far side that does not read. */
  private static final int LAST_WORDS_MILLIS = 1_000;

  /** Rounds of filling and flushing before other channels of the event loop get their turn. */
  private static final int ROUNDS = 16;

  /**
   * Ticks of tunnels with the same heartbeat come at moments that they share, so many in an
   * interval: a gateway with thousands of idle tunnels wakes for them so often, not thousands of
   * times.
   */
  private static final int MOMENTS = 64;

  /** No two ticks of a tunnel are closer (nanoseconds). */
  private static final long LEAST_TICK_NANOS = 5_000_000;

  private final Mux mux;
  private final boolean dialled;
  private final Output output = new Output();
  private final Runnable sendTask = this::sendNow;
  private final Runnable tick = this::tick;
  private final Runnable tickAfterInput = this::tickAfterInput;
  private ChannelHandlerContext context;
  private ScheduledFuture<?> ticks;
  private ScheduledFuture<?> lateClose;
  private boolean sending;
  private boolean sendScheduled;
  private boolean reading;
  private boolean closing;

  // For status, read from other threads: they see it a moment late, and nobody waits.
  private final AtomicLong receivedBytes = new AtomicLong();
  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong roundTripNanos = new AtomicLong(-1);
  private LongSupplier roundTrip;
  private final AtomicInteger streams = new AtomicInteger();

  /**
   * @param events makes who listens to the Mux; it may keep the handler and must not call it yet
   */
  public TunnelHandler(
      Mux.Side side,
      MuxSettings settings,
      CreditBudget budget,
      Function<TunnelHandler, MuxEvents> events) {
    this.dialled = side == Mux.Side.DIALLED;
    this.mux = new Mux(side, settings, budget, events.apply(this), System.nanoTime());
    this.roundTrip = mux::roundTripNanos;
  }

  /** To be used on {@link #eventLoop} only. */
  public Mux mux() {
    return mux;
  }

  /**
   * Where the far end of the Mux is in this process, somebody else knows how long the way to the
   * agent is (nanoseconds; -1 where nothing was measured yet). Asked on the event loop.
   */
  public void measureRoundTripBy(LongSupplier measured) {
    roundTrip = measured;
  }

  /** Whether our side dialled, and is the WebSocket's client. */
  boolean dialled() {
    return dialled;
  }

  public Channel channel() {
    return context.channel();
  }

  public EventLoop eventLoop() {
    return context.channel().eventLoop();
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    if (ctx.channel().isActive()) {
      scheduleTick();
      sendSoon();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    if (ticks == null) {
      scheduleTick();
      sendSoon();
    }
    ctx.fireChannelActive();
  }

  private void scheduleTick() {
    long now = System.nanoTime();
    long delay = Math.max(LEAST_TICK_NANOS, mux.nanosToTick(now));
    ticks =
        context
            .executor()
            .schedule(
                tick,
                toSharedMoment(now, delay, mux.heartbeatIntervalNanos()),
                TimeUnit.NANOSECONDS);
  }

  /** Lengthens a delay so that it ends at one of the {@value #MOMENTS} moments of an interval. */
  static long toSharedMoment(long now, long delay, long intervalNanos) {
    return delay + Math.floorMod(-(now + delay), Math.max(1, intervalNanos / MOMENTS));
  }

  /**
   * A timer may run before input that lies ready is read. The one that finds the far side dead
   * therefore looks again after one more turn of the event loop.
   */
  private void tick() {
    context.executor().execute(tickAfterInput);
  }

  private void tickAfterInput() {
    if (closing || !context.channel().isActive()) {
      return;
    }
    mux.tick(System.nanoTime());
    scheduleTick();
    sendNow();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    reading = true;
    add(receivedBytes, bytes.readableBytes());
    try {
      mux.received(bytes, System.nanoTime());
    } finally {
      bytes.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    reading = false;
    mux.burstEnded();
    sendNow();
    ctx.fireChannelReadComplete();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      sendNow();
    }
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop("the connection was closed");
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    stop(String.valueOf(cause.getMessage()));
    ctx.close();
  }

  private void stop(String why) {
    closing = true;
    if (ticks != null) {
      ticks.cancel(false);
    }
    if (lateClose != null) {
      lateClose.cancel(false);
    }
    mux.lost(why, System.nanoTime());
    mux.burstEnded();
    publish();
  }

  /**
   * Sends at the end of this turn of the event loop, with whatever else it causes. On the event
   * loop only.
   */
  public void sendSoon() {
    if (!sendScheduled && !reading) {
      sendScheduled = true;
      context.executor().execute(sendTask);
    }
  }

  private void sendNow() {
    sendScheduled = false;
    if (sending) {
      return; // the loop below sees what was added
    }
    sending = true;
    try {
      send();
    } finally {
      sending = false;
    }
    publish();
    if (mux.isOver() && !closing) {
      if (!mux.hasOutput()) {
        closeNow();
      } else if (lateClose == null) { // one that does not read will not hear why
        lateClose =
            context.executor().schedule(this::closeNow, LAST_WORDS_MILLIS, TimeUnit.MILLISECONDS);
      }
    }
  }

  /** Through the pipeline, so that a WebSocket says goodbye. */
  private void closeNow() {
    if (!closing) {
      closing = true;
      context.channel().close();
    }
  }

  private void send() {
    Channel channel = context.channel();
    long now = System.nanoTime();
    for (int round = 0; round < ROUNDS; round++) {
      boolean wrote = false;
      while (channel.isWritable() && mux.writeNext(output, now)) {
        wrote = true;
      }
      output.writeGathered();
      if (!wrote) {
        return;
      }
      context.flush();
      if (!channel.isWritable()) {
        return; // goes on when the transport has taken some
      }
    }
    if (mux.hasOutput()) {
      sendScheduled = true;
      context.executor().execute(sendTask);
    }
  }

  private static void add(AtomicLong counter, long bytes) {
    counter.setOpaque(counter.getPlain() + bytes); // the event loop alone writes
  }

  private void publish() {
    streams.setOpaque(mux.streams());
    roundTripNanos.setOpaque(roundTrip.getAsLong());
  }

  /** Bytes that arrived on this tunnel so far. From any thread. */
  public long receivedBytes() {
    return receivedBytes.getOpaque();
  }

  /** Bytes that were given to the channel so far, frames with their headers. From any thread. */
  public long sentBytes() {
    return sentBytes.getOpaque();
  }

  /** Streams that are open or pending, from both sides. From any thread. */
  public int streams() {
    return streams.getOpaque();
  }

  /**
   * Smoothed round trip of the heartbeat (nanoseconds); -1 before the first answer. From any
   * thread.
   */
  public long roundTripNanos() {
    return roundTripNanos.getOpaque();
  }

  private final class Output implements FrameOutput {
    private ByteBuf gathered;

    @Override
    public ByteBuf small() {
      if (gathered != null && gathered.readableBytes() >= GATHER_BYTES) {
        writeGathered(); // many long headers in a row would become a message that nobody takes
      }
      if (gathered == null) {
        gathered = context.alloc().directBuffer(512);
      }
      return gathered;
    }

    @Override
    public void payload(ByteBuf bytes) {
      if (bytes.readableBytes() <= COPY_BYTES) {
        small().writeBytes(bytes);
        bytes.release();
        if (gathered.readableBytes() >= GATHER_BYTES) {
          writeGathered();
        }
      } else {
        writeGathered();
        add(sentBytes, bytes.readableBytes());
        context.write(bytes, context.voidPromise());
      }
    }

    void writeGathered() {
      if (gathered != null) {
        ByteBuf bytes = gathered;
        gathered = null;
        add(sentBytes, bytes.readableBytes());
        context.write(bytes, context.voidPromise());
      }
    }
  }
}

package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.ByteQueue;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannel;
import java.util.ArrayDeque;

/**
 * Joins a connection and a stream of a tunnel on the same event loop: bytes, half closes and resets
 * pass both ways, and each way is read only as fast as the other side takes it.
 *
 * <p>Towards the tunnel at most {@value #HIGH_BYTES} bytes and one read wait; towards the
 * connection at most the stream's window, since credit is given only for what the connection has
 * taken.
 */
public final class StreamBridge extends ChannelInboundHandlerAdapter implements StreamEnd {
  /** Reading the connection stops at this many bytes that wait for their turn in the tunnel ... */
  static final int HIGH_BYTES = 128 * 1024;

  /** ... and goes on below this many. */
  static final int LOW_BYTES = 64 * 1024;

  /** Told of a stream that ended before its connection was there. */
  public interface Cancelled {
    void cancelled();
  }

  private final TunnelHandler tunnel;
  private final Cancelled cancelled;
  private final Consumed consumed = new Consumed();
  private MuxStream stream;
  private DuplexChannel channel; // null before the target has accepted
  private int queued; // bytes in the tunnel's queue
  private final ByteQueue pending = new ByteQueue(); // for the connection, when it takes more
  private boolean inputEnded;
  private boolean outputEnded; // the far end sends no more
  private boolean over;
  // Set where the target broke off, and what it sent before is still on its way out.
  private FaultCode resetCode;
  private String resetDetail;

  /**
   * @param cancelled told when the far end gives the stream up before {@link #join}
   */
  public StreamBridge(TunnelHandler tunnel, Cancelled cancelled) {
    this.tunnel = tunnel;
    this.cancelled = cancelled;
  }

  /** Names the stream; at once after it was accepted. */
  public void attach(MuxStream accepted) {
    stream = accepted;
  }

  /**
   * The target has accepted: tells the far end and starts reading. The connection must run on the
   * tunnel's event loop, with {@code autoRead} off and half closure allowed. Closes it where the
   * stream is gone already.
   *
   * @return whether the two are joined now
   */
  public boolean join(DuplexChannel target) {
    if (over || !stream.opened(System.nanoTime())) {
      tunnel.sendSoon();
      over = true;
      target.close();
      return false;
    }
    channel = target;
    target.pipeline().addLast("stream-bridge", this);
    target.config().setAutoRead(true);
    tunnel.sendSoon();
    return true;
  }

  /** No target accepted: tells the far end why. */
  public void refuse(FaultCode code, String detail) {
    refuse(code, detail, 0);
  }

  /**
   * No target accepted: tells the far end why, and when a new try makes sense (0: nothing known).
   */
  public void refuse(FaultCode code, String detail, int retryAfterMillis) {
    if (!over) {
      over = true;
      stream.refuse(code, detail, retryAfterMillis);
      tunnel.sendSoon();
    }
  }

  /** Whether both are done with each other. */
  public boolean isOver() {
    return over;
  }

  // ---- from the connection ----

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    int length = bytes.readableBytes();
    if (!isJoined()) {
      bytes.release();
      return;
    }
    queued += length;
    stream.write(bytes);
    if (queued >= HIGH_BYTES) {
      ctx.channel().config().setAutoRead(false);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    tunnel.sendSoon();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (isJoined()) {
      flushBurst();
    }
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == ChannelInputShutdownEvent.INSTANCE && !inputEnded) {
      inputEnded = true;
      stream.finish();
      tunnel.sendSoon();
      closeIfDone();
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    FaultCode code =
        cause instanceof StreamResetException broken ? broken.code() : FaultCode.TARGET_RESET;
    breakOff(code, "the target: " + cause.getMessage());
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    breakOff(FaultCode.TARGET_RESET, "the target closed the connection");
    ctx.fireChannelInactive();
  }

  /** The target broke off. What it sent before that goes out first, as TCP would have it. */
  private void breakOff(FaultCode code, String detail) {
    if (over || resetCode != null) {
      return;
    }
    pending.release();
    resetCode = code;
    resetDetail = detail;
    channel.close();
    resetIfSent();
  }

  private void resetIfSent() {
    if (resetCode != null && queued == 0 && !over) {
      over = true;
      if (inputEnded) {
        stream.finish();
      } else {
        stream.reset(resetCode, resetDetail);
      }
      tunnel.sendSoon();
    }
  }

  // ---- from the tunnel ----

  @Override
  public void opened() {
    throw new IllegalStateException("a bridge opens no streams");
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    throw new IllegalStateException("a bridge opens no streams");
  }

  @Override
  public void data(ByteBuf bytes) {
    if (over || resetCode != null) {
      int length = bytes.readableBytes();
      bytes.release();
      stream.consumed(
          length, System.nanoTime()); // nobody takes it; the far end must not wait for that
      return;
    }
    pending.add(channel.alloc(), bytes);
  }

  @Override
  public void burstEnded() {
    if (isJoined()) {
      flushBurst();
    }
  }

  private void flushBurst() {
    if (pending.isEmpty() || !channel.isWritable()) {
      return;
    }
    consumed.expect(pending.bytes());
    ByteBuf bytes = pending.poll();
    while (!pending.isEmpty()) {
      channel.write(bytes, channel.voidPromise());
      bytes = pending.poll();
    }
    channel.writeAndFlush(bytes).addListener(consumed);
  }

  @Override
  public void finished() {
    outputEnded = true;
    if (isJoined()) {
      flushBurst();
    }
    shutdownOutputIfTaken();
  }

  @Override
  public void reset(FaultCode code, String detail) {
    if (over) {
      return;
    }
    over = true;
    resetCode = null;
    pending.release();
    if (channel == null) {
      cancelled.cancelled();
      return;
    }
    if (channel instanceof StreamChannel further) {
      further.reset(code, detail);
      return;
    }
    if (channel instanceof SocketChannel) {
      channel.config().setOption(ChannelOption.SO_LINGER, 0); // so that close sends a RST
    }
    channel.close();
  }

  @Override
  public void sent(int bytes) {
    queued -= bytes;
    resetIfSent();
    if (queued <= LOW_BYTES && channel != null && !channel.config().isAutoRead() && isJoined()) {
      channel.config().setAutoRead(true);
    }
  }

  private boolean isJoined() {
    return !over && resetCode == null;
  }

  private void shutdownOutputIfTaken() {
    if (outputEnded && pending.isEmpty() && consumed.isEmpty() && isJoined()) {
      channel.shutdownOutput();
      closeIfDone();
    }
  }

  private void closeIfDone() {
    if (inputEnded && outputEnded && pending.isEmpty() && consumed.isEmpty() && isJoined()) {
      over = true;
      channel.close();
    }
  }

  /** Gives credit for what the connection has taken. Writes complete in their order. */
  private final class Consumed implements ChannelFutureListener {
    private final ArrayDeque<Integer> bursts = new ArrayDeque<>();

    void expect(int bytes) {
      bursts.addLast(bytes);
    }

    boolean isEmpty() {
      return bursts.isEmpty();
    }

    @Override
    public void operationComplete(ChannelFuture written) {
      int bytes = bursts.removeFirst();
      if (!isJoined()) {
        return;
      }
      if (!written.isSuccess()) {
        breakOff(FaultCode.TARGET_RESET, "the target: " + written.cause().getMessage());
        return;
      }
      stream.consumed(bytes, System.nanoTime());
      tunnel.sendSoon();
      shutdownOutputIfTaken();
    }
  }

  /** For tests and status. */
  Channel channel() {
    return channel;
  }
}

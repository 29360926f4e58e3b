package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.ByteQueue;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Our end of a stream as a Netty channel, on whichever event loop its user runs. Where that is the
 * tunnel's own loop, nothing is handed over; otherwise there is one hand-over for all that one read
 * caused, in either direction.
 *
 * <p>What has arrived waits here until it is read, and credit is given when it has been: at most
 * the stream's window. What is written waits in the channel's own outbound buffer (watch {@code
 * isWritable}) and, up to {@value #HIGH_BYTES} bytes, for its turn in the tunnel.
 */
public final class StreamChannel extends AbstractChannel implements DuplexChannel {
  /**
   * Bytes handed to the tunnel and not yet sent: at this many the channel keeps the rest to itself
   * ...
   */
  static final int HIGH_BYTES = 128 * 1024;

  /** ... until it is down to this many. */
  static final int LOW_BYTES = 64 * 1024;

  /** Credit for less than this is held back for a moment, where it would cost a hand-over. */
  private static final int CREDIT_STEP_BYTES = 4 * 1024;

  private static final int READS_PER_BURST = 16;
  private static final ChannelMetadata METADATA = new ChannelMetadata(false, READS_PER_BURST);
  private static final Object FINISHED = new Object();

  /** Our end breaks the stream. */
  private record Broken(FaultCode code, String detail) {}

  /** Told how the dial went, on the tunnel's event loop. */
  public interface Answer {
    void opened(StreamChannel channel);

    void refused(FaultCode code, String detail, int retryAfterMillis);
  }

  private final DefaultChannelConfig config = new DefaultChannelConfig(this);
  private final TunnelHandler tunnel;
  private final EventLoop tunnelLoop;
  private final EventLoop home; // the loop of the channel
  private final boolean sameLoop;
  private final SocketAddress address;
  private final Answer answer;
  private final TunnelSide tunnelSide = new TunnelSide();

  // The stream itself: on the tunnel's loop only.
  private MuxStream stream;

  // Between the two loops.
  private final Queue<Object> arrivals =
      new ConcurrentLinkedQueue<>(); // ByteBuf, FINISHED, or a StreamResetException
  private final Queue<Object> departures =
      new ConcurrentLinkedQueue<>(); // ByteBuf, FINISHED, FaultCode, Broken
  private final AtomicBoolean arrivalsTold = new AtomicBoolean();
  private final AtomicBoolean departuresTold = new AtomicBoolean();
  private final AtomicInteger underWay =
      new AtomicInteger(); // bytes handed to the tunnel and not yet sent
  private final AtomicInteger toCredit = new AtomicInteger();
  private final Runnable takeDepartures = this::takeDepartures;
  private final Runnable takeArrivals = this::takeArrivals;
  private volatile boolean writeBlocked;

  // The channel: on its own loop only.
  private final ByteQueue readable = new ByteQueue();
  private boolean readPending;
  private boolean reading;
  private boolean finishArrived;
  private boolean finishPending; // shutdownOutput was asked for, and not all has gone yet
  private ChannelPromise finishPromise;
  private volatile boolean open = true;
  private volatile boolean inputShutdown;
  private volatile boolean outputShutdown;

  private StreamChannel(TunnelHandler tunnel, EventLoop home, String text, Answer answer) {
    super(null);
    this.tunnel = tunnel;
    this.tunnelLoop = tunnel.eventLoop();
    this.home = home;
    this.sameLoop = tunnelLoop == home;
    this.address = new StreamAddress(text);
    this.answer = answer;
    config.setAutoRead(false);
    config.setWriteBufferWaterMark(new WriteBufferWaterMark(32 * 1024, 64 * 1024));
  }

  /**
   * Asks the far side of a tunnel for a stream. To be called on the tunnel's event loop; the answer
   * comes there, perhaps before this returns.
   *
   * @param wish what to open; number and credit are filled in
   * @param home the event loop of the channel; whoever gets it registers it there
   * @return takes the dial back when told to, on the tunnel's loop
   */
  public static Dialling dial(
      TunnelHandler tunnel, Frame.Open wish, EventLoop home, Answer answer) {
    StreamChannel channel = new StreamChannel(tunnel, home, wish.target(), answer);
    MuxStream stream = tunnel.mux().open(wish, channel.tunnelSide, System.nanoTime());
    channel.stream = stream;
    tunnel.sendSoon();
    return channel::giveUp;
  }

  /** A dial under way. */
  public interface Dialling {
    /** Takes the dial back; after its answer it does nothing. On the tunnel's event loop. */
    void cancel(FaultCode code, String detail);
  }

  private void giveUp(FaultCode code, String detail) {
    if (stream != null && !tunnelSide.answered) {
      tunnelSide.answered = true;
      stream.reset(code, detail);
      tunnel.sendSoon();
    }
  }

  // ---- the tunnel's side ----

  private final class TunnelSide implements StreamEnd {
    private boolean answered;

    @Override
    public void opened() {
      answered = true;
      answer.opened(StreamChannel.this);
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      if (!answered) {
        answered = true;
        answer.refused(code, detail, retryAfterMillis);
      }
    }

    @Override
    public void data(ByteBuf bytes) {
      if (sameLoop && open) {
        readable.add(config.getAllocator(), bytes);
      } else {
        arrivals.add(bytes); // told at the end of the burst
      }
    }

    @Override
    public void finished() {
      arrivals.add(FINISHED);
      tellArrivals();
    }

    @Override
    public void reset(FaultCode code, String detail) {
      arrivals.add(new StreamResetException(code, detail));
      tellArrivals();
    }

    @Override
    public void sent(int bytes) {
      if (underWay.addAndGet(-bytes) <= LOW_BYTES && writeBlocked) {
        if (sameLoop) {
          resumeWrite();
        } else {
          home.execute(StreamChannel.this::resumeWrite);
        }
      }
    }

    @Override
    public void burstEnded() {
      if (!arrivals.isEmpty()) {
        tellArrivals();
      }
      if (sameLoop) {
        deliver();
      }
    }
  }

  private void tellArrivals() {
    if (arrivalsTold.compareAndSet(false, true)) {
      home.execute(takeArrivals);
    }
  }

  private void tellDepartures() {
    if (departuresTold.compareAndSet(false, true)) {
      tunnelLoop.execute(takeDepartures);
    }
  }

  /** On the tunnel's loop: takes over what the channel's loop handed over. */
  private void takeDepartures() {
    departuresTold.set(false);
    int credit = toCredit.getAndSet(0);
    if (credit > 0) {
      stream.consumed(credit, System.nanoTime());
    }
    for (Object item = departures.poll(); item != null; item = departures.poll()) {
      depart(item);
    }
    tunnel.sendSoon();
  }

  private void depart(Object item) {
    if (item instanceof ByteBuf bytes) {
      int length = bytes.readableBytes();
      boolean dropped = stream.isOver();
      stream.write(bytes);
      if (dropped) {
        tunnelSide.sent(length); // nobody else will count it off
      }
    } else if (item == FINISHED) {
      stream.finish();
    } else if (item instanceof FaultCode code) {
      stream.reset(code, "the caller closed the connection");
    } else if (item instanceof Broken broken) {
      stream.reset(broken.code(), broken.detail());
    }
  }

  private void handOver(Object item) {
    if (sameLoop) {
      depart(item);
      tunnel.sendSoon();
    } else {
      departures.add(item);
      tellDepartures();
    }
  }

  // ---- the channel's side ----

  private void takeArrivals() {
    arrivalsTold.set(false);
    for (Object item = arrivals.poll(); item != null; item = arrivals.poll()) {
      if (item instanceof ByteBuf bytes) {
        if (open) {
          readable.add(config.getAllocator(), bytes);
        } else {
          bytes.release();
        }
      } else if (item == FINISHED) {
        finishArrived = true;
        if (toCredit.get() > 0) {
          tellDepartures(); // nothing more will come to make it worth a step
        }
      } else if (open) {
        breakOff((StreamResetException) item);
      }
    }
    deliver();
  }

  private void breakOff(StreamResetException why) {
    releaseReadable();
    finishArrived = true; // so that closing sends nothing more
    inputShutdown = true;
    outputShutdown = true;
    pipeline().fireExceptionCaught(why);
    close();
  }

  /** Hands on what is readable, as far as somebody wants to read. */
  private void deliver() {
    if (reading || !isRegistered()) {
      return;
    }
    reading = true;
    int credit = 0;
    try {
      while (open && readPending && !(readable.isEmpty() && !(finishArrived && !inputShutdown))) {
        readPending = false;
        for (int i = 0; i < READS_PER_BURST && open; i++) {
          ByteBuf bytes = readable.poll();
          if (bytes == null) {
            break;
          }
          credit += bytes.readableBytes();
          pipeline().fireChannelRead(bytes);
        }
        if (readable.isEmpty() && finishArrived && !inputShutdown && open) {
          inputShutdown = true;
          pipeline().fireChannelReadComplete();
          pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
          closeIfBothShut();
        } else {
          pipeline().fireChannelReadComplete();
        }
      }
    } finally {
      reading = false;
    }
    if (credit > 0) {
      credit(credit);
    }
  }

  private void credit(int bytes) {
    if (sameLoop) {
      stream.consumed(bytes, System.nanoTime());
      tunnel.sendSoon();
    } else if (toCredit.addAndGet(bytes) >= CREDIT_STEP_BYTES || finishArrived || !open) {
      tellDepartures();
    }
  }

  private void closeIfBothShut() {
    if (inputShutdown && outputShutdown && !finishPending && open) {
      close();
    }
  }

  @Override
  protected void doBeginRead() {
    readPending = true;
    if (!reading && (!readable.isEmpty() || finishArrived)) {
      home.execute(this::deliver);
    }
  }

  @Override
  protected Object filterOutboundMessage(Object message) {
    if (message instanceof ByteBuf) {
      return message;
    }
    throw new IllegalArgumentException(
        "a stream takes bytes, not " + message.getClass().getSimpleName());
  }

  @Override
  protected void doWrite(ChannelOutboundBuffer out) {
    for (Object message = out.current(); message != null; message = out.current()) {
      int length = ((ByteBuf) message).readableBytes();
      if (underWay.get() >= HIGH_BYTES) {
        writeBlocked = true;
        if (underWay.get() > LOW_BYTES) {
          return; // goes on when the tunnel has sent some
        }
        writeBlocked = false;
      }
      if (length > 0) {
        underWay.addAndGet(length);
        handOver(ReferenceCountUtil.retain(message));
      }
      out.remove();
    }
    if (finishPending) {
      finishNow();
    }
  }

  private void resumeWrite() {
    if (writeBlocked) {
      writeBlocked = false;
      ((StreamUnsafe) unsafe()).resume();
    }
  }

  private void finishNow() {
    finishPending = false;
    handOver(FINISHED);
    ChannelPromise promise = finishPromise;
    finishPromise = null;
    if (promise != null) {
      promise.trySuccess();
    }
    closeIfBothShut();
  }

  @Override
  protected void doClose() {
    open = false;
    releaseReadable();
    if (finishArrived && !outputShutdown) {
      handOver(FINISHED);
    } else if (!finishArrived || finishPending) {
      handOver(FaultCode.CANCELLED);
    }
    inputShutdown = true;
    outputShutdown = true;
    if (finishPromise != null) {
      finishPromise.tryFailure(new ClosedChannelException());
    }
  }

  /**
   * Breaks the stream, and closes the channel: the far end sees a reset, even where one direction
   * had ended in good order. What was written and has not gone yet is dropped. From any thread.
   */
  public void reset(FaultCode code, String detail) {
    if (!home.inEventLoop()) {
      home.execute(() -> reset(code, detail));
      return;
    }
    if (!open) {
      return;
    }
    if (!finishArrived || !outputShutdown || finishPending) {
      handOver(new Broken(code, detail));
    }
    finishArrived = true; // so that closing sends nothing more
    outputShutdown = true;
    finishPending = false;
    close();
  }

  private void releaseReadable() {
    int dropped = readable.bytes();
    readable.release();
    if (dropped > 0) {
      credit(dropped);
    }
  }

  @Override
  public ChannelFuture shutdownOutput(ChannelPromise promise) {
    if (!home.inEventLoop()) {
      home.execute(() -> shutdownOutput(promise));
      return promise;
    }
    if (outputShutdown || !open) {
      return promise.setSuccess();
    }
    outputShutdown = true;
    finishPending = true;
    finishPromise = promise;
    ChannelOutboundBuffer out = unsafe().outboundBuffer();
    if (out == null || out.isEmpty()) {
      finishNow();
    } else {
      flush();
    }
    return promise;
  }

  @Override
  public ChannelFuture shutdownOutput() {
    return shutdownOutput(newPromise());
  }

  /** What still arrives is read and dropped by whoever reads; nothing is told to the far end. */
  @Override
  public ChannelFuture shutdownInput(ChannelPromise promise) {
    return promise.setSuccess();
  }

  @Override
  public ChannelFuture shutdownInput() {
    return shutdownInput(newPromise());
  }

  @Override
  public ChannelFuture shutdown() {
    return shutdown(newPromise());
  }

  @Override
  public ChannelFuture shutdown(ChannelPromise promise) {
    return shutdownOutput(promise);
  }

  @Override
  public boolean isInputShutdown() {
    return inputShutdown;
  }

  @Override
  public boolean isOutputShutdown() {
    return outputShutdown;
  }

  @Override
  public boolean isShutdown() {
    return inputShutdown && outputShutdown;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public boolean isActive() {
    return open;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return loop == home;
  }

  @Override
  protected SocketAddress localAddress0() {
    return address;
  }

  @Override
  protected SocketAddress remoteAddress0() {
    return address;
  }

  @Override
  protected void doRegister(ChannelPromise promise) {
    promise.setSuccess();
  }

  @Override
  protected void doBind(SocketAddress local) {
    throw new UnsupportedOperationException("a stream is not bound");
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new StreamUnsafe();
  }

  private final class StreamUnsafe extends AbstractUnsafe {
    @Override
    public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
      promise.setFailure(new UnsupportedOperationException("a stream is connected from birth"));
    }

    void resume() {
      super.flush0();
    }
  }
}

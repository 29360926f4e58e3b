package dev.warren.client;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.StreamChannel;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Between a stream on its event loop and threads that wait for it. It holds at most {@value
 * #HIGH_BYTES} bytes and one read each way; beyond, the stream is not read and writers wait. What
 * arrived is owned by the queue, which releases it when it was read or the pipe is closed.
 */
final class StreamPipe extends ChannelInboundHandlerAdapter {
  /** At so many bytes that nobody took yet the stream is not read any more ... */
  static final int HIGH_BYTES = 256 * 1024;

  /** ... until they are so few; and a writer waits while so many are on their way. */
  static final int LOW_BYTES = 128 * 1024;

  private static final int MOST_IN_ONE_WRITE = 64 * 1024;

  /**
   * After a close, how long the far end may take to end its side before the stream is reset. TCP
   * stacks wait as long.
   */
  static final int CLOSE_WITHIN_SECONDS = 60;

  private final StreamChannel channel;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition readable = lock.newCondition();
  private final Condition writable = lock.newCondition();

  // Under the lock.
  private final ArrayDeque<ByteBuf> queue = new ArrayDeque<>();
  private int queued;
  private int onWay;
  private boolean paused; // nobody has asked the stream for more
  private boolean ended;
  private boolean inputShut;
  private boolean outputShut;
  private boolean closed;
  private IOException broken;

  private StreamPipe(StreamChannel channel) {
    this.channel = channel;
  }

  /** On the channel's event loop, before anything was read. */
  static StreamPipe of(StreamChannel channel) {
    StreamPipe pipe = new StreamPipe(channel);
    channel.pipeline().addLast(pipe);
    channel.read();
    return pipe;
  }

  // ---- from threads that wait ----

  /**
   * Waits for bytes.
   *
   * @param timeoutMillis 0: for ever
   * @return how many; -1 at the end
   */
  int read(ByteBuffer into, int timeoutMillis) throws IOException {
    if (!into.hasRemaining()) {
      return 0;
    }
    boolean more;
    int count;
    lock.lock();
    try {
      awaitBytes(timeoutMillis);
      if (queued == 0) {
        return -1;
      }
      count = take(into);
      more = paused && queued <= LOW_BYTES && !ended;
      if (more) {
        paused = false;
      }
    } finally {
      lock.unlock();
    }
    if (more) {
      channel.read();
    }
    return count;
  }

  private void awaitBytes(int timeoutMillis) throws IOException {
    long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    while (queued == 0) {
      checkOpen();
      if (inputShut || ended) {
        return;
      }
      if (broken != null) {
        throw failure();
      }
      if (timeoutMillis > 0 && left <= 0) {
        throw new SocketTimeoutException("nothing came within " + timeoutMillis + " ms");
      }
      left = await(readable, left, timeoutMillis > 0);
    }
    checkOpen();
  }

  private static long await(Condition condition, long nanos, boolean timed) throws IOException {
    try {
      if (timed) {
        return condition.awaitNanos(nanos);
      }
      condition.await();
      return 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for a stream");
    }
  }

  private int take(ByteBuffer into) {
    int count = 0;
    while (into.hasRemaining() && !queue.isEmpty()) {
      ByteBuf first = queue.peekFirst();
      int part = Math.min(into.remaining(), first.readableBytes());
      int limit = into.limit();
      into.limit(into.position() + part);
      first.readBytes(into);
      into.limit(limit);
      count += part;
      if (!first.isReadable()) {
        queue.removeFirst().release();
      }
    }
    queued -= count;
    return count;
  }

  /** Bytes that can be read without waiting. */
  int available() throws IOException {
    lock.lock();
    try {
      checkOpen();
      return queued;
    } finally {
      lock.unlock();
    }
  }

  /** Writes all, and waits while too much is on its way. */
  void write(ByteBuffer from) throws IOException {
    while (from.hasRemaining()) {
      int part = Math.min(from.remaining(), MOST_IN_ONE_WRITE);
      lock.lock();
      try {
        checkWritable();
        while (onWay >= HIGH_BYTES) {
          await(writable, 0, false);
          checkWritable();
        }
        onWay += part;
      } finally {
        lock.unlock();
      }
      ByteBuf bytes = channel.alloc().directBuffer(part);
      int limit = from.limit();
      from.limit(from.position() + part);
      bytes.writeBytes(from);
      from.limit(limit);
      channel.writeAndFlush(bytes).addListener(written -> written(written, part));
    }
  }

  private void checkWritable() throws IOException {
    checkOpen();
    if (outputShut) {
      throw new SocketException("the output of this stream is shut down");
    }
    if (broken != null) {
      throw failure();
    }
  }

  private void checkOpen() throws IOException {
    if (closed) {
      throw new SocketException("Socket closed");
    }
  }

  private IOException failure() {
    SocketException thrown = new SocketException(broken.getMessage());
    thrown.initCause(broken);
    return thrown;
  }

  /** Half close: what was written goes out, and its end behind it. */
  void shutdownOutput() throws IOException {
    lock.lock();
    try {
      checkOpen();
      outputShut = true;
    } finally {
      lock.unlock();
    }
    channel.shutdownOutput();
  }

  /** What comes from now on is dropped, and readers see the end. */
  void shutdownInput() throws IOException {
    lock.lock();
    try {
      checkOpen();
      inputShut = true;
      drop();
      readable.signalAll();
    } finally {
      lock.unlock();
    }
    channel.read();
  }

  boolean isInputShut() {
    lock.lock();
    try {
      return inputShut;
    } finally {
      lock.unlock();
    }
  }

  boolean isOutputShut() {
    lock.lock();
    try {
      return outputShut;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Closes as TCP does: what was written still goes out, and a far end that goes on sending is
   * reset; so is the stream where bytes lie here that nobody read.
   *
   * @param abort whether it is reset in any case
   */
  void close(boolean abort) {
    boolean reset;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      reset = abort || (queued > 0 && !inputShut);
      drop();
      readable.signalAll();
      writable.signalAll();
    } finally {
      lock.unlock();
    }
    if (reset) {
      channel.reset(FaultCode.CANCELLED, "the caller closed the connection");
    } else {
      channel.eventLoop().execute(this::linger);
    }
  }

  private void drop() {
    queued = 0;
    while (!queue.isEmpty()) {
      queue.removeFirst().release();
    }
  }

  // ---- on the event loop ----

  private void linger() {
    channel.shutdownOutput();
    if (!channel.isOpen()) {
      return;
    }
    Future<?> late =
        channel
            .eventLoop()
            .schedule(
                () -> channel.reset(FaultCode.CANCELLED, "the caller closed the connection"),
                CLOSE_WITHIN_SECONDS,
                TimeUnit.SECONDS);
    channel.closeFuture().addListener(done -> late.cancel(false));
    channel.read();
  }

  private void written(Future<?> write, int bytes) {
    lock.lock();
    try {
      onWay -= bytes;
      if (!write.isSuccess() && broken == null) {
        broken = new IOException("the stream is closed: " + write.cause().getMessage());
      }
      if (onWay < HIGH_BYTES) {
        writable.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    boolean late;
    lock.lock();
    try {
      late = closed;
      if (closed || inputShut) {
        bytes.release();
      } else {
        queue.addLast(bytes);
        queued += bytes.readableBytes();
        readable.signal();
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      channel.reset(FaultCode.CANCELLED, "the caller closed the connection");
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    boolean more;
    lock.lock();
    try {
      more = queued < HIGH_BYTES;
      paused = !more;
    } finally {
      lock.unlock();
    }
    if (more && !channel.isInputShutdown()) {
      ctx.read();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      lock.lock();
      try {
        ended = true;
        readable.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    broken(
        cause instanceof IOException known
            ? known
            : new IOException("the stream broke: " + cause, cause));
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    broken(new IOException("the stream broke"));
  }

  /** What arrived before can still be read. */
  private void broken(IOException why) {
    lock.lock();
    try {
      if (broken == null && !(ended && outputShut)) {
        broken = why;
      }
      readable.signalAll();
      writable.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

package dev.warren.bench.load;

import dev.warren.client.Session;
import dev.warren.client.Warren;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * New streams by the library, over one line: so many at a time, each opened, asked one request,
 * read to its end and followed by the next, at one target after the other.
 */
final class LibraryStreams {
  private static final byte[] REQUEST =
      ("GET " + Stage.ONCE + " HTTP/1.1\r\nHost: sink\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
  private static final int END_SECONDS = 30;

  private final Session session;
  private final List<String> targets;
  private final long until;
  private final AtomicInteger next = new AtomicInteger();
  private final LongAdder done = new LongAdder();
  private final CountDownLatch running;
  private final List<Throwable> faults = new java.util.concurrent.CopyOnWriteArrayList<>();

  private LibraryStreams(Session session, List<String> targets, int atOnce, int seconds) {
    this.session = session;
    this.targets = targets;
    this.running = new CountDownLatch(atOnce);
    this.until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
  }

  /**
   * How many streams were opened, used and ended.
   *
   * @param gateway {@code http://HOST:PORT}
   */
  static long run(String gateway, String agent, List<String> targets, int atOnce, int seconds) {
    try (Warren warren = Warren.connect(gateway, "")) {
      LibraryStreams streams = new LibraryStreams(warren.session(agent), targets, atOnce, seconds);
      for (int i = 0; i < atOnce; i++) {
        streams.open();
      }
      if (!streams.running.await(seconds + END_SECONDS, TimeUnit.SECONDS)) {
        throw new LoadException("streams of the library do not end");
      }
      if (!streams.faults.isEmpty()) {
        Throwable first = streams.faults.get(0);
        throw new LoadException("a stream of the library failed: " + first, first);
      }
      return streams.done.sum();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LoadException("interrupted", e);
    }
  }

  private void open() {
    if (System.nanoTime() - until >= 0 || !faults.isEmpty()) {
      running.countDown();
      return;
    }
    session
        .openChannel(targets.get(Math.floorMod(next.getAndIncrement(), targets.size())))
        .whenComplete(
            (stream, failure) -> {
              if (failure == null) {
                ask(stream);
              } else {
                failed(failure);
              }
            });
  }

  private void failed(Throwable failure) {
    faults.add(failure);
    running.countDown();
  }

  private void ask(DuplexChannel stream) {
    stream.pipeline().addLast(new Answer(stream));
    stream.writeAndFlush(Unpooled.wrappedBuffer(REQUEST.clone())); // which is written over
    stream.shutdownOutput();
    stream.read();
  }

  private final class Answer extends ChannelInboundHandlerAdapter {
    private final DuplexChannel stream;
    private long bytes;
    private boolean over;

    Answer(DuplexChannel stream) {
      this.stream = stream;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf read = (ByteBuf) message;
      bytes += read.readableBytes();
      read.release();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      if (!stream.isInputShutdown()) {
        ctx.read();
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      if (event instanceof ChannelInputShutdownEvent && !over) {
        over = true;
        if (bytes == 0) {
          failed(new LoadException("an empty answer"));
          return;
        }
        done.increment();
        open();
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (!over) {
        over = true;
        failed(cause);
      }
    }
  }
}

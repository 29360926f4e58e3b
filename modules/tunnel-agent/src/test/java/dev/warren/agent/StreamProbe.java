package dev.warren.agent;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** A caller's end of a stream, driven by a test. */
public final class StreamProbe implements StreamEnd {
  /** What happened at the stream, apart from data. */
  public record Event(String what, FaultCode code, String detail) {}

  private final TunnelHandler tunnel;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();
  private volatile MuxStream stream;

  private StreamProbe(TunnelHandler tunnel) {
    this.tunnel = tunnel;
  }

  static StreamProbe open(TunnelHandler tunnel, String target) throws InterruptedException {
    return open(tunnel, target, StreamId.random(), 0, "ann");
  }

  static StreamProbe open(
      TunnelHandler tunnel, String target, StreamId id, int attempt, String caller)
      throws InterruptedException {
    StreamProbe probe = new StreamProbe(tunnel);
    CountDownLatch asked = new CountDownLatch(1);
    probe.onLoop(
        () -> {
          probe.stream =
              tunnel
                  .mux()
                  .open(
                      new Frame.Open(
                          0,
                          id,
                          Frame.Open.BYTES,
                          target,
                          30_000,
                          attempt,
                          1,
                          List.of(),
                          0,
                          "",
                          caller,
                          ""),
                      probe,
                      System.nanoTime());
          asked.countDown();
        });
    asked.await();
    return probe;
  }

  private void onLoop(Runnable task) {
    tunnel
        .eventLoop()
        .execute(
            () -> {
              task.run();
              tunnel.sendSoon();
            });
  }

  public StreamProbe write(byte[] bytes) {
    onLoop(() -> stream.write(Unpooled.copiedBuffer(bytes)));
    return this;
  }

  public StreamProbe finish() {
    onLoop(() -> stream.finish());
    return this;
  }

  public StreamProbe reset() {
    onLoop(() -> stream.reset(FaultCode.CANCELLED, "the caller is gone"));
    return this;
  }

  /** The next event: opened, refused, finished or reset. */
  public Event next() throws InterruptedException {
    return ScriptedGateway.polled(events, "event of the stream");
  }

  public synchronized byte[] received() {
    return received.toByteArray();
  }

  @Override
  public void opened() {
    events.add(new Event("opened", null, ""));
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    events.add(new Event("refused", code, detail));
  }

  @Override
  public synchronized void data(ByteBuf bytes) {
    int length = bytes.readableBytes();
    byte[] copy = new byte[length];
    bytes.readBytes(copy);
    bytes.release();
    received.writeBytes(copy);
    stream.consumed(length, System.nanoTime());
  }

  @Override
  public void finished() {
    events.add(new Event("finished", null, ""));
  }

  @Override
  public void reset(FaultCode code, String detail) {
    events.add(new Event("reset", code, detail));
  }

  @Override
  public void sent(int bytes) {}

  @Override
  public void burstEnded() {}
}

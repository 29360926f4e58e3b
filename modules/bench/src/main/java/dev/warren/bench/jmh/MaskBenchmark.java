package dev.warren.bench.jmh;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameMaskGenerator;
import java.nio.ByteBuffer;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the mask of WebSocket costs for a frame, through Netty's codec and by the shortest loop that
 * there is. The encoder with a key of 0, which does not mask, is what to subtract.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MaskBenchmark {
  @Param({"1024", "32768"})
  public int bytes;

  private ByteBuf payload;
  private EmbeddedChannel masking;
  private EmbeddedChannel keyZero;
  private EmbeddedChannel unmasking;
  private ByteBuf masked;

  @Setup(Level.Trial)
  public void setUp() {
    payload = ByteBufAllocator.DEFAULT.directBuffer(bytes).writeZero(bytes);
    masking = encoder(() -> ThreadLocalRandom.current().nextInt() | 1);
    keyZero = encoder(() -> 0);
    unmasking =
        new EmbeddedChannel(
            new WebSocket13FrameDecoder(
                WebSocketDecoderConfig.newBuilder()
                    .maxFramePayloadLength(1 << 20)
                    .expectMaskedFrames(true)
                    .withUTF8Validator(false)
                    .build()));
    masked = encode(masking);
  }

  private static EmbeddedChannel encoder(WebSocketFrameMaskGenerator masks) {
    return new EmbeddedChannel(new WebSocket13FrameEncoder(masks));
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    masking.finishAndReleaseAll();
    keyZero.finishAndReleaseAll();
    unmasking.finishAndReleaseAll();
    masked.release();
    payload.release();
  }

  private ByteBuf encode(EmbeddedChannel encoder) {
    encoder.writeOutbound(new BinaryWebSocketFrame(payload.retainedDuplicate()));
    ByteBuf first = encoder.readOutbound();
    ByteBuf second = encoder.readOutbound();
    return second == null
        ? first
        : first.alloc().compositeBuffer(2).addComponents(true, first, second);
  }

  private static int sizeAndRelease(EmbeddedChannel encoder) {
    int size = 0;
    for (ByteBuf part = encoder.readOutbound(); part != null; part = encoder.readOutbound()) {
      size += part.readableBytes();
      part.release();
    }
    return size;
  }

  @Benchmark
  public int nettyEncodes() {
    masking.writeOutbound(new BinaryWebSocketFrame(payload.retainedDuplicate()));
    return sizeAndRelease(masking);
  }

  @Benchmark
  public int nettyEncodesWithKeyZero() {
    keyZero.writeOutbound(new BinaryWebSocketFrame(payload.retainedDuplicate()));
    return sizeAndRelease(keyZero);
  }

  /** The decoder unmasks in place; that the second time masks again does not change its work. */
  @Benchmark
  public int nettyDecodes() {
    unmasking.writeInbound(masked.retainedDuplicate());
    WebSocketFrame frame = unmasking.readInbound();
    int size = frame.content().readableBytes();
    frame.release();
    return size;
  }

  /** In place, eight bytes at a time, with no check but the one of the buffer of the JDK. */
  @Benchmark
  public int plainLoop() {
    ByteBuffer in = payload.internalNioBuffer(0, bytes);
    long key = 0x1234_5678_1234_5678L;
    int at = in.position();
    for (int end = in.limit() - 7; at < end; at += 8) {
      in.putLong(at, in.getLong(at) ^ key);
    }
    return at;
  }
}

package dev.warren.bench.jmh;

import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** Frames to bytes and back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameBenchmark {
  private static final int MIXED_BYTES = 64 * 1024;
  private static final int SMALL_PAYLOAD = 1_024;
  private static final int LARGE_PAYLOAD = 16 * 1024;
  private static final long STREAM = 4_711;
  private static final long OFFSET = 3_000_000_000L;

  private final Frame credit = new Frame.Credit(STREAM, OFFSET, OFFSET + (1 << 20));
  private final Frame open =
      new Frame.Open(
          STREAM,
          StreamId.random(),
          Frame.Open.BYTES,
          "127.0.0.1:8125",
          10_000,
          0,
          1,
          List.of(),
          256 * 1024,
          "",
          "caller",
          "");

  private ByteBuf out;
  private ByteBuf creditBytes;
  private ByteBuf openBytes;
  private ByteBuf dataBytes;
  private ByteBuf mixed;
  private int mixedFrames;
  private FrameReader reader;
  private Counting counting;

  /** Decodes all but DATA, as a stream does. */
  private static final class Counting implements FrameReader.Sink {
    private final Blackhole blackhole;
    int frames;

    Counting(Blackhole blackhole) {
      this.blackhole = blackhole;
    }

    @Override
    public void data(long stream, long offset, ByteBuf bytes) {
      frames++;
      blackhole.consume(offset);
      bytes.release();
    }

    @Override
    public void frame(long stream, ByteBuf header, ByteBuf payload) throws ProtocolException {
      frames++;
      blackhole.consume(FrameCodec.decode(stream, header, payload));
    }
  }

  @Setup(Level.Trial)
  public void setUp(Blackhole blackhole) {
    out = Unpooled.directBuffer(64 * 1024);
    creditBytes = written(credit);
    openBytes = written(open);
    dataBytes = Unpooled.directBuffer();
    data(dataBytes, SMALL_PAYLOAD);
    mixed = Unpooled.directBuffer(MIXED_BYTES * 2);
    mixedFrames = 0;
    while (mixed.readableBytes() < MIXED_BYTES) {
      FrameCodec.write(mixed, open);
      data(mixed, SMALL_PAYLOAD);
      FrameCodec.write(mixed, credit);
      data(mixed, LARGE_PAYLOAD);
      mixedFrames += 4;
    }
    reader = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);
    counting = new Counting(blackhole);
  }

  private static ByteBuf written(Frame frame) {
    ByteBuf bytes = Unpooled.directBuffer();
    FrameCodec.write(bytes, frame);
    return bytes;
  }

  private static void data(ByteBuf to, int bytes) {
    FrameCodec.writeData(to, STREAM, OFFSET, bytes);
    to.writeZero(bytes);
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    List.of(out, creditBytes, openBytes, dataBytes, mixed).forEach(ByteBuf::release);
  }

  @Benchmark
  public int encodeData() {
    out.clear();
    FrameCodec.writeData(out, STREAM, OFFSET, SMALL_PAYLOAD);
    return out.writerIndex();
  }

  @Benchmark
  public int encodeCredit() {
    out.clear();
    FrameCodec.write(out, credit);
    return out.writerIndex();
  }

  @Benchmark
  public int encodeOpen() {
    out.clear();
    FrameCodec.write(out, open);
    return out.writerIndex();
  }

  @Benchmark
  public int decodeData() throws ProtocolException {
    return read(dataBytes);
  }

  @Benchmark
  public int decodeCredit() throws ProtocolException {
    return read(creditBytes);
  }

  @Benchmark
  public int decodeOpen() throws ProtocolException {
    return read(openBytes);
  }

  /** OPEN, DATA of 1 KiB, CREDIT, DATA of 16 KiB, over and over: 64 KiB and a little in all. */
  @Benchmark
  public int read64KiBMixed() throws ProtocolException {
    int before = counting.frames;
    read(mixed);
    if (counting.frames - before != mixedFrames) {
      throw new IllegalStateException(
          counting.frames - before + " frames (expected: " + mixedFrames + ")");
    }
    return counting.frames;
  }

  private int read(ByteBuf bytes) throws ProtocolException {
    bytes.readerIndex(0);
    reader.feed(bytes, counting);
    return counting.frames;
  }
}

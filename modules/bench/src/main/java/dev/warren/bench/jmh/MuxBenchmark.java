package dev.warren.bench.jmh;

import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
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

/** Two ends of a tunnel back to back in memory; what lies between them is copied once. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MuxBenchmark {
  private static final int BULK_BYTES = 32 * 1024;
  private static final int MESSAGE_BYTES = 1024;

  private static final Frame.Open OPEN =
      new Frame.Open(
          0,
          new StreamId(1, 2),
          Frame.Open.BYTES,
          "127.0.0.1:8125",
          10_000,
          0,
          1,
          List.of(),
          0,
          "",
          "",
          "");

  private MuxPair pair;
  private MuxPair.End caller;
  private MuxPair.End target;
  private ByteBuf bulk;
  private ByteBuf message;

  @Setup(Level.Trial)
  public void setUp() {
    pair = new MuxPair();
    caller = pair.open(OPEN);
    target = pair.lastAccepted();
    bulk = ByteBufAllocator.DEFAULT.directBuffer(BULK_BYTES).writeZero(BULK_BYTES);
    message = ByteBufAllocator.DEFAULT.directBuffer(MESSAGE_BYTES).writeZero(MESSAGE_BYTES);
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    pair.close();
    bulk.release();
    message.release();
  }

  /** One frame of a download, and its share of credit. */
  @Benchmark
  public long bulk32KiB() {
    target.write(bulk);
    pair.exchange();
    return caller.received();
  }

  /** 1 KiB there, 1 KiB back on a stream that is open. */
  @Benchmark
  public long request1KiB() {
    caller.write(message);
    pair.exchange();
    target.write(message);
    pair.exchange();
    return caller.received();
  }

  /** OPEN, OPENED, FINISH both ways. */
  @Benchmark
  public boolean openAndFinish() {
    MuxPair.End opened = pair.open(OPEN);
    MuxPair.End accepted = pair.lastAccepted();
    opened.finish();
    accepted.finish();
    pair.exchange();
    if (!opened.isOver() || !accepted.isOver()) {
      throw new IllegalStateException("a stream that both sides finished is not over");
    }
    return true;
  }
}

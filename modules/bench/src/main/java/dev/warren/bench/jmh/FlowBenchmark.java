package dev.warren.bench.jmh;

import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.flow.ReceiveWindow;
import dev.warren.protocol.flow.Turns;
import dev.warren.protocol.flow.WindowSizes;
import java.util.ArrayList;
import java.util.List;
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

/** Who sends next, and how much may come. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FlowBenchmark {
  private static final int QUANTUM = 32 * 1024;
  private static final int FRAME = 16 * 1024;

  /** Members that always have something to send. */
  @State(Scope.Thread)
  public static class Busy {
    private static final class Stream extends Turns.Member<Stream> {}

    @Param({"1", "64", "1000"})
    public int members;

    private Turns<Stream> turns;
    private final List<Stream> streams = new ArrayList<>();
    private int at;

    @Setup(Level.Trial)
    public void setUp() {
      turns = new Turns<>(QUANTUM);
      Turns.Group<Stream> group = new Turns.Group<>();
      for (int i = 0; i < members; i++) {
        Stream stream = new Stream();
        streams.add(stream);
        turns.join(stream, group);
        turns.ready(stream);
      }
    }

    int sendNext() {
      Stream stream = turns.next();
      int bytes = Math.min(FRAME, turns.allowance(stream));
      turns.sent(stream, bytes);
      return bytes;
    }

    /** Any member, not just the one whose turn it is. */
    void pauseAndReady() {
      at = (at + 7) % streams.size();
      Stream stream = streams.get(at);
      turns.pause(stream);
      turns.ready(stream);
    }
  }

  /** A stream whose window need not grow any more. */
  @State(Scope.Thread)
  public static class Window {
    private long now;
    private long offset;
    private ReceiveWindow window;

    @Setup(Level.Trial)
    public void setUp() {
      CreditBudget budget = new CreditBudget(64L << 20);
      offset = 0;
      WindowSizes tunnel =
          new WindowSizes(CreditBudget.SMALLEST_WINDOW, CreditBudget.LARGEST_WINDOW);
      window = new ReceiveWindow(budget, tunnel, budget.reserveFirst(), now);
    }

    long arriveAndConsume(int bytes) {
      now += 10_000;
      String fault = window.arrived(offset, bytes, now);
      if (fault != null) {
        throw new IllegalStateException(fault);
      }
      offset += bytes;
      return window.consumed(bytes, now);
    }
  }

  @Benchmark
  public int turn(Busy busy) {
    return busy.sendNext();
  }

  @Benchmark
  public void pauseAndReady(Busy busy) {
    busy.pauseAndReady();
  }

  @Benchmark
  public long receiveWindow(Window window) {
    return window.arriveAndConsume(FRAME);
  }
}

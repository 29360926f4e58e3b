package dev.warren.protocol.sim;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Bulk over a road with a round trip of 100 ms, in virtual time. */
class LongRoadTest {
  private static final long MEGA = 1_000_000;
  private static final Duration RAMP = Duration.ofSeconds(3);

  private World world;
  private final List<Reader> readers = new ArrayList<>();

  private void road(long bytesPerSecond) {
    world = new World(new Road(50_000_000, 0, bytesPerSecond, 128 * 1024, 64 * 1024), 128L << 20);
    world.agent.answer =
        opening -> {
          Writer writer = new Writer();
          writer.stream = opening.accept(writer);
          writer.stream.opened(world.clock.now());
          writer.fill();
        };
    world.passes(Duration.ofSeconds(1));
  }

  private Reader download(boolean reads) {
    Reader reader = new Reader(reads);
    Frame.Open wish =
        new Frame.Open(
            0,
            new StreamId(1, readers.size()),
            Frame.Open.BYTES,
            "127.0.0.1:80",
            1_000,
            0,
            1,
            List.of(),
            0,
            "",
            "",
            "");
    reader.stream = world.origin.port.mux.open(wish, reader, world.clock.now());
    readers.add(reader);
    world.origin.pump();
    return reader;
  }

  @Test
  void oneStreamFillsItAfterARamp() {
    road(60 * MEGA);
    Reader reader = download(true);
    world.passes(RAMP);
    reader.received = 0;
    world.passes(Duration.ofSeconds(1));
    assertTrue(reader.received >= 40 * MEGA, reader.received + " bytes in a second");
    world.end();
  }

  @Test
  void aHundredStreamsShareItFairly() {
    road(10 * MEGA);
    for (int i = 0; i < 100; i++) {
      download(true);
    }
    world.passes(RAMP);
    readers.forEach(reader -> reader.received = 0);
    world.passes(Duration.ofSeconds(5));
    long least = readers.stream().mapToLong(reader -> reader.received).min().orElseThrow();
    long most = readers.stream().mapToLong(reader -> reader.received).max().orElseThrow();
    long all = readers.stream().mapToLong(reader -> reader.received).sum();
    assertTrue(most * 2 <= least * 3, "shares from " + least + " to " + most);
    assertTrue(all >= 45 * MEGA, all + " bytes in five seconds");
    world.end();
  }

  @Test
  void stoppedReadersDoNotSlowAnother() {
    road(10 * MEGA);
    Reader alone = download(true);
    world.passes(RAMP);
    alone.received = 0;
    world.passes(Duration.ofSeconds(2));
    long rateAlone = alone.received;
    for (int i = 0; i < 64; i++) {
      download(false);
    }
    world.passes(RAMP);
    alone.received = 0;
    world.passes(Duration.ofSeconds(2));
    assertTrue(
        alone.received >= rateAlone * 9 / 10, alone.received + " of " + rateAlone + " alone");
    world.end();
  }

  /** Reads all at once, or nothing. */
  private final class Reader extends End {
    private final boolean reads;
    private long received;

    Reader(boolean reads) {
      this.reads = reads;
    }

    @Override
    public void data(ByteBuf bytes) {
      int length = bytes.readableBytes();
      received += length;
      bytes.release();
      if (reads) {
        stream.consumed(length, world.clock.now());
      }
    }
  }

  /** Always has something to send. */
  private final class Writer extends End {
    private long written;

    void fill() {
      for (; written < 512 * 1024; written += 64 * 1024) {
        stream.write(Pattern.bytes(world.allocator, 0, 0, 64 * 1024));
      }
    }

    @Override
    public void sent(int bytes) {
      written -= bytes;
      fill();
    }
  }

  private abstract static class End implements StreamEnd {
    MuxStream stream;

    @Override
    public void opened() {}

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      throw new AssertionError("refused with " + code + ": " + detail);
    }

    @Override
    public void data(ByteBuf bytes) {
      throw new AssertionError("nobody sends this way");
    }

    @Override
    public void finished() {
      throw new AssertionError("nobody finishes");
    }

    @Override
    public void reset(FaultCode code, String detail) {
      // the end of the test
    }

    @Override
    public void sent(int bytes) {
      throw new AssertionError("nobody sends this way");
    }

    @Override
    public void burstEnded() {}
  }
}

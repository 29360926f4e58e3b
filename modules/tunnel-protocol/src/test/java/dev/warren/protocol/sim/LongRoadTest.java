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
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

/** Bulk over a road with a round trip of 100 ms, in virtual time. */
class LongRoadTest {
  private static final long MEGA = 1_000_000;
  private static final long ONE_WAY_NANOS = 50_000_000;
  private static final Duration RAMP = Duration.ofSeconds(3);

  /** Of a gateway with a heap of 256 MiB. */
  private static final long BUDGET = 48L << 20;

  /** Where the road is full, so much waits on it in the order in which it came. */
  private static final int ROOM = 16 << 20;

  private static final int SMALL_ROOM = 128 * 1024;
  private static final int CHUNK = 64 * 1024;
  private static final Road NEAR = new Road(50_000, 0, 400 * MEGA, SMALL_ROOM, CHUNK);

  private World world;
  private final List<End> readers = new ArrayList<>();

  private static Road far(long bytesPerSecond, int room) {
    return new Road(ONE_WAY_NANOS, 0, bytesPerSecond, room, CHUNK);
  }

  private void road(Road road) {
    roads(1, null, road);
  }

  private void roads(long seed, Road link, Road tunnel) {
    readers.clear();
    world = new World(seed, link, tunnel, BUDGET);
    world.agent.answer =
        opening -> {
          boolean down = opening.open().target().endsWith(":80");
          End end = down ? new Writer() : readers.get((int) opening.open().id().low());
          end.stream = opening.accept(end);
          end.stream.opened(world.clock.now());
          end.begin();
        };
    world.passes(Duration.ofSeconds(1));
  }

  private Reader download() {
    Reader reader = new Reader();
    readers.add(reader);
    open(reader, 80);
    return reader;
  }

  private Reader upload() {
    Reader reader = new Reader();
    readers.add(reader);
    open(new Writer(), 81);
    return reader;
  }

  private void open(End end, int port) {
    Frame.Open wish =
        new Frame.Open(
            0,
            new StreamId(1, readers.size() - 1),
            Frame.Open.BYTES,
            "127.0.0.1:" + port,
            1_000,
            0,
            2,
            List.of(),
            0,
            "",
            "",
            "");
    end.stream = world.origin.port.mux.open(wish, end, world.clock.now());
    world.origin.pump();
  }

  /** Lets time pass, and looks again and again whether budgets hold. */
  private void passes(Duration time) {
    for (int i = 0; i < 20; i++) {
      world.passes(time.dividedBy(20));
      assertTrue(world.origin.budget.used() <= BUDGET, "origin: " + world.origin.budget.used());
      assertTrue(world.agent.budget.used() <= BUDGET, "agent: " + world.agent.budget.used());
      if (world.relay != null) {
        world.relay.check();
      }
    }
  }

  /** What all together move in a second; before that a ramp. */
  private long rateAfter(Duration ramp, Duration measured) {
    passes(ramp);
    readers.forEach(reader -> reader.received = 0);
    passes(measured);
    return readers.stream().mapToLong(reader -> reader.received).sum()
        * 1_000
        / measured.toMillis();
  }

  private static long least(List<? extends End> ends, ToLongFunction<End> what) {
    return ends.stream().mapToLong(what).min().orElseThrow();
  }

  private void assertFair(List<? extends End> ends) {
    long least = least(ends, end -> end.received);
    long most = -least(ends, end -> -end.received);
    assertTrue(most * 2 <= least * 3, "shares from " + least + " to " + most);
  }

  // ---- one stream ----

  @Test
  void oneDownloadFillsItAfterARamp() {
    road(far(60 * MEGA, SMALL_ROOM));
    download();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 45 * MEGA, rate + " bytes in a second");
    world.end();
  }

  @Test
  void oneUploadFillsItAfterARamp() {
    road(far(60 * MEGA, ROOM));
    upload();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 45 * MEGA, rate + " bytes in a second");
    world.end();
  }

  @Test
  void oneDownloadFillsATunnelBehindARelay() {
    roads(1, NEAR, far(100 * MEGA, ROOM));
    download();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 40 * MEGA, rate + " bytes in a second");
    world.end();
  }

  @Test
  void oneUploadFillsATunnelBehindARelay() {
    roads(1, NEAR, far(60 * MEGA, ROOM));
    upload();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 40 * MEGA, rate + " bytes in a second");
    world.end();
  }

  @Test
  void oneUploadFillsALinkBeforeARelay() {
    roads(1, far(100 * MEGA, ROOM), NEAR);
    upload();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 40 * MEGA, rate + " bytes in a second");
    world.end();
  }

  // ---- a hundred ----

  @Test
  void aHundredStreamsShareItFairly() {
    for (Road road :
        List.of(far(10 * MEGA, SMALL_ROOM), far(40 * MEGA, ROOM), far(120 * MEGA, SMALL_ROOM))) {
      road(road);
      for (int i = 0; i < 100; i++) {
        download();
      }
      long rate = rateAfter(RAMP, Duration.ofSeconds(2));
      assertFair(readers);
      long expected = road.bytesPerSecond() * 9 / 10;
      assertTrue(rate >= expected, rate + " bytes in a second (expected: " + expected + ")");
      world.end();
    }
  }

  @Test
  void aHundredStreamsBehindARelayShareItFairly() {
    roads(1, NEAR, far(40 * MEGA, ROOM));
    for (int i = 0; i < 100; i++) {
      download();
    }
    long rate = rateAfter(RAMP, Duration.ofSeconds(2));
    assertFair(readers);
    assertTrue(rate >= 20 * MEGA, rate + " bytes in a second");
    world.end();
  }

  @Test
  void oneThatWasFirstSharesWithThoseThatComeAndHasAllAgainWhenTheyAreGone() {
    for (long seed = 1; seed <= 2; seed++) {
      roads(seed, null, far(60 * MEGA, seed == 1 ? ROOM : SMALL_ROOM));
      Reader first = download();
      long alone = rateAfter(RAMP, Duration.ofSeconds(1));
      assertTrue(alone >= 40 * MEGA, alone + " bytes in a second");
      for (int i = 1; i < 100; i++) {
        download();
      }
      rateAfter(Duration.ofSeconds(10), Duration.ofSeconds(2));
      assertFair(readers);
      for (End end : readers.subList(2, 100)) {
        end.stream.reset(FaultCode.CANCELLED, "enough");
      }
      world.origin.pump();
      rateAfter(RAMP, Duration.ofSeconds(1));
      // Windows double, so two that met from different sides may stay at one and two parts.
      long second = readers.get(1).received;
      assertTrue(Math.min(first.received, second) >= 14 * MEGA, first.received + ", " + second);
      world.end();
    }
  }

  @Test
  void noStreamStarvesWhileHundredsShareTheBudget() {
    road(far(40 * MEGA, ROOM));
    for (int i = 0; i < 600; i++) {
      download();
    }
    rateAfter(RAMP, Duration.ofSeconds(3));
    long least = least(readers, end -> end.received);
    assertTrue(least > 0, "a stream got " + least + " bytes in three seconds");
    world.end();
  }

  // ---- readers that stop ----

  @Test
  void stoppedReadersDoNotSlowAnother() {
    road(far(10 * MEGA, SMALL_ROOM));
    Reader alone = download();
    long rateAlone = rateAfter(RAMP, Duration.ofSeconds(2));
    for (int i = 0; i < 64; i++) {
      download().reads = false;
    }
    rateAfter(RAMP, Duration.ofSeconds(2));
    long rate = alone.received / 2;
    assertTrue(rate >= rateAlone * 9 / 10, rate + " of " + rateAlone + " alone");
    world.end();
  }

  /** What they were promised they keep; of what is left there is enough for the next one. */
  @Test
  void readersThatStopWithLargeWindowsLeaveGrowthToAnother() {
    road(far(60 * MEGA, SMALL_ROOM));
    List<Reader> stopping = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      stopping.add(download());
    }
    passes(RAMP);
    stopping.forEach(reader -> reader.reads = false);
    passes(Duration.ofSeconds(1));
    readers.clear();
    download();
    long rate = rateAfter(RAMP, Duration.ofSeconds(1));
    assertTrue(rate >= 40 * MEGA, rate + " bytes in a second");
    world.end();
  }

  /** Reads all at once, or nothing. */
  private final class Reader extends End {
    private boolean reads = true;

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

    @Override
    public void opened() {
      begin();
    }

    @Override
    void begin() {
      for (; written < 512 * 1024; written += CHUNK) {
        stream.write(Pattern.bytes(world.allocator, 0, 0, CHUNK));
      }
    }

    @Override
    public void reset(FaultCode code, String detail) {
      written = Long.MAX_VALUE / 2; // no more
    }

    @Override
    public void sent(int bytes) {
      written -= bytes;
      begin();
    }
  }

  private abstract static class End implements StreamEnd {
    MuxStream stream;
    long received;

    /** Its stream was accepted. */
    void begin() {}

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

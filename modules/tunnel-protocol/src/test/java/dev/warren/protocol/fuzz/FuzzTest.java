package dev.warren.protocol.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import dev.warren.protocol.relay.Relay;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Whatever arrives, it ends in an event or in a fault that has a code; memory stays bounded and
 * comes back. {@code -Dwarren.fuzz.seconds=N} gives each decoder N seconds, {@code
 * -Dwarren.fuzz.seed=N} runs one input alone: the one that a failure names.
 */
class FuzzTest {
  private static final int SECONDS = Integer.getInteger("warren.fuzz.seconds", 2);
  private static final Long ONE = Long.getLong("warren.fuzz.seed");
  private static final long MOST_MEMORY = 8L << 20;
  private static final MuxSettings SETTINGS =
      new MuxSettings(
          new Frame.Limits(32 * 1024, 16, 8),
          Duration.ofSeconds(4),
          Duration.ofSeconds(15),
          32 * 1024);

  private interface Input {
    void run(SplittableRandom random, UnpooledByteBufAllocator allocator);
  }

  private static void fuzz(String name, Input input) {
    long end = System.nanoTime() + SECONDS * 1_000_000_000L;
    long seed = ONE == null ? 0 : ONE;
    UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false, true);
    do {
      try {
        input.run(new SplittableRandom(seed), allocator);
        assertEquals(0, allocator.metric().usedHeapMemory(), "bytes not released");
        assertEquals(0, allocator.metric().usedDirectMemory(), "bytes not released");
      } catch (Throwable e) {
        throw new AssertionError(
            name + ", seed " + seed + " (again: -Dwarren.fuzz.seed=" + seed + "): " + e, e);
      }
      seed++;
    } while (ONE == null && System.nanoTime() < end);
    if (SECONDS > 10) {
      System.out.println("fuzz " + name + ": " + seed + " inputs in " + SECONDS + " s");
    }
  }

  /** Feeds bytes in chunks of any size. */
  private static void feed(
      byte[] bytes,
      SplittableRandom random,
      UnpooledByteBufAllocator allocator,
      java.util.function.Consumer<ByteBuf> consumer) {
    int largest = random.nextInt(3) == 0 ? 5 : 2_000;
    for (int at = 0; at < bytes.length; ) {
      int length = Math.min(bytes.length - at, 1 + random.nextInt(largest));
      ByteBuf chunk = allocator.buffer(length).writeBytes(bytes, at, length);
      consumer.accept(chunk);
      chunk.release();
      at += length;
      long used = allocator.metric().usedHeapMemory();
      assertTrue(used <= MOST_MEMORY, used + " bytes in use");
    }
  }

  // ---- the reader and the codec ----

  @Test
  void readerAndCodec() {
    fuzz("reader", FuzzTest::read);
  }

  private static void read(SplittableRandom random, UnpooledByteBufAllocator allocator) {
    byte[] bytes = new Mutations(random).conversation(random.nextBoolean());
    FrameReader reader = new FrameReader(32 * 1024);
    FrameReader.Sink sink =
        new FrameReader.Sink() {
          @Override
          public void data(long stream, long offset, ByteBuf payload) {
            payload.release();
          }

          @Override
          public void frame(long stream, ByteBuf header, ByteBuf payload) throws ProtocolException {
            Frame frame = FrameCodec.decode(stream, header, payload);
            Frame known = FrameCodec.decodeKnown(stream, header, payload);
            if (frame instanceof Frame.Data data) {
              data.bytes().release();
            }
            if (known instanceof Frame.Data data) {
              data.bytes().release();
            }
          }
        };
    boolean[] over = {false};
    feed(
        bytes,
        random,
        allocator,
        chunk -> {
          try {
            if (!over[0]) {
              reader.feed(chunk, sink);
            }
          } catch (ProtocolException e) {
            assertTrue(e.getMessage().length() < 4_096, "the text is bounded");
            over[0] = true;
          }
          assertTrue(reader.heldBytes() <= 12 + 64 * 1024);
        });
    reader.close();
  }

  // ---- the Mux, in whatever state ----

  @Test
  void muxInEachState() {
    fuzz("mux", FuzzTest::mux);
  }

  private static void mux(SplittableRandom random, UnpooledByteBufAllocator allocator) {
    Mutations mutations = new Mutations(random);
    CreditBudget budget = new CreditBudget(1L << (14 + random.nextInt(12)));
    Owner owner = new Owner(random, allocator);
    boolean dialled = random.nextBoolean();
    owner.mux = new Mux(dialled ? Mux.Side.DIALLED : Mux.Side.ACCEPTED, SETTINGS, budget, owner, 0);
    Output output = new Output(allocator);
    int state = random.nextInt(4);
    if (dialled && state > 0) {
      owner.mux.start(Mutations.hello());
    }
    if (state > 1) {
      ByteBuf greeting = allocator.buffer();
      FrameCodec.write(greeting, dialled ? Mutations.welcome() : Mutations.hello());
      owner.mux.received(greeting, 0);
      greeting.release();
      for (int i = random.nextInt(4); i > 0; i--) {
        owner.opens();
      }
    }
    if (state > 2) {
      drain(owner.mux, output, 0);
    }
    byte[] bytes = state > 1 ? mutations.frames() : mutations.conversation(!dialled);
    long[] now = {0};
    feed(
        bytes,
        random,
        allocator,
        chunk -> {
          now[0] += random.nextLong(1_000_000_000L);
          owner.mux.received(chunk, now[0]);
          assertEquals(0, chunk.readableBytes());
          owner.mux.burstEnded();
          owner.acts(now[0]);
          if (random.nextBoolean()) {
            drain(owner.mux, output, now[0]);
          }
          if (random.nextInt(8) == 0) {
            owner.mux.tick(now[0]);
          }
          assertTrue(budget.used() <= budget.capacity());
          assertTrue(owner.mux.streams() <= 16 + 100);
        });
    drain(owner.mux, output, now[0]);
    owner.mux.lost("the end", now[0]);
    owner.discards();
    assertEquals(1, owner.ends, "the owner was told the end once");
    assertEquals(0, owner.mux.streams());
    assertEquals(0, budget.used());
    output.buffer.release();
  }

  // ---- the relay ----

  @Test
  void relay() {
    fuzz("relay", FuzzTest::relayed);
  }

  private static void relayed(SplittableRandom random, UnpooledByteBufAllocator allocator) {
    Mutations mutations = new Mutations(random);
    RelayBudget budget = RelayBudget.ofNode(10_000L + random.nextInt(1 << 20));
    CreditBudget none = new CreditBudget(CreditBudget.SMALLEST_WINDOW);
    List<Relay> relays = new ArrayList<>();
    Owner link = new Owner(random, allocator);
    Owner tunnel = new Owner(random, allocator);
    link.mux = new Mux(Mux.Side.ACCEPTED, SETTINGS, none, link, 0);
    tunnel.mux = new Mux(Mux.Side.ACCEPTED, SETTINGS, none, tunnel, 0);
    link.answer =
        opening -> {
          Relay relay = Relay.begin(opening, tunnel.mux, budget, () -> 0);
          if (relay != null) {
            relays.add(relay);
          }
        };
    for (Owner owner : List.of(link, tunnel)) {
      ByteBuf hello = allocator.buffer();
      FrameCodec.write(hello, Mutations.hello());
      owner.mux.received(hello, 0);
      hello.release();
    }
    Output output = new Output(allocator);
    for (int round = 0; round < 4; round++) {
      Owner owner = round % 2 == 0 ? link : tunnel;
      feed(
          mutations.frames(),
          random,
          allocator,
          chunk -> {
            owner.mux.received(chunk, 0);
            owner.mux.burstEnded();
            if (random.nextInt(3) == 0) {
              drain(tunnel.mux, output, 0);
              drain(link.mux, output, 0);
            }
            long reserved = 0;
            for (Relay relay : relays) {
              assertTrue(relay.heldBytes() <= relay.reservedBytes());
              reserved += relay.reservedBytes();
            }
            assertEquals(reserved, budget.used());
            assertTrue(reserved <= budget.capacity());
          });
    }
    tunnel.mux.lost("the end", 0);
    drain(link.mux, output, 0);
    link.mux.lost("the end", 0);
    assertEquals(0, budget.used());
    assertEquals(0, link.mux.streams() + tunnel.mux.streams());
    output.buffer.release();
  }

  private static void drain(Mux mux, Output output, long now) {
    for (int i = 0; i < 100_000 && mux.writeNext(output, now); i++) {
      output.buffer.clear();
    }
    assertEquals(false, mux.writeNext(output, now), "it comes to an end");
    output.buffer.clear();
  }

  private static final class Output implements FrameOutput {
    private final ByteBuf buffer;

    Output(UnpooledByteBufAllocator allocator) {
      buffer = allocator.buffer();
    }

    @Override
    public ByteBuf small() {
      return buffer;
    }

    @Override
    public void payload(ByteBuf bytes) {
      bytes.release();
    }
  }

  /** Whoever owns the Mux: answers, writes, consumes and resets at random. */
  private static final class Owner implements MuxEvents {
    private final SplittableRandom random;
    private final UnpooledByteBufAllocator allocator;
    private final List<End> streams = new ArrayList<>();
    private java.util.function.Consumer<Opening> answer = this::accept;
    private Mux mux;
    private int ends;

    Owner(SplittableRandom random, UnpooledByteBufAllocator allocator) {
      this.random = random;
      this.allocator = allocator;
    }

    void opens() {
      End end = new End();
      Frame.Open wish =
          new Frame.Open(
              0,
              new dev.warren.protocol.StreamId(3, 4),
              0,
              "127.0.0.1:80",
              100,
              0,
              1,
              List.of(),
              0,
              "",
              "",
              "");
      end.stream = mux.open(wish, end, 0);
      if (end.stream != null) {
        streams.add(end);
      }
    }

    private void accept(Opening opening) {
      if (random.nextInt(6) == 0) {
        opening.refuse(FaultCode.FORBIDDEN, "fuzz");
        return;
      }
      End end = new End();
      end.stream = opening.accept(end);
      streams.add(end);
    }

    void acts(long now) {
      for (End end : streams) {
        switch (random.nextInt(12)) {
          case 0, 1 -> end.stream.opened(now);
          case 2 -> end.stream.refuse(FaultCode.TARGET_REFUSED, "fuzz");
          case 3, 4 -> {
            int length = random.nextInt(3_000);
            end.stream.write(allocator.buffer(Math.max(1, length)).writeZero(length));
          }
          case 5 -> end.stream.finish();
          case 6 -> end.stream.reset(FaultCode.CANCELLED, "fuzz");
          case 7, 8 -> {
            end.stream.consumed(end.unconsumed, now);
            end.unconsumed = 0;
          }
          default -> {}
        }
      }
    }

    void discards() {
      for (End end : streams) {
        end.stream.reset(FaultCode.CANCELLED, "fuzz");
      }
    }

    @Override
    public void hello(Frame.Hello hello) {
      if (random.nextInt(10) == 0 && answer != null && !streams.isEmpty()) {
        mux.goAway(FaultCode.UNAUTHORIZED, "fuzz", 0);
      } else {
        mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "fuzz");
      }
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {}

    @Override
    public void opening(Opening opening) {
      answer.accept(opening);
    }

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void peering(Frame.Peering peering) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      ends++;
    }
  }

  private static final class End implements StreamEnd {
    private MuxStream stream;
    private int unconsumed;
    private boolean last;

    private void told() {
      assertEquals(false, last, "told after the last word");
    }

    @Override
    public void opened() {
      told();
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      told();
      last = true;
    }

    @Override
    public void data(ByteBuf bytes) {
      told();
      unconsumed += bytes.readableBytes();
      bytes.release();
    }

    @Override
    public void finished() {
      told();
    }

    @Override
    public void reset(FaultCode code, String detail) {
      told();
      last = true;
    }

    @Override
    public void sent(int bytes) {
      told();
    }

    @Override
    public void burstEnded() {}
  }
}

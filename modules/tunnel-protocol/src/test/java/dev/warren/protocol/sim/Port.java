package dev.warren.protocol.sim;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.testing.Account;
import dev.warren.protocol.testing.ByteSink;
import dev.warren.protocol.testing.FrameParser;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.Map;

/**
 * One end of a connection: a Mux, what a channel would do for it, and somebody who reads every
 * frame that goes in or out and keeps the account.
 */
final class Port implements MuxEvents {
  /** A header of a kind that nobody knows yet, marked optional. */
  private static final byte[] NEWER = {15 << 3, 1, (byte) 0xa0, 1, 7};

  /** A field that nobody knows yet, to be put behind a header. */
  private static final byte[] ADDITION = {(byte) 0xa0, 1, 7};

  /** Since when a stream could have sent its first byte. */
  private record First(long emitted, int streams) {}

  final World world;
  final Station station;
  final Mux mux;
  final int side;
  final MuxSettings settings;
  private final Account account;
  private final ByteSink sink;
  private final FrameParser leaving = new FrameParser();
  private final FrameParser arriving = new FrameParser();
  private final Map<Long, First> firsts = new HashMap<>();
  private ByteBuf newer; // what goes out in place of the frame that was written
  private Pipe out;
  private Pipe in;
  private long emitted; // payload bytes
  private int mostStreams;
  private boolean closed;
  String endedWith;

  Port(
      World world,
      Station station,
      Mux.Side side,
      MuxSettings settings,
      CreditBudget budget,
      Account account) {
    this.world = world;
    this.station = station;
    this.side = side == Mux.Side.DIALLED ? 0 : 1;
    this.settings = settings;
    this.account = account;
    this.mux = new Mux(side, settings, budget, this, world.clock.now());
    this.sink = new ByteSink(world.allocator);
  }

  void connect(Pipe outgoing, Pipe incoming) {
    out = outgoing;
    in = incoming;
    if (side == 0) {
      mux.start(World.HELLO);
    }
    tick();
    station.pump();
  }

  private void tick() {
    if (!closed && !mux.isOver()) {
      mux.tick(world.clock.now());
      station.pump();
      world.clock.after(mux.heartbeatIntervalNanos() / 2, this::tick);
    }
  }

  // ---- what goes out ----

  /** Writes what the transport has room for. */
  void pump() {
    while (!closed && out != null && out.isWritable() && mux.writeNext(sink, world.clock.now())) {
      mostStreams = Math.max(mostStreams, mux.streams());
      ByteBuf written = sink.bytes();
      leaving.feed(written.duplicate(), this::leaves);
      if (leaving.heldBytes() > 0) {
        throw new AssertionError("a part of a frame was written");
      }
      if (newer == null) {
        out.write(written);
      } else {
        out.write(newer);
        newer.release();
        newer = null;
      }
      sink.clear();
    }
  }

  private void leaves(Frame frame) {
    account.left(side, frame);
    if (frame instanceof Frame.Data data) {
      int length = data.bytes().readableBytes();
      First first = firsts.remove(data.stream());
      if (first != null) {
        long before = emitted - first.emitted();
        long most = (long) Math.max(mostStreams, first.streams()) * settings.quantum();
        if (before > most) {
          throw new AssertionError(
              "stream "
                  + data.stream()
                  + " waited for "
                  + before
                  + " bytes of others (expected: at most "
                  + most
                  + ")");
        }
      }
      emitted += length;
      if (world.newer && station.isEnd()) {
        addSomethingNewer(data);
      }
      data.bytes().release();
    }
  }

  /** Now and then what a newer version might send: another kind of frame, another field. */
  private void addSomethingNewer(Frame.Data data) {
    int chance = world.random.nextInt(6);
    if (chance == 0) {
      int payload = world.random.nextInt(500);
      newer = world.allocator.buffer().writeBytes(sink.bytes().duplicate());
      FrameCodec.writeRaw(newer, data.stream(), Unpooled.wrappedBuffer(NEWER), payload);
      newer.writeZero(payload);
    } else if (chance == 1) {
      newer = world.allocator.buffer();
      ByteBuf header = Unpooled.wrappedBuffer(FrameCodec.headerBytes(data), ADDITION);
      FrameCodec.writeRaw(newer, data.stream(), header, data.bytes().readableBytes());
      newer.writeBytes(data.bytes(), data.bytes().readerIndex(), data.bytes().readableBytes());
    }
  }

  /** The stream's first bytes were written, and it has credit. */
  void firstBytes(long stream) {
    if (account.limit(side, stream) > 0 && account.sent(side, stream) == 0) {
      firsts.putIfAbsent(stream, new First(emitted, mux.streams()));
    }
  }

  // ---- what comes in ----

  void arrives(ByteBuf chunk) {
    if (closed) {
      return;
    }
    arriving.feed(
        chunk.duplicate(),
        frame -> {
          account.arrived(side, frame);
          if (frame instanceof Frame.Data data) {
            data.bytes().release();
          }
        });
    mux.received(chunk, world.clock.now());
    mux.burstEnded();
    station.pump();
  }

  /** The connection is lost: this side notices now. */
  void lose() {
    if (closed) {
      return;
    }
    mux.lost("the network is gone", world.clock.now());
    close();
    station.pump();
  }

  void close() {
    if (closed) {
      return;
    }
    closed = true;
    out.cut();
    in.cut();
    leaving.close();
    arriving.close();
    sink.close();
  }

  long told(long stream) {
    return account.told(1 - side, stream);
  }

  // ---- what the Mux tells ----

  @Override
  public void hello(Frame.Hello hello) {
    world.clock.after(
        world.random.nextLong(3_000_000),
        () -> {
          mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "sim");
          station.ready(this);
          station.pump();
        });
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    station.ready(this);
  }

  @Override
  public void opening(Opening opening) {
    station.opening(this, opening);
  }

  @Override
  public void drain(Frame.Drain drain) {
    // the station asks cannotOpen
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    // nothing to do
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    endedWith = code + ": " + detail;
    world.ended(this, code, detail, byPeer);
  }
}

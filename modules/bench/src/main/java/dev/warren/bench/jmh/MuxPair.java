package dev.warren.bench.jmh;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.List;

/** A gateway's and an agent's {@link Mux}, and the wire between them. */
final class MuxPair implements AutoCloseable {
  private static final long BUDGET_BYTES = 64L << 20;

  /** Long enough for a round trip to be over, short enough for no heartbeat to be missed. */
  private static final long STEP_NANOS = 1_000;

  private final Mux gateway =
      new Mux(
          Mux.Side.ACCEPTED, MuxSettings.DEFAULT, new CreditBudget(BUDGET_BYTES), new Events(), 0);
  private final Mux agent =
      new Mux(
          Mux.Side.DIALLED, MuxSettings.DEFAULT, new CreditBudget(BUDGET_BYTES), new Events(), 0);
  private final Wire wire = new Wire();
  private long now;
  private End lastAccepted;

  MuxPair() {
    agent.start(
        new Frame.Hello(
            1,
            1,
            List.of(),
            "bench",
            StreamId.random(),
            1,
            MuxSettings.DEFAULT.limits(),
            (int) MuxSettings.DEFAULT.heartbeat().toMillis(),
            Frame.Rank.NONE,
            "bench",
            new byte[0]));
    exchange();
    if (!gateway.isRunning() || !agent.isRunning()) {
      throw new IllegalStateException("the handshake failed");
    }
  }

  /** Opens a stream from the gateway; the agent's end accepts it at once. */
  End open(Frame.Open wish) {
    End end = new End();
    end.stream = gateway.open(wish, end, now);
    exchange();
    return end;
  }

  /** The agent's end of the stream that was opened last. */
  End lastAccepted() {
    return lastAccepted;
  }

  /** Carries what both have to say, until neither has. */
  void exchange() {
    boolean moved;
    do {
      moved = carry(gateway, agent);
      moved |= carry(agent, gateway);
    } while (moved);
  }

  private boolean carry(Mux from, Mux to) {
    now += STEP_NANOS;
    boolean moved = false;
    while (from.writeNext(wire, now)) {
      moved = true;
    }
    if (moved) {
      to.received(wire.bytes, now);
      to.burstEnded();
      wire.bytes.clear();
    }
    return moved;
  }

  @Override
  public void close() {
    gateway.lost("the benchmark is over", now);
    agent.lost("the benchmark is over", now);
    wire.bytes.release();
  }

  private static final class Wire implements FrameOutput {
    private final ByteBuf bytes = ByteBufAllocator.DEFAULT.directBuffer(1 << 20);

    @Override
    public ByteBuf small() {
      return bytes;
    }

    @Override
    public void payload(ByteBuf payload) {
      bytes.writeBytes(payload, payload.readerIndex(), payload.readableBytes());
      payload.release();
    }
  }

  /** One end of a stream: consumes at once what it is given. */
  final class End implements StreamEnd {
    private MuxStream stream;
    private long received;

    void write(ByteBuf bytes) {
      stream.write(bytes.retainedDuplicate());
    }

    void finish() {
      stream.finish();
    }

    boolean isOver() {
      return stream.isOver();
    }

    long received() {
      return received;
    }

    @Override
    public void opened() {
      // it may write from now on; what it writes waits for that anyway
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      throw new IllegalStateException(code + ": " + detail);
    }

    @Override
    public void data(ByteBuf bytes) {
      int length = bytes.readableBytes();
      received += length;
      bytes.release();
      stream.consumed(length, now);
    }

    @Override
    public void finished() {
      // the benchmark finishes both sides
    }

    @Override
    public void reset(FaultCode code, String detail) {
      // at the end of the benchmark
    }

    @Override
    public void sent(int bytes) {
      // nothing waits for room
    }

    @Override
    public void burstEnded() {
      // nothing is flushed
    }
  }

  private final class Events implements MuxEvents {
    @Override
    public void hello(Frame.Hello hello) {
      gateway.welcome("bench", hello.session(), Frame.Rank.NONE, "bench");
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {
      // exchange() ends the handshake
    }

    @Override
    public void opening(Opening opening) {
      End end = new End();
      end.stream = opening.accept(end);
      end.stream.opened(now);
      lastAccepted = end;
    }

    @Override
    public void drain(Frame.Drain drain) {
      throw new IllegalStateException("DRAIN");
    }

    @Override
    public void discovery(Frame.Discovery discovery) {
      throw new IllegalStateException("DISCOVERY");
    }

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      if (code != FaultCode.TUNNEL_LOST) {
        throw new IllegalStateException(code + ": " + detail);
      }
    }
  }
}

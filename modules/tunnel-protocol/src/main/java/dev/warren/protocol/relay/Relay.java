package dev.warren.protocol.relay;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.RawEnd;
import dev.warren.protocol.mux.RawPort;
import dev.warren.protocol.mux.RawStream;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.function.LongSupplier;

/**
 * One stream on its way through a gateway, from the connection where OPEN arrived to the one that
 * leads on. Numbers are mapped, credit is clamped, hops are counted; all else passes as it came,
 * frames and fields that we do not know included. All calls come from the thread of the connection
 * that leads on; where the other one runs elsewhere, {@link #beginAcross} is for it.
 */
public final class Relay {
  /** What a frame that waits whole is charged beside its bytes. */
  public static final int FRAME_COST = 256;

  /** The last frame of a stream is passed as it came up to this length, else without additions. */
  private static final int MAX_LAST_HEADER_BYTES = 4 * 1_024;

  private static final Runnable NOBODY = () -> {};

  private final Side origin;
  private final Side agent;
  private final RelayGauge gauge;
  private final LongSupplier clock;
  private final RelayWindow towardsAgent;
  private final RelayWindow towardsOrigin;
  private RawStream agentStream;
  private boolean answered;
  private boolean over;
  private long measured; // what the gauge knows of what is held

  private Relay(RelayBudget budget, LongSupplier clock, Runnable flushOrigin, Runnable flushAgent) {
    gauge = budget.gauge();
    this.clock = clock;
    origin = new Side(flushOrigin);
    agent = new Side(flushAgent);
    towardsAgent = new RelayWindow(budget, clock.getAsLong());
    towardsOrigin = new RelayWindow(budget, clock.getAsLong());
    origin.arriving = towardsAgent;
    agent.arriving = towardsOrigin;
    origin.other = agent;
    agent.other = origin;
  }

  /**
   * Answers {@code opening}: passes it on over {@code next}, or refuses it where no hop is left,
   * where {@code next} takes no stream, or where the budget is used up.
   *
   * @param clock nanoseconds; only differences matter
   * @return the relay, or null where it was refused
   */
  public static Relay begin(Opening opening, Mux next, RelayBudget budget, LongSupplier clock) {
    return begin(opening, next, budget, clock, NOBODY, NOBODY);
  }

  /**
   * As above, and tells when it is time to send.
   *
   * @param flushOrigin run when something for the origin's connection was caused elsewhere than by
   *     its own events, once for all that one read caused
   * @param flushAgent the same for the connection that leads on
   */
  public static Relay begin(
      Opening opening,
      Mux next,
      RelayBudget budget,
      LongSupplier clock,
      Runnable flushOrigin,
      Runnable flushAgent) {
    Frame.Refused refused = refusal(opening.open(), next, budget);
    if (refused != null) {
      opening.refuse(refused.code(), refused.detail());
      return null;
    }
    Relay relay = new Relay(budget, clock, flushOrigin, flushAgent);
    relay.origin.stream = opening.relay(relay.origin);
    relay.start(opening.open(), opening.header(), next);
    return relay;
  }

  /**
   * As {@link #begin}, where the connection of {@code opening} runs on another thread: its stream
   * was taken there already.
   *
   * @param header of OPEN as it stood on the wire; lent
   * @param origin leads back to the origin's connection; what comes from there is told to {@link
   *     #origin} and {@link #originCredit}, on the thread of {@code next}
   * @return the relay, or null where it was refused over {@code origin}
   */
  public static Relay beginAcross(
      Frame.Open open,
      ByteBuf header,
      RawPort origin,
      Mux next,
      RelayBudget budget,
      LongSupplier clock,
      Runnable flushOrigin,
      Runnable flushAgent) {
    Frame.Refused refused = refusal(open, next, budget);
    if (refused != null) {
      origin.sendFirst(Unpooled.wrappedBuffer(FrameCodec.headerBytes(refused)));
      origin.close();
      return null;
    }
    Relay relay = new Relay(budget, clock, flushOrigin, flushAgent);
    relay.origin.stream = origin;
    relay.start(open, header, next);
    return relay;
  }

  /** Why the stream cannot pass; or null, and then what it takes at least is reserved. */
  private static Frame.Refused refusal(Frame.Open open, Mux next, RelayBudget budget) {
    if (open.hopsLeft() < 1) {
      return new Frame.Refused(
          open.stream(), FaultCode.NOT_HERE, "no hop is left, and the session is not here", 0);
    }
    FaultCode why = next.cannotOpen();
    if (why != null) {
      return new Frame.Refused(open.stream(), why, "the tunnel takes no new stream now", 0);
    }
    if (!budget.tryReserve(2L * RelayBudget.PER_DIRECTION)) {
      return new Frame.Refused(
          open.stream(),
          FaultCode.OVERLOADED,
          "the relay budget of " + budget.capacity() + " bytes is used up",
          0);
    }
    return null;
  }

  private void start(Frame.Open open, ByteBuf header, Mux next) {
    gauge.began();
    agentStream = next.openRaw(agent, open.session());
    agent.stream = agentStream;
    towardsOrigin.allowed(0, open.credit(), clock.getAsLong());
    agent.stream.sendFirst(
        Unpooled.wrappedBuffer(FrameCodec.passedOpen(header, towardsOrigin.told())));
  }

  /** Takes what the origin's connection tells, where that runs on another thread. */
  public RawEnd origin() {
    return origin;
  }

  /** CREDIT came from the origin: of several the largest numbers count. */
  public void originCredit(long received, long limit) {
    if (!over) {
      origin.credit(received, limit);
    }
  }

  /** What it holds now, in both directions (bytes). */
  public long heldBytes() {
    return over ? 0 : towardsAgent.held() + towardsOrigin.held();
  }

  /** What the budget holds for it (bytes); {@link #heldBytes} never exceeds it. */
  public long reservedBytes() {
    return towardsAgent.reserved() + towardsOrigin.reserved();
  }

  public boolean isOver() {
    return over;
  }

  /** Gives the stream up on both sides. */
  public void reset(FaultCode code, String detail) {
    if (over) {
      return;
    }
    origin.breakOff(code, detail, answered);
    agent.breakOff(code, detail, true);
    end();
    origin.flush.run();
    agent.flush.run();
  }

  /** Both sides have finished, and what waited for its turn has gone out. */
  private void endIfDone() {
    boolean finished = origin.finished && agent.finished;
    if (finished && towardsAgent.held() + towardsOrigin.held() == 0) {
      end();
    }
  }

  private void measure() {
    long held = heldBytes();
    if (held != measured) {
      gauge.holds(held - measured);
      measured = held;
    }
  }

  private void end() {
    over = true;
    measure();
    gauge.ended();
    towardsAgent.close();
    towardsOrigin.close();
    origin.stream.close();
    agent.stream.close();
  }

  /** One of the two connections. */
  private final class Side implements RawEnd {
    private final Runnable flush;
    private RawPort stream;
    private Side other;
    private RelayWindow arriving;
    private boolean finished; // FINISH arrived here

    private Side(Runnable flush) {
      this.flush = flush;
    }

    @Override
    public void data(long offset, ByteBuf bytes) {
      if (counts(offset, bytes.readableBytes())) {
        other.stream.sendData(offset, bytes);
        measure();
      } else {
        bytes.release();
      }
    }

    /** Counts payload in; a sender beyond what it was told costs itself the stream. */
    private boolean counts(long offset, int length) {
      if (over) {
        return false;
      }
      String fault =
          finished || !answered
              ? "DATA out of order"
              : arriving.arrived(offset, length, clock.getAsLong());
      if (fault != null) {
        reset(FaultCode.FLOW_CONTROL, fault);
      }
      return fault == null;
    }

    @Override
    public void frame(ByteBuf header, ByteBuf payload) {
      if (over) {
        return;
      }
      Frame frame;
      try {
        frame = FrameCodec.decodeKnown(stream.number(), header, payload);
      } catch (ProtocolException e) {
        reset(FaultCode.STREAM_PROTOCOL, e.getMessage());
        return;
      }
      if (frame == null) {
        passWhole(-1, header, payload);
      } else if (frame instanceof Frame.Credit credit) {
        credit(credit.received(), credit.limit());
      } else if (frame instanceof Frame.Data data) {
        passData(data, header, payload);
      } else if (frame instanceof Frame.Opened opened && this == agent && !answered) {
        answered = true;
        agentStream.markAnswered();
        towardsAgent.allowed(0, opened.credit(), clock.getAsLong());
        long told = towardsAgent.told();
        origin.stream.sendOpened(
            Unpooled.wrappedBuffer(FrameCodec.passedOpened(header, told)), told);
      } else if (frame instanceof Frame.Refused && this == agent && !answered) {
        origin.stream.sendFirst(last(frame, header));
        end();
      } else if (frame instanceof Frame.Reset) {
        other.stream.dropWaiting();
        other.stream.sendFirst(last(frame, header));
        end();
      } else if (frame instanceof Frame.Finish && answered && !finished) {
        finished = true;
        passWhole(-1, header, payload); // in the order of the payload
      } else {
        reset(FaultCode.STREAM_PROTOCOL, frame.getClass().getSimpleName() + " out of order");
      }
    }

    /** DATA with fields that a newer peer added: it passes whole. */
    private void passData(Frame.Data data, ByteBuf header, ByteBuf payload) {
      data.bytes().release();
      if (counts(data.offset(), payload.readableBytes())) {
        passWhole(data.offset(), header, payload);
      }
    }

    /**
     * Passes a frame as it came, in the order of the payload. It has no credit of its own, so it is
     * charged to the budget.
     */
    private void passWhole(long offset, ByteBuf header, ByteBuf payload) {
      int length = header.readableBytes() + payload.readableBytes();
      if (payload.readableBytes() > other.stream.maxPayloadBytes()) {
        reset(
            FaultCode.UNSUPPORTED,
            "a frame with additions and "
                + payload.readableBytes()
                + " bytes of payload (limit of the next connection: "
                + other.stream.maxPayloadBytes()
                + ")");
      } else if (!arriving.holdWhole(FRAME_COST + length, finished)) {
        reset(FaultCode.OVERLOADED, "too many frames with additions wait on one stream");
      } else {
        other.stream.sendWhole(
            offset, Unpooled.copiedBuffer(header, payload), length - payload.readableBytes());
        measure();
      }
    }

    private static ByteBuf last(Frame frame, ByteBuf header) {
      return header.readableBytes() <= MAX_LAST_HEADER_BYTES
          ? header.copy()
          : Unpooled.wrappedBuffer(FrameCodec.headerBytes(frame));
    }

    @Override
    public void sent(long offset) {
      if (!over) {
        boolean told = tell(other.arriving.sent(offset, clock.getAsLong()));
        measure();
        endIfDone();
        if (told || over) {
          other.flush.run();
        }
      }
    }

    @Override
    public void sentWhole(int bytes) {
      if (!over) {
        other.arriving.sentWhole(FRAME_COST + bytes);
        measure();
        endIfDone();
        if (over) {
          other.flush.run();
        }
      }
    }

    private void credit(long received, long limit) {
      tell(other.arriving.allowed(received, limit, clock.getAsLong()));
    }

    /** Tells the far side of the other connection its new limit; -1: there is none. */
    private boolean tell(long limit) {
      if (limit >= 0) {
        other.stream.sendCredit(other.arriving.endReceived(), limit);
      }
      return limit >= 0;
    }

    @Override
    public void lost(FaultCode code, String detail) {
      if (over || (finished && other.finished && other.arriving.held() == 0)) {
        return; // all that was meant for the lost side has gone out; the rest goes the other way
      }
      boolean unanswered = this == agent && !answered;
      other.breakOff(unanswered ? FaultCode.LINK_LOST : FaultCode.TUNNEL_LOST, detail, !unanswered);
      end();
      other.flush.run();
    }

    private void breakOff(FaultCode code, String detail, boolean byReset) {
      stream.dropWaiting();
      Frame last =
          byReset
              ? new Frame.Reset(stream.number(), code, detail, 0)
              : new Frame.Refused(stream.number(), code, detail, 0);
      stream.sendFirst(Unpooled.wrappedBuffer(FrameCodec.headerBytes(last)));
    }

    @Override
    public void burstEnded() {
      other.flush.run();
    }
  }
}

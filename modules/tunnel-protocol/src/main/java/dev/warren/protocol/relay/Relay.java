package dev.warren.protocol.relay;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.RawEnd;
import dev.warren.protocol.mux.RawStream;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * One stream on its way through a gateway, from the connection where OPEN arrived to the one that
 * leads on. Numbers are mapped, credit is clamped, hops are counted; all else passes as it came,
 * frames and fields that we do not know included. Both connections run on one thread.
 */
public final class Relay {
  /** What a frame that waits whole costs beside its bytes. */
  private static final int FRAME_COST = 256;

  /** The last frame of a stream is passed as it came up to this length, else without additions. */
  private static final int MAX_LAST_HEADER_BYTES = 4 * 1_024;

  private final Side origin = new Side();
  private final Side agent = new Side();
  private final RelayWindow towardsAgent;
  private final RelayWindow towardsOrigin;
  private boolean answered;
  private boolean over;

  private Relay(RelayBudget budget) {
    towardsAgent = new RelayWindow(budget);
    towardsOrigin = new RelayWindow(budget);
    origin.arriving = towardsAgent;
    agent.arriving = towardsOrigin;
    origin.other = agent;
    agent.other = origin;
  }

  /**
   * Answers {@code opening}: passes it on over {@code next}, or refuses it where no hop is left,
   * where {@code next} takes no stream, or where the budget is used up.
   *
   * @return the relay, or null where it was refused
   */
  public static Relay begin(Opening opening, Mux next, RelayBudget budget) {
    Frame.Open open = opening.open();
    if (open.hopsLeft() < 1) {
      opening.refuse(FaultCode.NOT_HERE, "no hop is left, and the session is not here");
      return null;
    }
    FaultCode why = next.cannotOpen();
    if (why != null) {
      opening.refuse(why, "the tunnel takes no new stream now");
      return null;
    }
    if (!budget.tryReserve(2L * RelayBudget.PER_DIRECTION)) {
      opening.refuse(
          FaultCode.OVERLOADED, "the relay budget of " + budget.capacity() + " bytes is used up");
      return null;
    }
    Relay relay = new Relay(budget);
    relay.origin.stream = opening.relay(relay.origin);
    relay.agent.stream = next.openRaw(relay.agent, open.session());
    relay.towardsOrigin.allowed(0, open.credit());
    relay.agent.stream.sendFirst(
        Unpooled.wrappedBuffer(
            FrameCodec.passedOpen(opening.header(), relay.towardsOrigin.told())));
    return relay;
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
  }

  /** Both sides have finished, and what waited for its turn has gone out. */
  private void endIfDone() {
    boolean finished = origin.finished && agent.finished;
    if (finished && towardsAgent.held() + towardsOrigin.held() == 0) {
      end();
    }
  }

  private void end() {
    over = true;
    towardsAgent.close();
    towardsOrigin.close();
    origin.stream.close();
    agent.stream.close();
  }

  /** One of the two connections. */
  private final class Side implements RawEnd {
    private RawStream stream;
    private Side other;
    private RelayWindow arriving;
    private boolean finished; // FINISH arrived here

    @Override
    public void data(long offset, ByteBuf bytes) {
      if (counts(offset, bytes.readableBytes())) {
        other.stream.sendData(offset, bytes);
      } else {
        bytes.release();
      }
    }

    /** Counts payload in; a sender beyond what it was told costs itself the stream. */
    private boolean counts(long offset, int length) {
      if (over) {
        return false;
      }
      String fault = finished || !answered ? "DATA out of order" : arriving.arrived(offset, length);
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
        tell(other.arriving.allowed(credit.received(), credit.limit()));
      } else if (frame instanceof Frame.Data data) {
        passData(data, header, payload);
      } else if (frame instanceof Frame.Opened opened && this == agent && !answered) {
        answered = true;
        stream.markAnswered();
        towardsAgent.allowed(0, opened.credit());
        origin.stream.markAnswered();
        origin.stream.sendFirst(
            Unpooled.wrappedBuffer(FrameCodec.passedOpened(header, towardsAgent.told())));
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
        tell(other.arriving.sent(offset));
        endIfDone();
      }
    }

    @Override
    public void sentWhole(int bytes) {
      if (!over) {
        other.arriving.sentWhole(FRAME_COST + bytes);
        endIfDone();
      }
    }

    /** Tells the far side of the other connection its new limit; -1: there is none. */
    private void tell(long limit) {
      if (limit >= 0) {
        other.stream.sendCredit(other.arriving.endReceived(), limit);
      }
    }

    @Override
    public void lost(FaultCode code, String detail) {
      if (over || (finished && other.finished && other.arriving.held() == 0)) {
        return; // all that was meant for the lost side has gone out; the rest goes the other way
      }
      boolean unanswered = this == agent && !answered;
      other.breakOff(unanswered ? FaultCode.LINK_LOST : FaultCode.TUNNEL_LOST, detail, !unanswered);
      end();
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
      // What was passed on is fetched by the other connection's own flush.
    }
  }
}

package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.RawEnd;
import dev.warren.protocol.mux.RawPort;
import dev.warren.protocol.mux.RawStream;
import dev.warren.protocol.relay.Relay;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * Passes a stream that arrived on one connection on over another: a {@link Relay} on the event loop
 * of the connection that leads on. Where the first one runs on the same loop, nothing is handed
 * over. Otherwise two queues lie between, one for each way, with one hand-over for all that one
 * read caused.
 *
 * <p>What waits in the queues lies within what the relay has reserved: a sender is held to its
 * credit before its bytes are handed over, and a relay counts them as held until the other
 * connection has really sent them.
 */
public final class RelayBridge {
  private final TunnelHandler from;
  private final TunnelHandler next;
  private final RelayBudget budget;
  private final Handover arrivals; // from the origin's loop to the relay's
  private final Handover departures; // and back

  // On the origin's loop only.
  private final OriginEnd originEnd = new OriginEnd();
  private RawStream stream;

  // On the loop of the connection that leads on only.
  private Frame.Open open; // null once the relay was begun
  private ByteBuf openHeader;
  private Relay relay; // null where it was refused

  private RelayBridge(TunnelHandler from, TunnelHandler next, RelayBudget budget) {
    this.from = from;
    this.next = next;
    this.budget = budget;
    this.arrivals = new Handover(next.eventLoop(), this::takeArrivals, this::forgo);
    this.departures = new Handover(from.eventLoop(), this::takeDepartures, Handover.Item::release);
  }

  /**
   * Answers {@code opening}: passes the stream on over {@code next}, or refuses it. To be called on
   * the event loop of {@code from}, while its Mux tells of the opening. How many are open, and what
   * they hold, the budget's gauge says.
   *
   * @param next the connection that leads on, on whichever event loop
   * @param budget of {@code next}
   */
  public static void begin(
      Opening opening, TunnelHandler from, TunnelHandler next, RelayBudget budget) {
    if (from.eventLoop() == next.eventLoop()) {
      Relay.begin(opening, next.mux(), budget, System::nanoTime, from::sendSoon, next::sendSoon);
      next.sendSoon();
      return;
    }
    RelayBridge bridge = new RelayBridge(from, next, budget);
    bridge.open = opening.open();
    bridge.openHeader = Unpooled.copiedBuffer(opening.header());
    bridge.stream = opening.relay(bridge.originEnd);
    bridge.arrivals.tell();
  }

  // ---- on the loop of the connection that leads on ----

  private void takeArrivals() {
    Handover.Batch batch = arrivals.take();
    if (open != null) {
      relay =
          Relay.beginAcross(
              open,
              openHeader,
              new OriginPort(stream.number(), stream.maxPayloadBytes()),
              next.mux(),
              budget,
              System::nanoTime,
              departures::tell,
              next::sendSoon);
      open = null;
      openHeader = null;
    }
    if (relay == null) {
      batch.items.forEach(this::forgo);
    } else {
      take(batch);
    }
    next.sendSoon();
    departures.tell();
  }

  private void take(Handover.Batch batch) {
    RawEnd end = relay.origin();
    if (batch.sentTo >= 0) {
      end.sent(batch.sentTo);
    }
    for (int bytes : batch.sentWhole) {
      end.sentWhole(bytes);
    }
    if (batch.creditLimit >= 0) {
      relay.originCredit(batch.creditReceived, batch.creditLimit);
    }
    for (Handover.Item item : batch.items) {
      if (item instanceof Handover.Data data) {
        budget.gauge().holds(-data.bytes().readableBytes());
        end.data(data.offset(), data.bytes());
      } else if (item instanceof Handover.Whole whole) {
        paidBack(whole);
        ByteBuf bytes = whole.bytes();
        end.frame(bytes.readSlice(whole.headerBytes()), bytes.slice());
        bytes.release();
      } else if (item instanceof Handover.First last) { // FINISH or RESET
        end.frame(last.header(), Unpooled.EMPTY_BUFFER);
        last.release();
      } else if (item instanceof Handover.Fault fault) {
        relay.reset(fault.code(), fault.detail());
      } else if (item instanceof Handover.Lost lost) {
        end.lost(lost.code(), lost.detail());
      } else {
        throw new IllegalStateException("no arrival: " + item);
      }
    }
  }

  /** Gives back what nobody takes. */
  private void forgo(Handover.Item item) {
    if (item instanceof Handover.Data data) {
      budget.gauge().holds(-data.bytes().readableBytes());
    } else if (item instanceof Handover.Whole whole) {
      paidBack(whole);
    }
    item.release();
  }

  private void paidBack(Handover.Whole whole) {
    int bytes = whole.bytes().readableBytes() + Relay.FRAME_COST;
    budget.gauge().holds(-bytes);
    budget.release(bytes);
  }

  /** Stands for the origin's stream at the relay. */
  private final class OriginPort implements RawPort {
    private final long number;
    private final int maxPayloadBytes;

    OriginPort(long number, int maxPayloadBytes) {
      this.number = number;
      this.maxPayloadBytes = maxPayloadBytes;
    }

    @Override
    public void sendFirst(ByteBuf header) {
      departures.add(new Handover.First(header));
    }

    @Override
    public void sendOpened(ByteBuf header, long credit) {
      departures.add(new Handover.Opened(header, credit));
    }

    @Override
    public void sendCredit(long received, long limit) {
      departures.credit(received, limit);
    }

    @Override
    public void sendData(long offset, ByteBuf bytes) {
      departures.data(offset, bytes);
    }

    @Override
    public void sendWhole(long offset, ByteBuf headerAndPayload, int headerBytes) {
      departures.add(new Handover.Whole(offset, headerAndPayload, headerBytes));
    }

    @Override
    public void dropWaiting() {
      departures.drop();
    }

    /** The relay is over: what is still on its way to it is of no use, and not paid for. */
    @Override
    public void close() {
      arrivals.stop();
      departures.add(new Handover.Close());
    }

    @Override
    public int maxPayloadBytes() {
      return maxPayloadBytes;
    }

    @Override
    public long number() {
      return number;
    }
  }

  // ---- on the origin's loop ----

  private void takeDepartures() {
    Handover.Batch batch = departures.take();
    for (Handover.Item item : batch.items) {
      if (item instanceof Handover.Data data) {
        stream.sendData(data.offset(), data.bytes());
      } else if (item instanceof Handover.Whole whole) {
        stream.sendWhole(whole.offset(), whole.bytes(), whole.headerBytes());
      } else if (item instanceof Handover.Opened opened) {
        originEnd.told = opened.credit();
        stream.sendOpened(opened.header(), opened.credit());
      } else if (item instanceof Handover.First first) {
        stream.sendFirst(first.header());
      } else if (item instanceof Handover.Drop) {
        stream.dropWaiting();
      } else if (item instanceof Handover.Close) {
        originEnd.closed = true;
        stream.close();
      } else {
        throw new IllegalStateException("no departure: " + item);
      }
    }
    if (batch.creditLimit >= 0) {
      originEnd.told = Math.max(originEnd.told, batch.creditLimit);
      stream.sendCredit(batch.creditReceived, batch.creditLimit);
    }
    from.sendSoon();
  }

  /** Hears what the origin sends, and holds it to its credit before anything is handed over. */
  private final class OriginEnd implements RawEnd {
    private long arrived;
    private long told;
    private boolean finished;
    private boolean closed; // the relay is over, or what more comes is dropped

    @Override
    public void data(long offset, ByteBuf bytes) {
      int length = bytes.readableBytes();
      if (counts(offset, length)) {
        budget.gauge().holds(length);
        arrivals.data(offset, bytes);
      } else {
        bytes.release();
      }
    }

    private boolean counts(long offset, int length) {
      if (closed) {
        return false;
      }
      if (finished || offset != arrived || length > told - arrived) {
        breach(
            FaultCode.FLOW_CONTROL,
            finished
                ? "DATA out of order"
                : length
                    + " bytes at offset "
                    + offset
                    + " (expected: at "
                    + arrived
                    + ", limit: "
                    + told
                    + ")");
        return false;
      }
      arrived += length;
      return true;
    }

    private void breach(FaultCode code, String detail) {
      closed = true;
      arrivals.add(new Handover.Fault(code, detail));
    }

    @Override
    public void frame(ByteBuf header, ByteBuf payload) {
      if (closed) {
        return;
      }
      Frame frame;
      try {
        frame = FrameCodec.decodeKnown(stream.number(), header, payload);
      } catch (ProtocolException e) {
        breach(FaultCode.STREAM_PROTOCOL, e.getMessage());
        return;
      }
      if (frame instanceof Frame.Credit credit) {
        arrivals.credit(credit.received(), credit.limit());
      } else if (frame instanceof Frame.Data data) {
        data.bytes().release();
        if (counts(data.offset(), payload.readableBytes())) {
          whole(header, payload);
        }
      } else if (frame == null) {
        whole(header, payload);
      } else if (frame instanceof Frame.Finish && !finished) {
        finished = true;
        arrivals.add(new Handover.First(Unpooled.copiedBuffer(header)));
      } else if (frame instanceof Frame.Reset) {
        closed = true;
        arrivals.add(new Handover.First(Unpooled.copiedBuffer(header)));
      } else {
        breach(FaultCode.STREAM_PROTOCOL, frame.getClass().getSimpleName() + " out of order");
      }
    }

    /** It has no credit of its own, so it is charged to the budget until the relay takes it. */
    private void whole(ByteBuf header, ByteBuf payload) {
      int bytes = header.readableBytes() + payload.readableBytes() + Relay.FRAME_COST;
      if (!budget.tryReserve(bytes)) {
        breach(FaultCode.OVERLOADED, "too many frames with additions wait to be relayed");
        return;
      }
      budget.gauge().holds(bytes);
      arrivals.add(
          new Handover.Whole(-1, Unpooled.copiedBuffer(header, payload), header.readableBytes()));
    }

    @Override
    public void sent(long offset) {
      if (!closed) {
        arrivals.sent(offset);
        arrivals.tell();
      }
    }

    @Override
    public void sentWhole(int bytes) {
      if (!closed) {
        arrivals.sentWhole(bytes);
        arrivals.tell();
      }
    }

    @Override
    public void lost(FaultCode code, String detail) {
      closed = true;
      arrivals.add(new Handover.Lost(code, detail));
      arrivals.tell();
    }

    @Override
    public void burstEnded() {
      arrivals.tell();
    }
  }
}

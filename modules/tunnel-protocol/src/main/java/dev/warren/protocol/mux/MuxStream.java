package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.flow.ReceiveWindow;
import dev.warren.protocol.flow.SendWindow;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;

/**
 * Our end of one stream (PROTOCOL.md, section 4). All calls come from the thread of its {@link
 * Mux}, and none is answered later than its return.
 *
 * <pre>
 * pending -opened-> open -FINISH both ways-> over
 * pending -refused-> over;  pending or open -RESET either way-> over
 * </pre>
 */
public final class MuxStream extends Lane {
  private final StreamEnd end;
  private final Frame.Open open;
  private final ArrayDeque<ByteBuf> queue = new ArrayDeque<>();
  private final SendWindow send;
  private final long openedSince;
  private ReceiveWindow receive; // null while a stream that the far side opened is pending

  private boolean finishAsked;
  private boolean finishSent;
  private boolean finishReceived;
  private boolean over;
  private int justSent;

  // Control frames that are due, each at most once.
  private boolean openDue;
  private boolean openedDue;
  private boolean creditDue;
  private Frame lastWord; // REFUSED or RESET

  /** A stream that we open. */
  MuxStream(Mux mux, Frame.Open open, StreamEnd end, ReceiveWindow receive, long now) {
    super(mux, open.stream(), true);
    this.open = open;
    this.end = end;
    this.receive = receive;
    this.send = new SendWindow(0);
    this.openedSince = now;
    this.openDue = true;
  }

  /** A stream that the far side opens. */
  MuxStream(Mux mux, Frame.Open open, StreamEnd end, long now) {
    super(mux, open.stream(), false);
    this.open = open;
    this.end = end;
    this.send = new SendWindow(open.credit());
    this.openedSince = now;
  }

  // ---- what our end may do ----

  /** What the stream was opened with. */
  public Frame.Open open() {
    return open;
  }

  /**
   * Our side's answer to OPEN: the target accepted. Says whether it still matters (the stream may
   * be gone).
   */
  public boolean opened(long now) {
    if (over || local || !pending) {
      return false;
    }
    int first = mux.budget().reserveFirst();
    if (first == 0) {
      refuse(
          FaultCode.OVERLOADED,
          "the credit budget of " + mux.budget().capacity() + " bytes is used up");
      return false;
    }
    receive = new ReceiveWindow(mux.budget(), mux.windows(), first, now);
    openedDue = true;
    answered();
    controlDue();
    return true;
  }

  /** Our side's answer to OPEN: no. */
  public void refuse(FaultCode code, String detail) {
    refuse(code, detail, 0);
  }

  /**
   * Our side's answer to OPEN: no.
   *
   * @param retryAfterMillis when a new try makes sense; 0 where nothing is known
   */
  public void refuse(FaultCode code, String detail, int retryAfterMillis) {
    if (over || local || !pending) {
      return;
    }
    lastWord = new Frame.Refused(number, code, detail, retryAfterMillis);
    answered();
    over();
    controlDue();
  }

  /**
   * Sends bytes when credit and turns allow; they become the stream's, which releases them and may
   * write over them (masking happens in place). they are dropped.
   */
  public void write(ByteBuf bytes) {
    if (over || finishAsked || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    queue.addLast(bytes);
    turn();
  }

  /** No more will be written: FINISH goes out behind what was. */
  public void finish() {
    if (!over && !finishAsked) {
      finishAsked = true;
      turn();
    }
  }

  /**
   * Breaks the stream, or takes its OPEN back. The end hears nothing more, and what it has not
   * consumed counts as thrown away.
   */
  public void reset(FaultCode code, String detail) {
    if (over) {
      if (receive != null) {
        receive.abandon(); // what arrived before both sides finished
      }
      return;
    }
    if (pending && !local) {
      refuse(code, detail);
      return;
    }
    if (openDue) { // the far side never heard of it
      openDue = false;
      answered();
      over();
      mux.forget(this);
      return;
    }
    lastWord = new Frame.Reset(number, code, detail, send.sent());
    answered();
    over();
    controlDue();
  }

  /** So many bytes that arrived have left our memory. */
  public void consumed(int bytes, long now) {
    if (bytes > 0 && receive.consumed(bytes, now) >= 0 && !over) {
      creditDue = true;
      controlDue();
    }
  }

  /** Whether neither direction carries anything any more. */
  public boolean isOver() {
    return over;
  }

  /** Bytes sent so far. */
  public long sentBytes() {
    return send.sent();
  }

  /** Bytes received so far. */
  public long receivedBytes() {
    return receive == null ? 0 : receive.received();
  }

  /** Whether bytes wait only because the far side gave no credit. */
  public boolean waitsForCredit() {
    return !queue.isEmpty() && !send.isOpen();
  }

  // ---- what arrives ----

  @Override
  void data(long offset, ByteBuf bytes) {
    if (over) {
      bytes.release();
      return;
    }
    int length = bytes.readableBytes();
    String fault;
    FaultCode code = FaultCode.STREAM_PROTOCOL;
    if (pending) {
      fault = "DATA before OPENED";
    } else if (finishReceived) {
      fault = "DATA after FINISH";
    } else {
      fault = receive.arrived(offset, length, mux.now());
      code = FaultCode.FLOW_CONTROL;
    }
    if (fault != null) {
      bytes.release();
      broken(code, fault);
      return;
    }
    if (length == 0) {
      bytes.release();
      return;
    }
    touched();
    end.data(bytes);
  }

  @Override
  void frame(ByteBuf header, ByteBuf payload) throws ProtocolException {
    Frame frame = FrameCodec.decode(number, header, payload);
    if (frame instanceof Frame.Data data) { // with fields that a newer peer added
      data(data.offset(), data.bytes());
    } else if (over || frame instanceof Frame.Skipped) {
      return;
    } else if (frame instanceof Frame.Credit credit) {
      if (send.raiseTo(credit.limit())) {
        turn();
      }
    } else if (frame instanceof Frame.Finish finish) {
      finished(finish);
    } else if (frame instanceof Frame.Reset reset) {
      gone();
      end.reset(reset.code(), reset.detail());
    } else if (frame instanceof Frame.Opened opened && local && pending) {
      answered();
      send.raiseTo(opened.credit());
      receive.sawRoundTrip(mux.now() - openedSince);
      receive.startRound(mux.now());
      turn(); // for what was written while it was pending
      touched();
      end.opened();
    } else if (frame instanceof Frame.Refused refused && local && pending) {
      gone();
      end.refused(refused.code(), refused.detail(), refused.retryAfterMillis());
    } else {
      broken(FaultCode.STREAM_PROTOCOL, frame.getClass().getSimpleName() + " out of order");
    }
  }

  private void finished(Frame.Finish finish) {
    if (pending || finishReceived || finish.offset() != receive.received()) {
      broken(
          FaultCode.STREAM_PROTOCOL,
          pending || finishReceived
              ? "FINISH out of order"
              : "FINISH at offset " + finish.offset() + " (expected: " + receive.received() + ")");
      return;
    }
    finishReceived = true;
    creditDue = false;
    receive.end();
    touched();
    end.finished();
    endIfBothFinished();
  }

  /** The far end broke a rule that concerns this stream alone. */
  private void broken(FaultCode code, String detail) {
    reset(code, detail);
    end.reset(code, detail);
  }

  @Override
  void lost(FaultCode code, String detail) {
    if (over) {
      return;
    }
    boolean unanswered = pending && local;
    pending = false;
    over();
    if (unanswered) {
      end.refused(FaultCode.LINK_LOST, detail, 0);
    } else {
      end.reset(FaultCode.TUNNEL_LOST, detail);
    }
  }

  @Override
  void burstEnded() {
    end.burstEnded();
  }

  // ---- what goes out ----

  @Override
  void writeControl(FrameOutput out) {
    if (openDue) {
      openDue = false;
      FrameCodec.write(out.small(), open);
    }
    if (openedDue) {
      openedDue = false;
      FrameCodec.write(out.small(), new Frame.Opened(number, receive.limit()));
      turn();
    }
    if (lastWord != null) {
      FrameCodec.write(out.small(), lastWord);
      lastWord = null;
      mux.forget(this);
    } else if (creditDue && !over) {
      creditDue = false;
      FrameCodec.write(out.small(), new Frame.Credit(number, receive.received(), receive.limit()));
    }
  }

  @Override
  boolean hasTurn() {
    return !over
        && !pending
        && !openedDue
        && (queue.isEmpty() ? finishAsked && !finishSent : send.isOpen());
  }

  @Override
  int writeInTurn(FrameOutput out, int allowance) {
    if (queue.isEmpty()) {
      finishSent = true;
      FrameCodec.write(out.small(), new Frame.Finish(number, send.sent()));
      return 1;
    }
    int most = send.room(Math.min(allowance, mux.peerMaxDataBytes()));
    int length = 0;
    for (ByteBuf bytes : queue) {
      length += bytes.readableBytes();
      if (length >= most) {
        length = most;
        break;
      }
    }
    FrameCodec.writeData(out.small(), number, send.sent(), length);
    send.spend(length);
    for (int left = length; left > 0; ) {
      ByteBuf bytes = queue.peekFirst();
      int part = bytes.readableBytes();
      if (part <= left) {
        queue.removeFirst();
        out.payload(bytes);
        left -= part;
      } else {
        out.payload(bytes.readRetainedSlice(left));
        left = 0;
      }
    }
    justSent += length;
    return length;
  }

  @Override
  void wroteInTurn() {
    endIfBothFinished();
    if (justSent > 0) {
      int bytes = justSent;
      justSent = 0;
      end.sent(bytes);
    }
  }

  private void turn() {
    if (hasTurn()) {
      mux.turnDue(this);
    }
  }

  private void endIfBothFinished() {
    if (finishSent && finishReceived && !over) {
      over = true;
      mux.forget(this);
    }
  }

  private void gone() {
    answered();
    over();
    mux.forget(this);
  }

  /** Nothing more goes either way; what waited is given back. */
  private void over() {
    over = true;
    openDue = false;
    openedDue = false;
    while (!queue.isEmpty()) {
      queue.removeFirst().release();
    }
    if (receive != null) {
      receive.abandon();
    }
    mux.turnOver(this);
  }

  /** What the node's budget holds for this stream (bytes), for tests and status. */
  public long reservedBytes() {
    return receive == null ? 0 : receive.reserved();
  }

  /**
   * The size the receive window aims at now (bytes), at most {@link CreditBudget#LARGEST_WINDOW}.
   */
  public int windowBytes() {
    return receive == null ? 0 : receive.window();
  }
}

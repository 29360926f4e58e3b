package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;

/**
 * One side of a way through: frames go out with this connection's stream number and are otherwise
 * untouched (PROTOCOL.md, section 10). It knows no credit; who uses it never gives it more than a
 * relay's window.
 */
public final class RawStream extends Lane {
  /** Frames without payload that may wait at once; whoever exceeds it gets the stream reset. */
  public static final int MAX_WAITING_FRAMES = 64;

  /**
   * What waits for its turn. With {@code headerBytes} 0: payload at {@code offset}. Otherwise a
   * header of so many bytes and behind it its payload; the offset counts where it is DATA and is -1
   * where not.
   */
  private record Waiting(long offset, ByteBuf bytes, int headerBytes) {
    int payloadBytes() {
      return bytes.readableBytes() - headerBytes;
    }
  }

  private final RawEnd end;
  private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
  private final ArrayDeque<ByteBuf> urgent = new ArrayDeque<>();
  private int waitingFrames;
  private long creditReceived;
  private long creditLimit = -1; // below 0: no CREDIT is due
  private long sentTo = -1;
  private boolean closing;
  private boolean over;

  RawStream(Mux mux, long number, boolean local, RawEnd end) {
    super(mux, number, local);
    this.end = end;
  }

  /**
   * Sends a frame ahead of all payload: OPEN, OPENED, REFUSED, RESET. The header becomes the
   * stream's.
   */
  public void sendFirst(ByteBuf header) {
    if (over) {
      header.release();
      return;
    }
    urgent.addLast(header);
    controlDue();
  }

  /** Sends CREDIT; of several that wait only the last goes out. */
  public void sendCredit(long received, long limit) {
    if (!over) {
      creditReceived = received;
      creditLimit = limit;
      controlDue();
    }
  }

  /** Sends payload behind what was given before; the bytes become the stream's. */
  public void sendData(long offset, ByteBuf bytes) {
    if (over) {
      bytes.release();
      return;
    }
    queue.addLast(new Waiting(offset, bytes, 0));
    mux.turnDue(this);
  }

  /** Sends DATA with a header in its wire form; both become the stream's. */
  public void sendWhole(long offset, ByteBuf headerAndPayload, int headerBytes) {
    if (over) {
      headerAndPayload.release();
      return;
    }
    queue.addLast(new Waiting(offset, headerAndPayload, headerBytes));
    mux.turnDue(this);
  }

  /**
   * Sends another frame behind what was given before. Says whether there was room. The buffer
   * becomes the stream's.
   */
  public boolean sendBehind(ByteBuf headerAndPayload, int payloadBytes) {
    if (over || waitingFrames >= MAX_WAITING_FRAMES) {
      headerAndPayload.release();
      return over;
    }
    waitingFrames++;
    queue.addLast(
        new Waiting(-1, headerAndPayload, headerAndPayload.readableBytes() - payloadBytes));
    mux.turnDue(this);
    return true;
  }

  /** Drops what waits for its turn: a RESET overtakes it. */
  public void dropWaiting() {
    while (!queue.isEmpty()) {
      queue.removeFirst().bytes().release();
    }
    waitingFrames = 0;
    mux.turnOver(this);
  }

  /** Its number on this connection. */
  public long number() {
    return number;
  }

  /** OPENED or REFUSED has passed. */
  public void markAnswered() {
    answered();
  }

  /**
   * Forgets the stream once all that was given has gone out. Frames that still arrive for it are
   * dropped.
   */
  public void close() {
    closing = true;
    forgetIfDone();
  }

  @Override
  void data(long offset, ByteBuf bytes) {
    if (closing) {
      bytes.release();
    } else {
      touched();
      end.data(offset, bytes);
    }
  }

  @Override
  void frame(ByteBuf header, ByteBuf payload) {
    if (!closing) {
      touched();
      end.frame(header, payload);
    }
  }

  @Override
  void writeControl(FrameOutput out) {
    while (!urgent.isEmpty()) {
      ByteBuf header = urgent.removeFirst();
      FrameCodec.writeRaw(out.small(), number, header, 0);
      header.release();
    }
    if (creditLimit >= 0 && !closing) {
      FrameCodec.write(out.small(), new Frame.Credit(number, creditReceived, creditLimit));
    }
    creditLimit = -1;
    forgetIfDone();
  }

  @Override
  boolean hasTurn() {
    return !over && !queue.isEmpty();
  }

  @Override
  int writeInTurn(FrameOutput out, int allowance) {
    Waiting first = queue.removeFirst();
    ByteBuf bytes = first.bytes();
    if (first.headerBytes() > 0) {
      return writeWhole(first, out);
    }
    int length = Math.min(Math.min(allowance, mux.peerMaxDataBytes()), bytes.readableBytes());
    FrameCodec.writeData(out.small(), number, first.offset(), length);
    if (length < bytes.readableBytes()) {
      out.payload(bytes.readRetainedSlice(length));
      queue.addFirst(new Waiting(first.offset() + length, bytes, 0));
    } else {
      out.payload(bytes);
    }
    sentTo = first.offset() + length;
    return Math.max(1, length);
  }

  private int writeWhole(Waiting whole, FrameOutput out) {
    int payloadBytes = whole.payloadBytes();
    FrameCodec.writeRaw(
        out.small(), number, whole.bytes().readSlice(whole.headerBytes()), payloadBytes);
    out.payload(whole.bytes());
    if (whole.offset() < 0) {
      waitingFrames--;
    } else {
      sentTo = whole.offset() + payloadBytes;
    }
    return Math.max(1, payloadBytes);
  }

  @Override
  void wroteInTurn() {
    forgetIfDone();
    if (sentTo >= 0) {
      long offset = sentTo;
      sentTo = -1;
      end.sent(offset);
    }
  }

  @Override
  void lost(FaultCode code, String detail) {
    boolean told = closing;
    over = true;
    closing = true;
    pending = false;
    dropWaiting();
    while (!urgent.isEmpty()) {
      urgent.removeFirst().release();
    }
    if (!told) {
      end.lost(code, detail);
    }
  }

  @Override
  void burstEnded() {
    end.burstEnded();
  }

  private void forgetIfDone() {
    if (closing && !over && queue.isEmpty() && urgent.isEmpty()) {
      over = true;
      answered();
      mux.forget(this);
    }
  }
}

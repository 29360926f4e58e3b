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
public final class RawStream extends Lane implements RawPort {
  /** Payload up to this length is copied behind what waits already (bytes). */
  static final int SMALL_PIECE_BYTES = 1_024;

  /** Copied pieces are gathered up to this length (bytes). */
  static final int GATHERED_BYTES = 8 * 1_024;

  /**
   * What waits for its turn. With {@code headerBytes} 0: payload at {@code offset}. Otherwise a
   * header of so many bytes and behind it its payload; the offset counts where it is DATA and is -1
   * where not.
   */
  private record Waiting(long offset, ByteBuf bytes, int headerBytes, boolean gathers) {
    int payloadBytes() {
      return bytes.readableBytes() - headerBytes;
    }
  }

  private final RawEnd end;
  private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
  private final ArrayDeque<ByteBuf> urgent = new ArrayDeque<>();
  private long creditReceived;
  private long creditLimit = -1; // below 0: no CREDIT is due
  private long sentTo = -1;
  private int sentWhole;
  private boolean closing;
  private boolean over;

  RawStream(Mux mux, long number, boolean local, RawEnd end) {
    super(mux, number, local);
    this.end = end;
  }

  @Override
  public void sendFirst(ByteBuf header) {
    if (over) {
      header.release();
      return;
    }
    urgent.addLast(header);
    controlDue();
  }

  @Override
  public void sendOpened(ByteBuf header, long credit) {
    answered();
    sendFirst(header);
  }

  @Override
  public void sendCredit(long received, long limit) {
    if (!over) {
      creditReceived = received;
      creditLimit = limit;
      controlDue();
    }
  }

  /**
   * {@inheritDoc} Small pieces are gathered: otherwise a sender of single bytes would make us keep
   * a hundred times what its credit says.
   */
  @Override
  public void sendData(long offset, ByteBuf bytes) {
    if (over || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    int length = bytes.readableBytes();
    if (length > SMALL_PIECE_BYTES) {
      queue.addLast(new Waiting(offset, bytes, 0, false));
    } else {
      gather(offset, bytes, length);
    }
    mux.turnDue(this);
  }

  private void gather(long offset, ByteBuf bytes, int length) {
    Waiting last = queue.peekLast();
    if (last != null
        && last.gathers()
        && last.bytes().readableBytes() + length <= GATHERED_BYTES
        && last.offset() + last.bytes().readableBytes() == offset) {
      last.bytes().writeBytes(bytes, bytes.readerIndex(), length);
    } else {
      ByteBuf gathered = bytes.alloc().buffer(length, GATHERED_BYTES * 2);
      gathered.writeBytes(bytes, bytes.readerIndex(), length);
      queue.addLast(new Waiting(offset, gathered, 0, true));
    }
    bytes.release();
  }

  @Override
  public int maxPayloadBytes() {
    return mux.peerMaxDataBytes();
  }

  @Override
  public void sendWhole(long offset, ByteBuf headerAndPayload, int headerBytes) {
    if (over) {
      headerAndPayload.release();
      return;
    }
    queue.addLast(new Waiting(offset, headerAndPayload, headerBytes, false));
    mux.turnDue(this);
  }

  @Override
  public void dropWaiting() {
    while (!queue.isEmpty()) {
      queue.removeFirst().bytes().release();
    }
    mux.turnOver(this);
  }

  @Override
  public long number() {
    return number;
  }

  /** OPENED or REFUSED has passed. */
  public void markAnswered() {
    answered();
  }

  /** {@inheritDoc} Frames that still arrive for it are dropped. */
  @Override
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
      // No longer gathering: the slice that went out shares the buffer.
      queue.addFirst(new Waiting(first.offset() + length, bytes, 0, false));
    } else {
      out.payload(bytes);
    }
    sentTo = first.offset() + length;
    return Math.max(1, length);
  }

  private int writeWhole(Waiting whole, FrameOutput out) {
    int payloadBytes = whole.payloadBytes();
    sentWhole += whole.bytes().readableBytes();
    FrameCodec.writeRaw(
        out.small(), number, whole.bytes().readSlice(whole.headerBytes()), payloadBytes);
    out.payload(whole.bytes());
    if (whole.offset() >= 0) {
      sentTo = whole.offset() + payloadBytes;
    }
    return whole.headerBytes() + payloadBytes;
  }

  @Override
  void wroteInTurn() {
    forgetIfDone();
    if (sentTo >= 0) {
      long offset = sentTo;
      sentTo = -1;
      end.sent(offset);
    }
    if (sentWhole > 0) {
      int bytes = sentWhole;
      sentWhole = 0;
      end.sentWhole(bytes);
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

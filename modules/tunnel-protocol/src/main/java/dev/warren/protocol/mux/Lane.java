package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.Turns;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;

/**
 * What a stream number of one connection stands for: an end ({@link MuxStream}) or a way through
 * ({@link RawStream}).
 */
abstract class Lane extends Turns.Member<Lane> {
  final Mux mux;
  final long number;

  /** Whether our side sent OPEN. */
  final boolean local;

  /** Whether OPENED or REFUSED is still to come, from whichever side. */
  boolean pending = true;

  /** With whom it shares its turns; null: with all streams that name no session. */
  Mux.SessionTurns sessionTurns;

  private boolean controlQueued;
  private boolean inBurst;

  Lane(Mux mux, long number, boolean local) {
    this.mux = mux;
    this.number = number;
    this.local = local;
  }

  /** Payload arrived. The lane releases the bytes. */
  abstract void data(long offset, ByteBuf bytes);

  /** Any other frame arrived; the buffers are lent. */
  abstract void frame(ByteBuf header, ByteBuf payload) throws ProtocolException;

  /** Writes the control frames that are due. */
  abstract void writeControl(FrameOutput out);

  /** Whether {@link #writeInTurn} has something to write. */
  abstract boolean hasTurn();

  /**
   * Writes one frame of at most {@code allowance} bytes of payload, and returns what that counts
   * for in its turn.
   */
  abstract int writeInTurn(FrameOutput out, int allowance);

  /**
   * Told after {@link #writeInTurn}, when the turns are settled again and new ones may be asked
   * for.
   */
  abstract void wroteInTurn();

  /** The connection is gone. The lane has been forgotten already. */
  abstract void lost(FaultCode code, String detail);

  abstract void burstEnded();

  final void controlDue() {
    if (!controlQueued) {
      controlQueued = true;
      mux.controlDue(this);
    }
  }

  final void controlWritten() {
    controlQueued = false;
  }

  final void touched() {
    if (!inBurst) {
      inBurst = true;
      mux.inBurst(this);
    }
  }

  final void burstOver() {
    inBurst = false;
    burstEnded();
  }

  final void answered() {
    if (pending) {
      pending = false;
      mux.answered(this);
    }
  }
}

package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import io.netty.buffer.ByteBuf;

/**
 * A stream that the far side asks for. Exactly one of the methods is called, during {@link
 * MuxEvents#opening}.
 */
public final class Opening {
  private final Mux mux;
  private final Frame.Open open;
  private final ByteBuf header;
  private boolean taken;

  Opening(Mux mux, Frame.Open open, ByteBuf header) {
    this.mux = mux;
    this.open = open;
    this.header = header;
  }

  public Frame.Open open() {
    return open;
  }

  /** OPEN as it stood on the wire, with fields that we do not know. Lent during the call. */
  public ByteBuf header() {
    return header;
  }

  /**
   * We are the stream's end; its answer ({@link MuxStream#opened} or {@link MuxStream#refuse}) may
   * come later.
   */
  public MuxStream accept(StreamEnd end) {
    take();
    return mux.accept(open, end);
  }

  /** We pass the stream on. */
  public RawStream relay(RawEnd end) {
    take();
    return mux.acceptRaw(open, end);
  }

  /** No. */
  public void refuse(FaultCode code, String detail) {
    take();
    mux.refuse(open.stream(), code, detail);
  }

  boolean taken() {
    return taken;
  }

  private void take() {
    if (taken) {
      throw new IllegalStateException("stream " + open.stream() + " was answered already");
    }
    taken = true;
  }
}

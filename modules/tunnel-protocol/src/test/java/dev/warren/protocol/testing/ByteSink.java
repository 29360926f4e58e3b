package dev.warren.protocol.testing;

import dev.warren.protocol.mux.FrameOutput;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** Gathers what a Mux writes into one buffer. */
public final class ByteSink implements FrameOutput, AutoCloseable {
  private final ByteBuf bytes;

  public ByteSink(ByteBufAllocator allocator) {
    bytes = allocator.buffer(64 * 1024);
  }

  @Override
  public ByteBuf small() {
    return bytes;
  }

  @Override
  public void payload(ByteBuf payload) {
    bytes.writeBytes(payload, payload.readerIndex(), payload.readableBytes());
    payload.release();
  }

  /** What was written since {@link #clear}; it stays the sink's. */
  public ByteBuf bytes() {
    return bytes;
  }

  public void clear() {
    bytes.clear();
  }

  @Override
  public void close() {
    bytes.release();
  }
}

package dev.warren.protocol.mux;

import io.netty.buffer.ByteBuf;

/** Where frames go, as bytes in their order. */
public interface FrameOutput {
  /** The buffer to which prefixes, headers and whole small frames are appended. */
  ByteBuf small();

  /** Bytes that follow what was appended so far. They are the output's to release. */
  void payload(ByteBuf bytes);
}

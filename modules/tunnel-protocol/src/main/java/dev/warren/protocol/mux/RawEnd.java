package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import io.netty.buffer.ByteBuf;

/** Who passes a stream's frames on without ending it: told by the {@link Mux}, on its thread. */
public interface RawEnd {
  /** Payload arrived; the end releases it. */
  void data(long offset, ByteBuf bytes);

  /** Any other frame of the stream arrived. The buffers are lent. */
  void frame(ByteBuf header, ByteBuf payload);

  /** DATA up to this offset was handed to the transport. */
  void sent(long offset);

  /**
   * What was given with {@link RawPort#sendWhole} was handed to the transport.
   *
   * @param bytes its length, header and payload
   */
  void sentWhole(int bytes);

  /** The connection is gone. */
  void lost(FaultCode code, String detail);

  /** All that one read caused has been told. */
  void burstEnded();
}

package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import io.netty.buffer.ByteBuf;

/**
 * Who stands at our end of a stream: told by the {@link Mux}, on its thread. First {@link #opened}
 * or {@link #refused} (only at the side that opened), then data and at last {@link #finished};
 * {@link #reset} may come at any time. After {@code refused} or {@code reset}, and after a reset of
 * its own, the end hears nothing more.
 */
public interface StreamEnd {
  /** The target accepted. */
  void opened();

  /** No target accepted. {@code retryAfterMillis} is 0 where nothing is known. */
  void refused(FaultCode code, String detail, int retryAfterMillis);

  /**
   * Bytes arrived; the end releases them, and tells {@link MuxStream#consumed} when they left its
   * memory.
   */
  void data(ByteBuf bytes);

  /** The far end sends no more. */
  void finished();

  /** The stream broke: what has not arrived will not. */
  void reset(FaultCode code, String detail);

  /**
   * So many of the bytes given to {@link MuxStream#write} went out, so there is room for as many.
   */
  void sent(int bytes);

  /** All that one read of the tunnel caused has been told: the time to flush. */
  void burstEnded();
}

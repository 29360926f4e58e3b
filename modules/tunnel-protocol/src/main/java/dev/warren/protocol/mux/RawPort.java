package dev.warren.protocol.mux;

import io.netty.buffer.ByteBuf;

/**
 * Where a relay sends what it passes on: a {@link RawStream}, or something that stands for one on
 * another thread. All calls come from one thread, and what they give is sent in their order.
 */
public interface RawPort {
  /** Sends a frame ahead of all payload: OPEN, REFUSED, RESET. The header becomes the port's. */
  void sendFirst(ByteBuf header);

  /**
   * As {@link #sendFirst}, for OPENED: the stream is answered now.
   *
   * @param credit what the header says to the far side
   */
  void sendOpened(ByteBuf header, long credit);

  /** Sends CREDIT; of several that wait only the last goes out. */
  void sendCredit(long received, long limit);

  /** Sends payload behind what was given before; the bytes become the port's. */
  void sendData(long offset, ByteBuf bytes);

  /**
   * Sends a frame with a header in its wire form, behind what was given before; both become the
   * port's.
   *
   * @param offset of DATA; -1 for other frames
   */
  void sendWhole(long offset, ByteBuf headerAndPayload, int headerBytes);

  /** Drops what waits for its turn: a RESET overtakes it. */
  void dropWaiting();

  /** Forgets the stream once all that was given has gone out. */
  void close();

  /** The longest payload that the far side takes (bytes). */
  int maxPayloadBytes();

  /** The stream's number on its connection. */
  long number();
}

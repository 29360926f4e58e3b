package dev.warren.protocol.remotedialer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * The WebSocket, as an {@link Interpreter} sees it. What is given to it is flushed by its owner.
 */
public interface Wire {
  /** Whether it takes bytes without piling them up. */
  boolean isWritable();

  ByteBufAllocator allocator();

  /**
   * Sends one binary message. Both buffers are the wire's, which may write over them.
   *
   * @param bodyOrNull what follows {@code head}
   */
  void send(ByteBuf head, ByteBuf bodyOrNull);

  /** Sends a WebSocket PING, whose PONG comes back with the same number. */
  void ping(long number);
}

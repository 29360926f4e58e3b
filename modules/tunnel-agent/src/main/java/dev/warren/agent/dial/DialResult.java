package dev.warren.agent.dial;

import dev.warren.protocol.FaultCode;
import io.netty.channel.socket.DuplexChannel;

/** How a dial ended. */
public sealed interface DialResult {
  /**
   * The target has accepted.
   *
   * @param channel on the loop that was asked for, with {@code autoRead} off, half closure allowed
   *     and an empty pipeline; whoever gets it closes it
   */
  record Connected(DuplexChannel channel) implements DialResult {}

  /**
   * No target accepted.
   *
   * @param detail what happened, for the caller, who knows the target
   */
  record Refused(FaultCode code, String detail) implements DialResult {}
}

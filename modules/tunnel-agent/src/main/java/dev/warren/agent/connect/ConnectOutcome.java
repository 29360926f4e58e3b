package dev.warren.agent.connect;

import io.netty.channel.Channel;
import java.time.Duration;

/** How a try to reach a gateway ended. */
public sealed interface ConnectOutcome {
  /**
   * The gateway has switched to our protocol.
   *
   * @param channel with Netty's WebSocket codec in its pipeline; whoever gets it must put handlers
   *     behind it before returning, and closes it
   * @param gateway which one it says it is; empty where it does not say
   */
  record Connected(Channel channel, String gateway) implements ConnectOutcome {}

  /**
   * A gateway, or what stands before it, answered and does not want us.
   *
   * @param status of HTTP
   * @param reason the status line's and what the body's first line says
   * @param retryAfter when to try again; zero where it did not say
   */
  record Refused(int status, String reason, Duration retryAfter) implements ConnectOutcome {
    /** Whether a later try with the same token and id may be answered otherwise. */
    public boolean waitingHeals() {
      return status != 401 && status != 403;
    }
  }

  /**
   * It did not come to an answer.
   *
   * @param reason for the log; names host or file, never a secret
   */
  record Failed(Stage stage, String reason) implements ConnectOutcome {}

  /** How far it came. */
  enum Stage {
    TOKEN,
    NAME,
    CONNECT,
    PROXY,
    TLS,
    UPGRADE
  }
}

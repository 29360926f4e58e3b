package dev.warren.protocol.mux;

import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameReader;
import java.time.Duration;

/**
 * What one side of a tunnel bears and wishes.
 *
 * @param limits told to the far side, which must keep to them
 * @param heartbeat between two pings; of the two sides' wishes the smaller holds
 * @param handshake how long HELLO and WELCOME may take
 * @param quantum bytes that one stream may send in its turn
 */
public record MuxSettings(
    Frame.Limits limits, Duration heartbeat, Duration handshake, int quantum) {
  /**
   * Payload of one frame: large enough to make its header cheap, small enough that others need not
   * wait long.
   */
  public static final int DEFAULT_MAX_DATA_BYTES = 32 * 1024;

  /** No side may ask for smaller frames (bytes). */
  public static final int LEAST_MAX_DATA_BYTES = 1_024;

  public static final int DEFAULT_MAX_OPEN_STREAMS = 10_000;
  public static final int DEFAULT_MAX_PENDING_STREAMS = 1_000;

  public static final MuxSettings DEFAULT =
      new MuxSettings(
          new Frame.Limits(
              DEFAULT_MAX_DATA_BYTES, DEFAULT_MAX_OPEN_STREAMS, DEFAULT_MAX_PENDING_STREAMS),
          Duration.ofSeconds(3),
          Duration.ofSeconds(15),
          DEFAULT_MAX_DATA_BYTES);

  public MuxSettings {
    check(
        "max-data-bytes",
        limits.maxDataBytes(),
        LEAST_MAX_DATA_BYTES,
        FrameReader.MAX_PAYLOAD_BYTES);
    check("max-open-streams", limits.maxOpenStreams(), 1, 1_000_000);
    check("max-pending-streams", limits.maxPendingStreams(), 1, limits.maxOpenStreams());
    check("heartbeat (ms)", heartbeat.toMillis(), 10, 3_600_000);
    check("handshake (ms)", handshake.toMillis(), 10, 3_600_000);
    check("quantum", quantum, 1_024, 1 << 20);
  }

  private static void check(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: " + least + " to " + most + ")");
    }
  }
}

package dev.warren.protocol.frame;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import io.netty.buffer.ByteBuf;
import java.util.List;

/**
 * One message between two ends of a tunnel or of a link. The grammar and its rules: PROTOCOL.md,
 * sections 3 and 4.
 */
public sealed interface Frame {
  /** Concerns the tunnel as a whole: breaking its rules ends the tunnel with a GOAWAY. */
  sealed interface OfTunnel extends Frame {}

  /**
   * The agent's first frame. {@code rank} is what WELCOME gave this instance before, or {@link
   * Rank#NONE}.
   */
  record Hello(
      int minVersion,
      int maxVersion,
      List<String> capabilities,
      String session,
      StreamId instance,
      long connection,
      Limits limits,
      int heartbeatMillis,
      Rank rank,
      String software,
      byte[] attributes)
      implements OfTunnel {}

  /**
   * The gateway's answer to HELLO. From here on both sides may send whatever the version allows.
   */
  record Welcome(
      int version,
      List<String> capabilities,
      String gateway,
      String session,
      Limits limits,
      int heartbeatMillis,
      Rank rank,
      String software)
      implements OfTunnel {}

  record Ping(long sequence) implements OfTunnel {}

  record Pong(long sequence) implements OfTunnel {}

  /** The gateways that exist: the full list, or what changed since the version before. */
  record Discovery(long version, boolean complete, List<Gateway> gateways) implements OfTunnel {}

  /** The sender wants no new streams on this tunnel; running ones may end until the deadline. */
  record Drain(int deadlineMillis, String detail) implements OfTunnel {}

  /**
   * What gateways tell each other over a link; only they know what it means. At most {@link
   * FrameCodec#MAX_PEERING_BYTES} long.
   */
  record Peering(byte[] message) implements OfTunnel {}

  /** The sender's last frame. */
  record GoAway(FaultCode code, String detail, int retryAfterMillis) implements OfTunnel {}

  /** Concerns one stream: breaking its rules costs that stream alone a RESET. */
  sealed interface OfStream extends Frame {
    long stream();
  }

  /** Asks for a stream; {@code credit} is the first limit for bytes towards the sender of OPEN. */
  record Open(
      long stream,
      StreamId id,
      int kind,
      String target,
      int deadlineMillis,
      int attempt,
      int hopsLeft,
      List<String> clusterPath,
      long credit,
      String traceParent,
      String caller,
      String session)
      implements OfStream {
    /** {@link #kind()} of an ordered byte stream, the only one of version 1. */
    public static final int BYTES = 0;
  }

  /** The target accepted; {@code credit} is the first limit for bytes towards it. */
  record Opened(long stream, long credit) implements OfStream {}

  record Refused(long stream, FaultCode code, String detail, int retryAfterMillis)
      implements OfStream {}

  /** Bytes from {@code offset} on. Whoever takes the frame releases the bytes. */
  record Data(long stream, long offset, ByteBuf bytes) implements OfStream {}

  /**
   * The sender may forget what lies below {@code received} and send up to {@code limit}; both are
   * absolute.
   */
  record Credit(long stream, long received, long limit) implements OfStream {}

  /** The sender sends no more; {@code offset} is how much it sent in all. */
  record Finish(long stream, long offset) implements OfStream {}

  record Reset(long stream, FaultCode code, String detail, long offset) implements OfStream {}

  /** A newer peer's frame that it marked as optional. */
  record Skipped(long stream) implements OfStream {}

  /**
   * What one side bears.
   *
   * @param maxDataBytes the payload of one DATA frame
   * @param maxOpenStreams at once on this tunnel
   * @param maxPendingStreams of these, those not yet OPENED
   */
  record Limits(int maxDataBytes, int maxOpenStreams, int maxPendingStreams) {}

  /** The fencing rank of an instance, opaque to the agent (PROTOCOL.md, section 6). */
  record Rank(long epoch, long incarnation, byte[] mac) {
    public static final Rank NONE = new Rank(0, 0, new byte[0]);
  }

  /** One gateway of the cluster, as agents learn of it. */
  record Gateway(
      String id,
      long generation,
      boolean draining,
      int timeToLiveSeconds,
      String address,
      boolean removed) {}
}

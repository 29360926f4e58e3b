package dev.warren.peer.link;

import com.google.protobuf.ByteString;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.wire.Count;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;

/**
 * How busy a tunnel is, as its holder says.
 *
 * @param connection which of the instance's connections it is
 * @param roundTripNanos smoothed; 0 before the first measurement
 * @param streams open or pending
 * @param bytesReceived from the agent, since the tunnel is up
 * @param bytesSent to the agent, since the tunnel is up
 */
public record TunnelCounts(
    Route.Key tunnel,
    long connection,
    long roundTripNanos,
    int streams,
    long bytesReceived,
    long bytesSent) {

  /** As they are now. */
  public static TunnelCounts of(OwnTunnel tunnel) {
    return new TunnelCounts(
        new Route.Key(tunnel.session(), tunnel.instance()),
        tunnel.connection(),
        Math.max(0, tunnel.handler().roundTripNanos()),
        tunnel.handler().streams(),
        tunnel.handler().receivedBytes(),
        tunnel.handler().sentBytes());
  }

  Count toWire() {
    return Count.newBuilder()
        .setSession(tunnel.session().toString())
        .setInstance(ByteString.copyFrom(tunnel.instance().toBytes()))
        .setConnection(connection)
        .setRoundTripNanos(roundTripNanos)
        .setStreams(streams)
        .setBytesReceived(bytesReceived)
        .setBytesSent(bytesSent)
        .build();
  }

  private static StreamId instance(ByteString bytes) {
    if (bytes.size() != 16) {
      throw new IllegalArgumentException(
          "an instance of " + bytes.size() + " bytes (expected: 16)");
    }
    return StreamId.of(bytes.toByteArray(), 0);
  }

  /**
   * @throws IllegalArgumentException where a key is none
   */
  static TunnelCounts of(Count wire) {
    return new TunnelCounts(
        new Route.Key(SessionKey.of(wire.getSession()), instance(wire.getInstance())),
        wire.getConnection(),
        wire.getRoundTripNanos(),
        wire.getStreams(),
        wire.getBytesReceived(),
        wire.getBytesSent());
  }
}

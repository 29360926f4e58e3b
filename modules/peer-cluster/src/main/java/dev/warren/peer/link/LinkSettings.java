package dev.warren.peer.link;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/**
 * How a gateway finds the others and keeps its links.
 *
 * @param listen where it takes links
 * @param advertise where others reach that, HOST:PORT; empty: as bound
 * @param join where others may be found
 * @param connections of a link; streams are spread over them
 * @param heartbeat between two pings on a connection
 * @param handshake how long a connection may take until both sides know each other
 * @param lostAfter so long without a connection, and the routes of the peer go
 * @param silence a peer of which nothing was heard for so long comes last for dials
 * @param young so long after its start a gateway may not know of every session yet
 */
public record LinkSettings(
    InetSocketAddress listen,
    String advertise,
    List<JoinAddress> join,
    int connections,
    Duration heartbeat,
    Duration handshake,
    Duration lostAfter,
    Duration silence,
    Duration young) {
  /** A link has at most this many connections of one side. */
  public static final int MAX_CONNECTIONS = 4;

  public LinkSettings {
    join = List.copyOf(join);
    if (connections < 1 || connections > MAX_CONNECTIONS) {
      throw new IllegalArgumentException(
          "connections of a link: " + connections + " (expected: 1 to " + MAX_CONNECTIONS + ")");
    }
  }

  /** With the defaults for all that is rarely changed. */
  public static LinkSettings of(
      InetSocketAddress listen, String advertise, List<JoinAddress> join) {
    return new LinkSettings(
        listen,
        advertise,
        join,
        2,
        Duration.ofSeconds(2),
        Duration.ofSeconds(10),
        Duration.ofSeconds(2),
        Duration.ofSeconds(3),
        Duration.ofSeconds(30));
  }
}

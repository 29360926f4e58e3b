package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.control.Standing;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.route.Announced;
import dev.warren.peer.route.Announcements;
import dev.warren.peer.route.RouteWire;
import dev.warren.peer.wire.Peering;
import dev.warren.protocol.channel.TunnelHandler;
import java.util.ArrayList;
import java.util.List;

/**
 * The bundle of connections to one life of one gateway. Changed on the loop of {@link Links} only;
 * what a {@link PeerPaths.Path} asks may be asked from any thread.
 */
final class Link implements PeerPaths.Path {
  private final GatewayIdentity peer;
  private final Announcements announcements;
  private final Announced announced;
  private final long silenceNanos;

  private volatile List<LinkConnection> connections = List.of();
  private volatile Standing standing;
  private volatile Front front;
  private volatile long generation;
  private volatile long heardAt;
  private String address = ""; // where it takes links, as it says
  private LinkConnection announcing;
  private long lostAt;
  private boolean forgotten = true; // nothing that it announced is left
  private int dialling;
  private long upSinceMillis;

  Link(GatewayIdentity peer, Announcements announcements, Announced announced, long silenceNanos) {
    this.peer = peer;
    this.announcements = announcements;
    this.announced = announced;
    this.silenceNanos = silenceNanos;
  }

  GatewayIdentity peer() {
    return peer;
  }

  /** Those that are up. */
  List<LinkConnection> connections() {
    return connections;
  }

  boolean isUp() {
    return !connections.isEmpty();
  }

  Standing standing() {
    return standing;
  }

  void standing(Standing said, String linkAddress) {
    standing = said;
    address = linkAddress;
  }

  /** What it said of its front; null before. */
  Front front() {
    return front;
  }

  void front(Front said) {
    front = said;
  }

  String address() {
    return address;
  }

  Announced announced() {
    return announced;
  }

  Announcements announcements() {
    return announcements;
  }

  long lostAt() {
    return lostAt;
  }

  long upSinceMillis() {
    return upSinceMillis;
  }

  /** Connections to it that we are making. */
  int dialling() {
    return dialling;
  }

  void dialling(int change) {
    dialling += change;
  }

  int count(boolean dialledByUs) {
    int count = 0;
    for (LinkConnection connection : connections) {
      if (connection.dialledByUs() == dialledByUs && !connection.retiring) {
        count++;
      }
    }
    return count;
  }

  void add(LinkConnection connection, long now) {
    if (connections.isEmpty()) {
      generation++;
      upSinceMillis = System.currentTimeMillis();
    }
    List<LinkConnection> more = new ArrayList<>(connections);
    more.add(connection);
    connections = List.copyOf(more);
    connection.up = true;
    forgotten = false;
    heardAt = now;
  }

  /** Says whether it was one of them. */
  boolean remove(LinkConnection connection, long now) {
    if (!connection.up) {
      return false;
    }
    connection.up = false;
    List<LinkConnection> fewer = new ArrayList<>(connections);
    fewer.remove(connection);
    connections = List.copyOf(fewer);
    if (connections.isEmpty()) {
      lostAt = now;
    }
    return true;
  }

  /** Everything that it announced goes. */
  void forget() {
    if (!forgotten) {
      forgotten = true;
      announced.forget();
    }
  }

  boolean isForgotten() {
    return forgotten;
  }

  /** Looks whether something was heard since the last look. */
  void listen(long now) {
    for (LinkConnection connection : connections) {
      long bytes = connection.handler().receivedBytes();
      if (bytes != connection.heardBytes) {
        connection.heardBytes = bytes;
        heardAt = now;
      }
    }
  }

  /** Sends what is to be announced, as far as the peer takes it now. */
  void announce() {
    if (announcing == null || !announcing.up) {
      boolean goesOn = announcing != null;
      announcing = connections.isEmpty() ? null : connections.get(0);
      if (announcing == null) {
        return;
      }
      if (goesOn) {
        announcements.connectionLost();
      }
    }
    while (announcements.hasNext()) {
      announcing.tell(
          Peering.newBuilder().setRoutes(RouteWire.toWire(announcements.next())).build());
    }
  }

  /** The link is new, or was lost as a whole: whoever announces starts from nothing. */
  void restartAnnouncing() {
    announcing = null;
  }

  // ---- from any thread ----

  @Override
  public TunnelHandler connection() {
    LinkConnection best = null;
    for (LinkConnection connection : connections) {
      boolean better =
          best == null
              || (connection.retiring || connection.peerDrains() ? 1 : 0)
                  < (best.retiring || best.peerDrains() ? 1 : 0)
              || (connection.retiring == best.retiring
                  && connection.peerDrains() == best.peerDrains()
                  && connection.handler().streams() < best.handler().streams());
      if (better) {
        best = connection;
      }
    }
    return best == null ? null : best.handler();
  }

  @Override
  public long roundTripNanos() {
    long least = Long.MAX_VALUE;
    for (LinkConnection connection : connections) {
      long measured = connection.handler().roundTripNanos();
      if (measured >= 0) {
        least = Math.min(least, measured);
      }
    }
    return least == Long.MAX_VALUE ? 0 : least;
  }

  @Override
  public boolean answeredLately() {
    return System.nanoTime() - heardAt < silenceNanos;
  }

  @Override
  public long generation() {
    return generation;
  }
}

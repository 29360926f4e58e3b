package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckNews;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckWire;
import dev.warren.peer.control.Standing;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.route.Announced;
import dev.warren.peer.route.Announcements;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteWire;
import dev.warren.peer.wire.Acknowledged;
import dev.warren.peer.wire.Peering;
import dev.warren.protocol.channel.TunnelHandler;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The bundle of connections to one life of one gateway. Changed on the loop of {@link Links} only;
 * what a {@link PeerPaths.Path} asks may be asked from any thread.
 */
final class Link implements PeerPaths.Path {
  /** Messages with what checks have found that it is told in one turn. */
  private static final int CHECK_MESSAGES = 4;

  private final GatewayIdentity peer;
  private final Announcements announcements;
  private final Announced announced;
  private final CheckNews checkNews;
  private final long silenceNanos;

  private volatile List<LinkConnection> connections = List.of();
  private volatile Standing standing;
  private volatile Front front;
  private volatile long generation;
  private volatile long heardAt;
  private volatile String address = ""; // where it takes links, as it says
  private LinkConnection announcing;
  private long lostAt;
  private boolean forgotten = true; // nothing that it announced is left
  private LinkConnection askedOver; // for a snapshot
  private final Set<Object> dials = new HashSet<>();
  private volatile long upSinceMillis;

  Link(
      GatewayIdentity peer,
      Announcements announcements,
      Announced announced,
      CheckNews checkNews,
      long silenceNanos,
      long now) {
    this.lostAt = now;
    this.peer = peer;
    this.announcements = announcements;
    this.announced = announced;
    this.checkNews = checkNews;
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

  /** Whether it was up at any time. */
  boolean wasUp() {
    return generation > 0;
  }

  /** Connections to it that we are making. */
  int dialling() {
    return dials.size();
  }

  /** One more, known by this; it counts until {@link #dialSettled}. */
  void dialling(Object dial) {
    dials.add(dial);
  }

  /** It is up, or will never be. Says whether that is news. */
  boolean dialSettled(Object dial) {
    return dials.remove(dial);
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
    connection.heardBytes = connection.handler().receivedBytes();
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
        connection.provenBothWays = true;
        heardAt = now;
      }
    }
  }

  /** What of checks it is still to be told. */
  CheckNews checkNews() {
    return checkNews;
  }

  /**
   * Tells it some of what checks have found. They have time: where the connection has much to send
   * already, they wait for the next turn.
   */
  void tellChecks() {
    LinkConnection connection = connections.get(0);
    for (int i = 0; i < CHECK_MESSAGES && connection.handler().channel().isWritable(); i++) {
      List<CheckResult> next = checkNews.next();
      if (next.isEmpty()) {
        return;
      }
      connection.tell(Peering.newBuilder().setChecks(CheckWire.toWire(next)).build());
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

  /** The link is new, or new to the peer: all is told from the beginning, over this connection. */
  void announceAll(List<Route> all, LinkConnection over) {
    announcing = over;
    announcements.startSnapshot(all);
    announce();
  }

  /**
   * Says that we have not all that the peer told us, where that is so, on one of its connections.
   * The peer may not have seen that the link was lost to us.
   */
  void ask() {
    askedOver = null;
    if (!announced.isComplete() && !connections.isEmpty()) {
      askedOver = connections.get(0);
      askedOver.tell(
          Peering.newBuilder()
              .setAcknowledged(
                  Acknowledged.newBuilder().setSequence(announced.sequence()).setNothingKept(true))
              .build());
    }
  }

  /** Asks once more where the connection is lost over which we asked. */
  void askAgainAfter(LinkConnection lost) {
    if (lost == askedOver) {
      ask();
    }
  }

  /** Whether a connection of the bundle that stays is known to be up at both sides. */
  boolean isProven(boolean dialledByUs) {
    for (LinkConnection connection : connections) {
      if (connection.dialledByUs() == dialledByUs && connection.provenBothWays) {
        return true;
      }
    }
    return false;
  }

  // ---- from any thread ----

  @Override
  public TunnelHandler connection() {
    return connection(List.of());
  }

  @Override
  public TunnelHandler connection(Collection<TunnelHandler> lost) {
    return connection(lost, null);
  }

  @Override
  public TunnelHandler connection(Collection<TunnelHandler> lost, EventLoop home) {
    LinkConnection best = null;
    for (LinkConnection connection : connections) {
      if (!lost.contains(connection.handler())
          && (best == null || isBetter(connection, best, home))) {
        best = connection;
      }
    }
    return best == null ? null : best.handler();
  }

  /** One that stays goes before one that goes, then one on the stream's own loop. */
  private static boolean isBetter(LinkConnection one, LinkConnection other, EventLoop home) {
    if (isGoing(one) != isGoing(other)) {
      return isGoing(other);
    }
    boolean near = one.handler().eventLoop() == home;
    if (near != (other.handler().eventLoop() == home)) {
      return near;
    }
    return one.handler().streams() < other.handler().streams();
  }

  private static boolean isGoing(LinkConnection connection) {
    return connection.retiring || connection.peerDrains();
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

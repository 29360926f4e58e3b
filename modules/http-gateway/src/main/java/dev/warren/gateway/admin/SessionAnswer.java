package dev.warren.gateway.admin;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.link.TunnelCounts;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.protocol.SessionKey;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;

/**
 * A session as operators see it. The names of the components are those of the JSON, and stay; what
 * is not known is left out.
 *
 * @param session as users write it: the id alone in the default realm
 * @param status {@code online} or {@code offline}
 * @param since when the oldest of its tunnels came or, of an offline session, the last one was lost
 * @param tunnels sorted by holder, incarnation, instance and connection
 * @param lastConnected when the newest tunnel came or, of an offline session, the last one was lost
 * @param checks the last result of each active check, sorted by target; null where there is none
 * @param entity where its entity lives; null where the control plane does not tell
 */
public record SessionAnswer(
    String session,
    String realm,
    String id,
    String status,
    Instant since,
    List<Tunnel> tunnels,
    Instant lastConnected,
    List<Check> checks,
    Entity entity) {
  static final String ONLINE = "online";
  static final String OFFLINE = "offline";

  /**
   * A tunnel, as its holder announces it.
   *
   * @param holder the id of the gateway that has it
   * @param instance the public form of the agent's process: enough to tell two apart
   * @param connection which of the instance's connections
   * @param epoch of the instance's rank
   * @param draining whether it takes no new streams
   * @param since by the holder's clock
   * @param roundTripMillis smoothed; null before the first measurement, and as the next three where
   *     the holder does not answer
   * @param streams open or pending
   * @param bytesReceived from the agent, since the tunnel is up
   * @param bytesSent to the agent, since the tunnel is up
   */
  public record Tunnel(
      String holder,
      String holderIncarnation,
      String instance,
      long connection,
      long epoch,
      boolean draining,
      Instant since,
      String remote,
      String software,
      Double roundTripMillis,
      Integer streams,
      Long bytesReceived,
      Long bytesSent) {
    private static final Comparator<Tunnel> ORDER =
        Comparator.comparing(Tunnel::holder)
            .thenComparing(Tunnel::holderIncarnation)
            .thenComparing(Tunnel::instance)
            .thenComparingLong(Tunnel::connection);

    static Tunnel of(GatewayIdentity self, OwnTunnel tunnel) {
      return new Tunnel(
              self.id(),
              self.incarnation().toString(),
              tunnel.instance().publicId(),
              tunnel.connection(),
              tunnel.rank().epoch(),
              tunnel.draining(),
              Instant.ofEpochMilli(tunnel.sinceMillis()),
              tunnel.remote(),
              tunnel.software(),
              null,
              null,
              null,
              null)
          .with(TunnelCounts.of(tunnel));
    }

    static Tunnel of(Route route) {
      return new Tunnel(
          route.holder().id(),
          route.holder().incarnation().toString(),
          route.instance().publicId(),
          route.connection(),
          route.epoch(),
          route.draining(),
          Instant.ofEpochMilli(route.sinceMillis()),
          route.remote(),
          route.software(),
          null,
          null,
          null,
          null);
    }

    Tunnel with(TunnelCounts counts) {
      return new Tunnel(
          holder,
          holderIncarnation,
          instance,
          connection,
          epoch,
          draining,
          since,
          remote,
          software,
          counts.roundTripNanos() == 0 ? null : Math.round(counts.roundTripNanos() / 1e3) / 1e3,
          counts.streams(),
          counts.bytesReceived(),
          counts.bytesSent());
    }
  }

  /**
   * The last result of an active check.
   *
   * @param state {@value #GOOD} or {@value #FAILED}
   * @param since when the state began
   * @param at when the target was asked last
   * @param latencyMillis how long its answer took; null where there was none
   * @param reason why it failed; null where it did not
   */
  public record Check(
      String target, String state, Instant since, Instant at, Double latencyMillis, String reason) {
    static final String GOOD = "good";
    static final String FAILED = "failed";

    static Check of(CheckResult result) {
      return new Check(
          result.target(),
          result.good() ? GOOD : FAILED,
          Instant.ofEpochMilli(result.sinceMillis()),
          Instant.ofEpochMilli(result.atMillis()),
          result.latencyNanos() == 0 ? null : Math.round(result.latencyNanos() / 1e3) / 1e3,
          result.good() ? null : result.reason());
    }
  }

  /**
   * The entity that owns the session.
   *
   * @param gateway the id of the gateway that it lives on
   * @param node the address of that gateway's actor system; of a single session only
   * @param policy what becomes of two agents with this id; of a single session only
   * @param supersessions how many tunnels had to yield to another instance; of a single session
   *     only
   */
  public record Entity(String gateway, String node, String policy, Long supersessions) {}

  public SessionAnswer {
    tunnels = tunnels.stream().sorted(Tunnel.ORDER).toList();
  }

  static SessionAnswer of(
      SessionKey session,
      String status,
      List<Tunnel> tunnels,
      Instant lastConnected,
      Entity entity) {
    return new SessionAnswer(
        session.toString(),
        session.realm(),
        session.id(),
        status,
        tunnels.stream().map(Tunnel::since).min(Instant::compareTo).orElse(lastConnected),
        tunnels,
        lastConnected,
        null,
        entity);
  }

  SessionAnswer with(List<Tunnel> counted) {
    return new SessionAnswer(
        session, realm, id, status, since, counted, lastConnected, checks, entity);
  }

  SessionAnswer withChecks(List<CheckResult> results) {
    List<Check> all = results.isEmpty() ? null : results.stream().map(Check::of).toList();
    return new SessionAnswer(
        session, realm, id, status, since, tunnels, lastConnected, all, entity);
  }
}

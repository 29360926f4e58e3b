package dev.warren.gateway;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.ReportedTunnels;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.control.ControlPlane;
import dev.warren.peer.control.ControlSettings;
import dev.warren.peer.control.PekkoControlPlane;
import dev.warren.peer.discovery.Discovery;
import dev.warren.peer.link.LinkSettings;
import dev.warren.peer.link.Links;
import dev.warren.peer.link.TlsLinkSecurity;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.session.SessionSettings;
import dev.warren.session.SessionStatus;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a gateway has that is not alone: its links, its control plane, and what agents are told. */
final class Peers {
  /** How long the cluster may take to be left. */
  static final Duration LEAVE_WITHIN = Duration.ofSeconds(10);

  private static final Logger log = LoggerFactory.getLogger(Peers.class);

  private final ClusterTls tls;
  private final Links links;
  private final Discovery discovery;
  private volatile ControlPlane control;

  private Peers(ClusterTls tls, Links links, Discovery discovery) {
    this.tls = tls;
    this.links = links;
    this.discovery = discovery;
  }

  /**
   * Starts what belongs to the data plane.
   *
   * @throws IOException where the address for links cannot be bound
   */
  static Peers start(
      GatewaySettings settings,
      GatewayIdentity identity,
      ClusterTls tls,
      EventLoopGroup loops,
      RouteTable table,
      CheckResults checks,
      CreditBudget budget,
      boolean logFrames)
      throws IOException {
    GatewaySettings.Cluster cluster = settings.cluster().orElseThrow();
    Links links =
        Links.start(
            identity,
            Gateway.SOFTWARE,
            LinkSettings.of(
                cluster.linkListen(), cluster.linkAdvertise().orElse(""), cluster.join()),
            new TlsLinkSecurity(tls),
            loops,
            table,
            checks,
            budget,
            logFrames);
    log.atInfo()
        .addKeyValue("gateway", identity)
        .addKeyValue("listen", links.address())
        .addKeyValue("advertise", links.advertised())
        .log("links.ready");
    Discovery discovery =
        Discovery.start(
            identity, settings.agents().advertise().orElse(""), table, links, loops.next());
    return new Peers(tls, links, discovery);
  }

  /** The control plane comes last: nothing that moves bytes waits for it. */
  void startControl(GatewaySettings settings, GatewayIdentity identity, RouteTable table) {
    GatewaySettings.Cluster cluster = settings.cluster().orElseThrow();
    ReportedTunnels reported = new ReportedTunnels(identity, table);
    table.listen(reported);
    String host = cluster.listen().getAddress().getHostAddress();
    String advertised = cluster.advertise().orElse("");
    int colon = advertised.lastIndexOf(':');
    control =
        PekkoControlPlane.start(
            new ControlSettings(
                identity,
                Gateway.SOFTWARE,
                host,
                cluster.listen().getPort(),
                colon < 0 ? host : advertised.substring(0, colon),
                colon < 0 ? 0 : Integer.parseInt(advertised.substring(colon + 1)),
                ControlSettings.ALONE_AFTER,
                SessionSettings.DEFAULT.withDuplicatePolicy(settings.sessions().duplicates())),
            tls,
            links,
            reported);
    reported.reportTo(control);
  }

  Links links() {
    return links;
  }

  /** Null before its start. */
  ControlPlane control() {
    return control;
  }

  CompletionStage<SessionStatus> presence(SessionKey session, Duration within) {
    ControlPlane plane = control;
    return plane == null
        ? CompletableFuture.failedFuture(new IllegalStateException("not started yet"))
        : plane.presence(session, within);
  }

  /** The gateway is about to go: agents and peers hear of it. */
  void draining() {
    discovery.draining();
    ControlPlane plane = control;
    if (plane != null) {
      plane.draining();
    }
  }

  /**
   * Links end, then the cluster is left: no stream waits for that, and until then the others know
   * where the sessions are listed.
   *
   * @param within for the links; leaving has {@link #LEAVE_WITHIN} beside it
   */
  void close(Duration within) {
    discovery.close();
    links.close(within);
    ControlPlane plane = control;
    if (plane != null) {
      plane
          .close()
          .toCompletableFuture()
          .completeOnTimeout(null, LEAVE_WITHIN.toMillis(), TimeUnit.MILLISECONDS)
          .join();
    }
    tls.close();
  }
}

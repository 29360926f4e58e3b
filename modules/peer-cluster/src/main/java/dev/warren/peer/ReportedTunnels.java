package dev.warren.peer;

import dev.warren.peer.control.ControlPlane;
import dev.warren.peer.control.HeldTunnel;
import dev.warren.peer.control.HeldTunnels;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.CloseReason;
import dev.warren.session.Session;
import dev.warren.session.TunnelReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where the planes meet: the tunnels that end here are reported to the control plane, and its
 * orders to close some are carried out.
 */
public final class ReportedTunnels implements HeldTunnels, RouteTable.Listener {
  /** How long an agent whose tunnel was closed by order should stay away. */
  public static final Duration AFTER_ORDER = Duration.ofSeconds(5);

  private final GatewayIdentity self;
  private final RouteTable table;
  private volatile ControlPlane control;

  public ReportedTunnels(GatewayIdentity self, RouteTable table) {
    this.self = self;
    this.table = table;
  }

  /** From now on changes are reported; what was before, the control plane asks for itself. */
  public void reportTo(ControlPlane plane) {
    control = plane;
  }

  @Override
  public void own(OwnTunnel tunnel) {
    ControlPlane plane = control;
    if (plane != null) {
      plane.tunnelUp(held(tunnel));
    }
  }

  @Override
  public void released(OwnTunnel tunnel, RouteTable.Removal reason) {
    lost(tunnel, reason.name().toLowerCase(Locale.ROOT));
  }

  @Override
  public void yielded(OwnTunnel tunnel, RouteTable.Removal reason) {
    lost(tunnel, Session.SUPERSEDED);
  }

  private void lost(OwnTunnel tunnel, String reason) {
    ControlPlane plane = control;
    if (plane != null) {
      plane.tunnelLost(held(tunnel), reason);
    }
  }

  @Override
  public List<HeldTunnel> snapshot() {
    List<HeldTunnel> all = new ArrayList<>();
    for (OwnTunnel tunnel : table.ownTunnels()) {
      all.add(held(tunnel));
    }
    return all;
  }

  private HeldTunnel held(OwnTunnel tunnel) {
    return new HeldTunnel(
        tunnel.session(),
        new TunnelReport(
            self.id(),
            self.incarnation(),
            tunnel.instance(),
            tunnel.connection(),
            tunnel.rank().epoch(),
            tunnel.rank().incarnation(),
            tunnel.sinceMillis(),
            tunnel.remote(),
            tunnel.software(),
            tunnel.principal()));
  }

  @Override
  public void close(
      SessionKey session, StreamId instance, long connection, CloseReason reason, String detail) {
    for (OwnTunnel tunnel : table.find(session).own()) {
      if (tunnel.instance().equals(instance) && tunnel.connection() == connection) {
        FaultCode code =
            reason == CloseReason.ORDERED ? FaultCode.CLOSED_BY_ORDER : FaultCode.SUPERSEDED;
        tunnel.end(code, detail, (int) AFTER_ORDER.toMillis());
        return;
      }
    }
  }
}

package dev.warren.gateway.admin;

import dev.warren.gateway.http.Readiness;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.control.ControlPlane;
import dev.warren.peer.control.ControlStatus;
import dev.warren.peer.dial.Router;
import dev.warren.peer.link.Links;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.tls.HandshakeRefusals;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where a gateway's status is read, at the moment of each question.
 *
 * @param since when the gateway started
 * @param listen where agents and callers connect
 * @param links empty where the gateway is alone, as the next two are
 */
public record GatewayStatus(
    GatewayIdentity identity,
    Instant since,
    Readiness readiness,
    InetSocketAddress listen,
    RouteTable table,
    Router router,
    CreditBudget credit,
    RelayBudget relay,
    Optional<Links> links,
    Optional<HandshakeRefusals> refusals,
    Optional<ControlPlane> control)
    implements Supplier<StatusAnswer> {

  private static final HandshakeRefusals.Snapshot NO_REFUSALS =
      new HandshakeRefusals.Snapshot(0, java.util.Map.of());

  @Override
  public StatusAnswer get() {
    Optional<ControlStatus> standing = control.map(ControlPlane::status);
    Runtime heap = Runtime.getRuntime();
    return new StatusAnswer(
        new StatusAnswer.Gateway(
            identity.id(),
            identity.incarnation().toString(),
            version(),
            since,
            readiness.ready(),
            readiness.draining(),
            NetUtil.toSocketAddressString(listen),
            links.map(all -> NetUtil.toSocketAddressString(all.address())).orElse(null),
            standing.flatMap(ControlStatus::cluster).orElse(null)),
        standing.map(StatusAnswer.Control::of).orElse(StatusAnswer.Control.NONE),
        links.map(all -> StatusAnswer.Link.of(all.status())).orElse(List.of()),
        new StatusAnswer.Sessions(
            table.online(),
            table.held(),
            router.waiting(),
            control.map(ControlPlane::entitiesHere).orElse(0)),
        StatusAnswer.Dials.of(router.counters()),
        StatusAnswer.RefusedHandshakes.of(
            refusals.map(HandshakeRefusals::snapshot).orElse(NO_REFUSALS)),
        new StatusAnswer.Memory(
            heap.totalMemory() - heap.freeMemory(),
            heap.maxMemory(),
            credit.used(),
            credit.capacity(),
            relay.used(),
            relay.capacity()));
  }

  /** The executable jar says which version it is; a class path of directories does not. */
  private static String version() {
    String version = GatewayStatus.class.getPackage().getImplementationVersion();
    return version == null ? "unknown" : version;
  }
}

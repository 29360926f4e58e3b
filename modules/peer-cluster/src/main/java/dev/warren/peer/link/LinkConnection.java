package dev.warren.peer.link;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.wire.Peering;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.Opening;
import java.net.SocketAddress;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a link. Told by its Mux, on the connection's event loop; what concerns the link
 * as a whole it hands to {@link Links}, whose state lives on another.
 */
final class LinkConnection implements MuxEvents {
  private static final Logger log = LoggerFactory.getLogger(LinkConnection.class);

  private final Links links;
  private final GatewayIdentity peer;
  private final boolean dialledByUs;
  private final Addresses.Address address;
  private final SocketAddress remote;
  private final TunnelHandler handler;

  // Changed on the loop of Links only.
  volatile boolean retiring;
  boolean up;
  boolean provenBothWays; // something has arrived since it was up here: it is up there too
  long heardBytes;

  private volatile boolean peerDrains;

  LinkConnection(
      Links links,
      GatewayIdentity peer,
      boolean dialledByUs,
      Addresses.Address address,
      SocketAddress remote,
      TunnelHandler handler) {
    this.links = links;
    this.peer = peer;
    this.dialledByUs = dialledByUs;
    this.address = address;
    this.remote = remote;
    this.handler = handler;
  }

  /** Who is at the other end, as its certificate says. */
  GatewayIdentity peer() {
    return peer;
  }

  boolean dialledByUs() {
    return dialledByUs;
  }

  /** Where we dialled it; null where we did not. */
  Addresses.Address address() {
    return address;
  }

  SocketAddress remote() {
    return remote;
  }

  TunnelHandler handler() {
    return handler;
  }

  /** Whether the peer asked for no new streams on it. */
  boolean peerDrains() {
    return peerDrains;
  }

  /** What we say of ourselves on a connection that we dialled. */
  static Frame.Hello hello(GatewayIdentity self, long number, String software) {
    return new Frame.Hello(
        Mux.VERSION,
        Mux.VERSION,
        List.of(Mux.LINK),
        self.id(),
        new StreamId(self.incarnation().high(), self.incarnation().low()),
        number,
        new Frame.Limits(0, 0, 0), // the Mux fills in its own
        0,
        Frame.Rank.NONE,
        software,
        new byte[0]);
  }

  @Override
  public void hello(Frame.Hello hello) {
    Incarnation said = new Incarnation(hello.instance().high(), hello.instance().low());
    if (!hello.capabilities().contains(Mux.LINK)
        || !hello.session().equals(peer.id())
        || !said.equals(peer.incarnation())) {
      handler
          .mux()
          .goAway(
              FaultCode.UNAUTHORIZED,
              "HELLO of "
                  + hello.session()
                  + " from a gateway whose certificate names "
                  + peer.id(),
              0);
      return;
    }
    links.admit(this);
  }

  /** The link takes it in. From any thread. */
  void welcome(GatewayIdentity self, String software) {
    onLoop(
        () -> {
          if (handler.mux().isOver()) {
            return;
          }
          handler.mux().welcome(List.of(Mux.LINK), self.id(), self.id(), Frame.Rank.NONE, software);
          links.up(this);
        });
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    if (!welcome.gateway().equals(peer.id()) || !welcome.capabilities().contains(Mux.LINK)) {
      handler
          .mux()
          .goAway(
              FaultCode.UNAUTHORIZED,
              "WELCOME of "
                  + welcome.gateway()
                  + " from a gateway whose certificate names "
                  + peer.id(),
              0);
      return;
    }
    links.up(this);
  }

  @Override
  public void opening(Opening opening) {
    links.relay(opening, this);
  }

  @Override
  public void peering(Frame.Peering peering) throws ProtocolException {
    Peering message;
    try {
      message = Peering.parseFrom(peering.message());
    } catch (InvalidProtocolBufferException e) {
      throw new ProtocolException(FaultCode.PROTOCOL, "PEERING that is none: " + e.getMessage());
    }
    links.told(this, message);
  }

  /** From any thread. */
  void tell(Peering message) {
    byte[] bytes = message.toByteArray();
    onLoop(() -> handler.mux().peering(bytes));
  }

  /** Ends it; the peer is told why. From any thread. */
  void end(FaultCode code, String detail) {
    onLoop(() -> handler.mux().goAway(code, detail, 0));
  }

  private void onLoop(Runnable step) {
    handler
        .eventLoop()
        .execute(
            () -> {
              step.run();
              handler.sendSoon();
            });
  }

  @Override
  public void drain(Frame.Drain drain) {
    peerDrains = true;
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    // Gateways learn of each other by other means.
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    log.atDebug()
        .addKeyValue("peer", peer)
        .addKeyValue("remote", remote)
        .addKeyValue("code", code)
        .addKeyValue("detail", detail)
        .addKeyValue("by", byPeer ? "peer" : "us")
        .log("link.connection.lost");
    links.lost(this, code, detail, byPeer);
  }
}

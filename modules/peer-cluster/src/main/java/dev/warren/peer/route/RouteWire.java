package dev.warren.peer.route;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.wire.Routes;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import java.util.ArrayList;
import java.util.List;

/** The form of announcements between gateways. */
public final class RouteWire {
  private RouteWire() {}

  public static Routes toWire(Announcements.Batch batch) {
    Routes.Builder routes =
        Routes.newBuilder()
            .setSequence(batch.sequence())
            .setSnapshot(batch.snapshot())
            .setComplete(batch.complete());
    for (Announcements.Change change : batch.changes()) {
      if (change instanceof Announcements.Change.Present present) {
        routes.addRoutes(toWire(present.route()));
      } else if (change instanceof Announcements.Change.Absent absent) {
        routes.addRemovals(
            dev.warren.peer.wire.Removal.newBuilder()
                .setSession(absent.key().session().toString())
                .setInstance(bytes(absent.key().instance()))
                .setConnection(absent.connection())
                .setReason(absent.reason().number()));
      }
    }
    return routes.build();
  }

  private static dev.warren.peer.wire.Route toWire(Route route) {
    return dev.warren.peer.wire.Route.newBuilder()
        .setSession(route.session().toString())
        .setInstance(bytes(route.instance()))
        .setConnection(route.connection())
        .setEpoch(route.epoch())
        .setIncarnation(route.rankIncarnation())
        .setDraining(route.draining())
        .setSoftware(route.software())
        .setRemote(route.remote())
        .setSinceMillis(route.sinceMillis())
        .build();
  }

  private static ByteString bytes(StreamId instance) {
    return UnsafeByteOperations.unsafeWrap(instance.toBytes());
  }

  /**
   * Reads what a peer announces.
   *
   * @param holder the peer
   * @throws IllegalArgumentException where something in it is none of ours; the message says what
   */
  public static Announcements.Batch fromWire(GatewayIdentity holder, Routes routes) {
    List<Announcements.Change> changes =
        new ArrayList<>(routes.getRoutesCount() + routes.getRemovalsCount());
    for (dev.warren.peer.wire.Removal removal : routes.getRemovalsList()) {
      changes.add(
          new Announcements.Change.Absent(
              new Route.Key(SessionKey.of(removal.getSession()), instance(removal.getInstance())),
              removal.getConnection(),
              RouteTable.Removal.of(removal.getReason())));
    }
    for (dev.warren.peer.wire.Route route : routes.getRoutesList()) {
      changes.add(
          new Announcements.Change.Present(
              new Route(
                  holder,
                  SessionKey.of(route.getSession()),
                  instance(route.getInstance()),
                  route.getConnection(),
                  route.getEpoch(),
                  route.getIncarnation(),
                  route.getDraining(),
                  route.getSoftware().intern(), // thousands of agents run the same one
                  route.getRemote(),
                  route.getSinceMillis())));
    }
    return new Announcements.Batch(
        routes.getSequence(), routes.getSnapshot(), routes.getComplete(), changes);
  }

  private static StreamId instance(ByteString bytes) {
    if (bytes.size() != 16) {
      throw new IllegalArgumentException("instance of " + bytes.size() + " bytes (expected: 16)");
    }
    return StreamId.of(bytes.toByteArray(), 0);
  }
}

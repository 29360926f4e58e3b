package dev.warren.bench.load;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.route.Announced;
import dev.warren.peer.route.Announcements;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.RouteWire;
import dev.warren.peer.wire.Routes;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.DuplicatePolicy;
import java.util.ArrayList;
import java.util.List;

/**
 * What one route of a peer takes in the heap: a JVM of its own that holds a {@link RouteTable} and
 * nothing else, once empty and once with routes that came over the wire, as they do from a peer.
 */
final class RouteHeap {
  private static final int SECONDS = 120;
  private static final int BATCH = 100;
  private static final int COLLECTIONS = 4;
  private static final int TABLES = 4;
  private static final int PAUSE_MILLIS = 200;

  private RouteHeap() {}

  /** Bytes for one route, in the mean over so many. */
  static double bytesPerRoute(Bench bench, int routes) {
    String java = ProcessHandle.current().info().command().orElse("java");
    String said =
        bench
            .children()
            .run(
                "route-heap",
                List.of(
                    java,
                    "-XX:+UseSerialGC",
                    "-Xmx512m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    RouteHeap.class.getName(),
                    Integer.toString(routes)),
                SECONDS);
    return Double.parseDouble(said.substring(said.lastIndexOf('\n') + 1));
  }

  /** Prints the bytes for one route. */
  public static void main(String[] arguments) throws InvalidProtocolBufferException {
    int routes = Integer.parseInt(arguments[0]);
    List<RouteTable> tables = new ArrayList<>();
    long before = 0;
    long after = 0;
    // The first ones load classes and fill what is filled once; the last tells.
    for (int i = 0; i < TABLES; i++) {
      tables.add(fill(routes));
      before = after;
      after = liveBytes();
    }
    for (RouteTable table : tables) { // so all are alive until here
      if (table.online() != routes) {
        throw new IllegalStateException(table.online() + " sessions (expected: " + routes + ")");
      }
    }
    System.out.println((after - before) / (double) routes);
  }

  private static RouteTable fill(int routes) throws InvalidProtocolBufferException {
    RouteTable table =
        new RouteTable(
            new GatewayIdentity("self", Incarnation.random()),
            DuplicatePolicy.NEWEST,
            Ranks.ofOneGateway(),
            System::nanoTime);
    GatewayIdentity peer = new GatewayIdentity("peer", Incarnation.random());
    Announced announced = new Announced(peer, table);
    long sequence = 0;
    for (int from = 0; from < routes; from += BATCH) {
      List<Announcements.Change> changes = new ArrayList<>();
      for (int i = from; i < Math.min(routes, from + BATCH); i++) {
        changes.add(new Announcements.Change.Present(route(peer, i)));
      }
      sequence++;
      byte[] wire =
          RouteWire.toWire(
                  new Announcements.Batch(sequence, from == 0, from + BATCH >= routes, changes))
              .toByteArray();
      announced.take(RouteWire.fromWire(peer, Routes.parseFrom(wire)));
    }
    return table;
  }

  private static Route route(GatewayIdentity peer, int number) {
    return new Route(
        peer,
        SessionKey.of(CrowdCommand.id(number)),
        StreamId.random(),
        1,
        1,
        peer.incarnation().high() >>> 1,
        false,
        "warren-bench",
        "127.0.0.1:" + (10_000 + number),
        System.currentTimeMillis());
  }

  /** With pauses, because what a collection hands to reference queues goes later. */
  private static long liveBytes() {
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
      Bench.pause(PAUSE_MILLIS);
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}

package dev.warren.peer.control;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.peer.tls.HandshakeRefusals;
import dev.warren.peer.watch.FileWatch;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.session.CloseReason;
import dev.warren.session.SessionSettings;
import dev.warren.session.TunnelReport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assertions;

/** Control planes in one process, whose links are a map in memory that tests can cut. */
final class ControlPlanes implements AutoCloseable {
  /** The program's, but where waiting has no part in what is tested. */
  private static final Pacing PACING =
      new Pacing(
          Duration.ofMillis(500),
          Pacing.DEFAULT.settle(),
          Pacing.DEFAULT.formTurn(),
          Pacing.DEFAULT.joinTimeout(),
          Pacing.DEFAULT.admitTimeout(),
          Pacing.DEFAULT.probeTimeout(),
          Pacing.DEFAULT.tries(),
          Pacing.DEFAULT.retryAfter(),
          Duration.ofSeconds(2),
          Duration.ofSeconds(3),
          Pacing.DEFAULT.lastMergeRetry(),
          Pacing.DEFAULT.calm(),
          Pacing.DEFAULT.lastRestartPause(),
          Duration.ofSeconds(2));

  private final Path tokenFile;
  private final FileWatch watch = FileWatch.start();
  private final Map<GatewayIdentity, Standing> said = new ConcurrentHashMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final List<Gateway> gateways = new ArrayList<>();

  /** "a>b": links from one gateway to another that are cut. */
  private final Set<String> cut = ConcurrentHashMap.newKeySet();

  /** Ids of gateways whose cluster port nobody can open. */
  private final Set<String> filtered = ConcurrentHashMap.newKeySet();

  ControlPlanes(Path directory) throws IOException {
    tokenFile = directory.resolve("token");
    Files.writeString(tokenFile, "kV2xY7bQ9mR4tW8zC3nH6jL1pD5sF0gA7uE2iO9xB4q\n");
  }

  /** One gateway, reduced to its control plane and the tunnels it would hold. */
  final class Gateway implements Neighbours, HeldTunnels {
    final GatewayIdentity identity;
    final PekkoControlPlane plane;
    final String address;
    final List<HeldTunnel> tunnels = new CopyOnWriteArrayList<>();
    final List<String> ordered = new CopyOnWriteArrayList<>();
    private final ClusterTls tls;

    private Gateway(String id, int port) {
      identity = new GatewayIdentity(id, Incarnation.random());
      address = "127.0.0.1:" + port;
      said.put(identity, Standing.none(identity, "test"));
      tls =
          ClusterTls.start(
              tokenFile,
              identity,
              watch,
              Clock.systemUTC(),
              new HandshakeRefusals(Clock.systemUTC()));
      TlsProbe probe = new TlsProbe(tls);
      plane =
          PekkoControlPlane.start(
              new ControlSettings(
                  identity,
                  "test",
                  "127.0.0.1",
                  port,
                  "127.0.0.1",
                  port,
                  Duration.ofMillis(500),
                  SessionSettings.DEFAULT),
              PACING,
              tls.arterySetup(),
              peer ->
                  filtered.stream().map(ControlPlanes.this::byId).anyMatch(g -> g.is(peer))
                      ? java.util.concurrent.CompletableFuture.completedFuture(false)
                      : probe.isOpen(peer),
              probe::close,
              this,
              this);
    }

    private boolean is(String peer) {
      return address.equals(peer);
    }

    @Override
    public List<Standing> standings() {
      return said.values().stream()
          .filter(other -> !other.gateway().equals(identity))
          .filter(other -> !cut.contains(identity.id() + ">" + other.gateway().id()))
          .toList();
    }

    @Override
    public void announce(Standing mine) {
      // Over the wire and back, as links do.
      said.put(identity, Standing.of(identity, mine.toWire("127.0.0.1:1")));
      listeners.forEach(Runnable::run);
    }

    @Override
    public void onChange(Runnable listener) {
      listeners.add(listener);
    }

    @Override
    public List<HeldTunnel> snapshot() {
      return List.copyOf(tunnels);
    }

    @Override
    public void close(
        SessionKey session, StreamId instance, long connection, CloseReason reason, String detail) {
      ordered.add(session + " " + reason + " " + detail);
      for (HeldTunnel tunnel : tunnels) {
        if (tunnel.session().equals(session) && tunnel.tunnel().instance().equals(instance)) {
          tunnels.remove(tunnel);
          plane.tunnelLost(tunnel, detail);
        }
      }
    }

    HeldTunnel attach(String session) {
      HeldTunnel tunnel =
          new HeldTunnel(
              SessionKey.of(session),
              new TunnelReport(
                  identity.id(),
                  identity.incarnation(),
                  StreamId.random(),
                  1,
                  1,
                  1,
                  0,
                  "127.0.0.1:9",
                  "test",
                  "nobody"));
      tunnels.add(tunnel);
      plane.tunnelUp(tunnel);
      return tunnel;
    }

    ControlStatus status() {
      return plane.status();
    }

    boolean isMemberOf(int members) {
      ControlStatus now = status();
      return now.state() == ControlStatus.State.MEMBER
          && now.members().size() == members
          && now.members().stream()
              .allMatch(member -> member.status().equals("up") && member.reachable());
    }

    void stop() {
      said.remove(identity);
      listeners.forEach(Runnable::run);
      try {
        plane.close().toCompletableFuture().get(20, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError("close: " + e, e);
      }
      tls.close();
      gateways.remove(this);
    }

    @Override
    public String toString() {
      return identity + " " + status();
    }
  }

  Gateway start(String id) {
    Gateway gateway = new Gateway(id, freePort());
    gateways.add(gateway);
    return gateway;
  }

  private Gateway byId(String id) {
    return gateways.stream().filter(g -> g.identity.id().equals(id)).findFirst().orElseThrow();
  }

  void filter(Gateway gateway) {
    filtered.add(gateway.identity.id());
  }

  void unfilter(Gateway gateway) {
    filtered.remove(gateway.identity.id());
  }

  void cutId(Gateway one, String other) {
    cut.add(one.identity.id() + ">" + other);
    cut.add(other + ">" + one.identity.id());
  }

  void healLinks() {
    cut.clear();
    listeners.forEach(Runnable::run);
  }

  /** One cluster of all that run. */
  boolean areOne() {
    long ids = gateways.stream().map(gateway -> gateway.status().clusterId()).distinct().count();
    return ids == 1 && gateways.stream().allMatch(gateway -> gateway.isMemberOf(gateways.size()));
  }

  void until(String what, Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        Assertions.fail("not within " + limit.toSeconds() + " s: " + what + "; " + gateways);
      }
      try {
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    List.copyOf(gateways).parallelStream().forEach(Gateway::stop);
    watch.close();
  }
}

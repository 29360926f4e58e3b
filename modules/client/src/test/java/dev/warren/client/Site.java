package dev.warren.client;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import dev.warren.peer.link.JoinAddress;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Two gateways of one cluster and an agent, {@value #AGENT}, that is attached to the first; and a
 * third by itself, which knows at once whom it does not know.
 */
final class Site implements AutoCloseable {
  static final String AGENT = "foo";

  /** In place of hops: the gateway by itself. */
  static final int ALONE = 2;

  private final List<Gateway> gateways = new ArrayList<>();
  private final Agent agent;

  Site(Path directory) throws Exception {
    Path token =
        Files.writeString(
            directory.resolve("cluster.token"),
            Token.generate(TokenKind.CLUSTER, new SecureRandom()) + "\n");
    int links = freePort();
    gateways.add(gateway("near", token, links, List.of()));
    gateways.add(gateway("far", token, 0, List.of(new JoinAddress("127.0.0.1", links))));
    gateways.add(
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(1)
                .build()));
    agent =
        Agent.start(
            AgentSettings.builder(
                    SessionKey.of(AGENT),
                    List.of(GatewayAddress.parse("ws://127.0.0.1:" + port(0) + "/connect")))
                .tunnels(1)
                .eventLoops(1)
                .build());
    agent.firstUp().get(60, TimeUnit.SECONDS);
    await("the far gateway knows the session", () -> gateways.get(1).sessions() == 1);
  }

  private static Gateway gateway(String id, Path token, int links, List<JoinAddress> join)
      throws IOException {
    InetSocketAddress free = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    return Gateway.start(
        GatewaySettings.builder()
            .id(id)
            .listen(free)
            .eventLoops(2)
            .drain(new GatewaySettings.Drain(Duration.ofMillis(50), Duration.ofSeconds(2)))
            .cluster(
                new GatewaySettings.Cluster(
                    token,
                    free,
                    Optional.empty(),
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), links),
                    Optional.empty(),
                    join))
            .build());
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  /** Of the gateway from which the agent is so many hops away. */
  int port(int hops) {
    return gateways.get(hops).address().getPort();
  }

  String url(int hops) {
    return "http://127.0.0.1:" + port(hops);
  }

  Gateway gateway(int hops) {
    return gateways.get(hops);
  }

  static void await(String what, BooleanSupplier holds) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("never: " + what);
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override
  public void close() {
    agent.close();
    gateways.forEach(Gateway::close);
  }
}

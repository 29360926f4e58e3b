package dev.warren.cli.e2e;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.pool.TunnelState;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A gateway and the agent {@value #AGENT}, connected over loopback as in production. */
final class Stage implements AutoCloseable {
  static final String AGENT = "foo";

  /** An agent that is back as soon as it can be. */
  private static final ReconnectSettings SWIFT =
      new ReconnectSettings(
          Duration.ofMillis(20),
          Duration.ofMillis(100),
          Duration.ofMillis(100),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1));

  final Gateway gateway;
  final Agent agent;
  final Cable cable;

  private Stage(Gateway gateway, Agent agent, Cable cable) {
    this.gateway = gateway;
    this.agent = agent;
    this.cable = cable;
  }

  static Stage start(int loops) throws Exception {
    return start(loops, UnaryOperator.identity(), UnaryOperator.identity());
  }

  static Stage start(
      int loops,
      UnaryOperator<GatewaySettings.Builder> ofGateway,
      UnaryOperator<AgentSettings.Builder> ofAgent)
      throws Exception {
    return start(loops, false, ofGateway, ofAgent);
  }

  /** With a {@link #cable} between the two, which is null otherwise. */
  static Stage cabled(int loops, UnaryOperator<AgentSettings.Builder> ofAgent) throws Exception {
    return start(loops, true, UnaryOperator.identity(), ofAgent);
  }

  /**
   * @param loops event loops of the gateway and of the agent each
   */
  private static Stage start(
      int loops,
      boolean cabled,
      UnaryOperator<GatewaySettings.Builder> ofGateway,
      UnaryOperator<AgentSettings.Builder> ofAgent)
      throws Exception {
    Gateway gateway = gateway(loops, ofGateway);
    int port = gateway.address().getPort();
    Cable cable = cabled ? Cable.to(port) : null;
    AgentSettings.Builder settings =
        agentSettings(cabled ? cable.port() : port, AGENT).eventLoops(loops).reconnect(SWIFT);
    Agent agent = Agent.start(ofAgent.apply(settings).build());
    Stage stage = new Stage(gateway, agent, cable);
    try {
      agent.firstUp().get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      stage.close();
      throw e;
    }
    return stage;
  }

  static Gateway gateway(int loops, UnaryOperator<GatewaySettings.Builder> more)
      throws IOException {
    return Gateway.start(
        more.apply(
                GatewaySettings.builder()
                    .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .eventLoops(loops))
            .build());
  }

  static AgentSettings.Builder agentSettings(int port, String id) {
    return AgentSettings.builder(
        SessionKey.of(id), List.of(GatewayAddress.parse("ws://127.0.0.1:" + port + "/connect")));
  }

  Wire caller() throws IOException {
    return Wire.to(gateway.address().getPort());
  }

  /** The path of a caller's request to this port behind the agent. */
  static String path(Origin origin, String rest) {
    return "/client/" + AGENT + "/http/127.0.0.1:" + origin.port() + rest;
  }

  /** The answer to one GET on a connection of its own, read to its end. */
  Message get(String path) throws IOException {
    try (Wire caller = caller()) {
      Message answer =
          caller.head("GET " + path + " HTTP/1.1", "Host: gateway", "Connection: close").message();
      answer.body(caller.in);
      return answer;
    }
  }

  void awaitAgent() {
    Eventually.holds(
        () -> "agent up: " + agent.tunnel(),
        () -> agent.tunnel().state() == TunnelState.UP && gateway.sessions() == 1);
  }

  /** Nothing of any stream is left, and nobody is connected but so many agents. */
  void awaitNothingLeft(int agents) {
    Eventually.holds(
        () ->
            "nothing left, but credit "
                + gateway.creditInUse()
                + ", connections "
                + gateway.connections()
                + " (expected: "
                + agents
                + "), dials "
                + agent.pendingDials(),
        () ->
            gateway.creditInUse() == 0
                && gateway.connections() == agents
                && agent.pendingDials() == 0);
  }

  /** Open sockets, pipes and pollers of this process; files come and go with classes. */
  static int descriptors() {
    int count = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path one : all) {
        try {
          if (!Files.readSymbolicLink(one).toString().startsWith("/")) {
            count++;
          }
        } catch (IOException gone) {
          // It was closed while we looked.
        }
      }
    } catch (IOException e) {
      throw new AssertionError("/proc/self/fd", e);
    }
    return count;
  }

  static void awaitDescriptors(int expected) {
    Eventually.holds(
        () -> descriptors() + " descriptors (expected: at most " + expected + ")",
        () -> descriptors() <= expected);
  }

  @Override
  public void close() throws IOException {
    agent.close();
    gateway.close();
    if (cable != null) {
      cable.close();
    }
  }
}

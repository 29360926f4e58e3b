package dev.warren.agent.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.Eventually;
import dev.warren.agent.Loopback;
import dev.warren.agent.ScriptedGateway;
import dev.warren.agent.ScriptedGateway.GatewayEnd;
import dev.warren.agent.StreamProbe;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.frame.Frame;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole agent between several scripted gateways. */
class TunnelPoolTest {
  private static final ReconnectSettings QUICK =
      new ReconnectSettings(
          Duration.ofMillis(1),
          Duration.ofMillis(20),
          Duration.ofMillis(20),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1));

  private final List<AutoCloseable> closeables = new ArrayList<>();

  @AfterEach
  void stop() throws Exception {
    for (int i = closeables.size() - 1; i >= 0; i--) {
      closeables.get(i).close();
    }
  }

  private ScriptedGateway gateway(String id) {
    ScriptedGateway gateway = new ScriptedGateway().named(id);
    closeables.add(gateway);
    return gateway;
  }

  private Agent agent(int tunnels, int loops, ScriptedGateway... doors) {
    List<GatewayAddress> addresses = Arrays.stream(doors).map(ScriptedGateway::address).toList();
    Agent agent =
        Agent.start(
            AgentSettings.builder(SessionKey.of("foo"), addresses)
                .tunnels(tunnels)
                .eventLoops(loops)
                .reconnect(QUICK)
                .build());
    closeables.add(agent);
    return agent;
  }

  private static void awaitHeld(Agent agent, String... gateways) {
    Eventually.holds(
        () -> held(agent).equals(new TreeSet<>(List.of(gateways))), () -> agent.pool().toString());
  }

  private static TreeSet<String> held(Agent agent) {
    TreeSet<String> held = new TreeSet<>();
    for (TunnelStatus tunnel : agent.tunnels()) {
      if (tunnel.state() == TunnelState.UP) {
        assertTrue(held.add(tunnel.gateway()), "two tunnels to " + tunnel.gateway());
      }
    }
    return held;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void advertisedAddressesAreDialledWithTheHostOfTheConnectUrl(int loops) throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    ScriptedGateway c = gateway("c");
    Agent agent = agent(AgentSettings.ALL_TUNNELS, loops, a);
    GatewayEnd first = a.tunnel();
    first.tell(1, a.listed(false, true), b.listed(false, true), c.listed(false, true));
    GatewayEnd second = b.tunnel();
    c.tunnel();
    awaitHeld(agent, "a", "b", "c");
    assertEquals("127.0.0.1:" + a.port(), b.request().headers().get("Host"));
    assertEquals(first.hello().instance(), second.hello().instance());
    assertEquals(7, second.hello().rank().epoch());
    Eventually.holds(
        () -> agent.pool().state() == PoolState.COMPLETE, () -> agent.pool().toString());
    assertEquals(3, agent.pool().gateways().size());
  }

  @Test
  void noMoreTunnelsThanWereAskedFor() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    ScriptedGateway c = gateway("c");
    Agent agent = agent(2, 1, a);
    a.tunnel().tell(1, a.listed(false, true), b.listed(false, true), c.listed(false, true));
    Eventually.holds(() -> held(agent).size() == 2, () -> agent.pool().toString());
    Eventually.holds(
        () -> agent.pool().state() == PoolState.COMPLETE, () -> agent.pool().toString());
    assertEquals(2, agent.pool().dials());
  }

  @Test
  void addressesThatNoRuleNamesAreNotDialled() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    Agent agent =
        Agent.start(
            AgentSettings.builder(SessionKey.of("foo"), List.of(a.address()))
                .gatewayRules(GatewayRules.parse(List.of("10.0.0.0/8")))
                .reconnect(QUICK)
                .build());
    closeables.add(agent);
    a.tunnel().tell(1, a.listed(false, true), b.listed(false, true));
    Eventually.holds(() -> agent.pool().gateways().size() == 2, () -> agent.pool().toString());
    assertEquals("", agent.pool().gateways().get(1).address());
    a.request();
    a.request(); // the door again, and not b
    assertEquals(0, b.requests());
  }

  @Test
  void tenThousandGatewaysAreBoundedAndOnlyWhereARuleAllowsItDialled() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    try (ServerSocket inside = new ServerSocket(0, 8, InetAddress.getByName("127.0.1.1"))) {
      String own = "127.0.1.1:" + inside.getLocalPort(); // not within the /24 of the connect URL
      Agent agent = agent(AgentSettings.ALL_TUNNELS, 1, a);
      GatewayEnd tunnel = a.tunnel();
      for (int message = 1; message <= 40; message++) {
        Frame.Gateway[] some = new Frame.Gateway[250];
        for (int i = 0; i < some.length; i++) {
          int number = (message * some.length + i) % 9_000; // some come twice
          some[i] = new Frame.Gateway("g" + number, 1, false, 60, own, false);
        }
        some[0] = new Frame.Gateway("a", 1, false, 60, own, false); // the gateway itself
        some[1] = some[0];
        some[2] = b.listed(false, true);
        tunnel.tell(message, some);
      }
      b.tunnel();
      awaitHeld(agent, "a", "b");
      Eventually.holds(
          () -> agent.pool().gateways().size() == Leases.MAX_KNOWN, () -> agent.pool().toString());
      a.request();
      a.request(); // the door again, for those that are hidden
      inside.setSoTimeout(1);
      assertThrows(SocketTimeoutException.class, inside::accept);
      for (GatewayStatus gateway : agent.pool().gateways()) {
        assertEquals(
            gateway.id().equals("b") ? "127.0.0.1:" + b.port() : "",
            gateway.address(),
            gateway.id());
      }
    }
  }

  @Test
  void aSecondTunnelToTheSameGatewayIsLeftBeforeItsHello() throws Exception {
    ScriptedGateway a = gateway("a");
    Agent agent = agent(2, 1, a);
    GatewayEnd only = a.tunnel();
    only.tell(1, a.listed(false, false), gateway("b").listed(false, false));
    for (int i = 0; i < 6; i++) {
      a.request();
    }
    awaitHeld(agent, "a");
    assertNull(a.anotherTunnel(), "a second HELLO");
    assertEquals(1, agent.tunnel().connection());
  }

  @Test
  void aDrainedTunnelIsReplacedBeforeItStopsAndItsStreamsGoOn() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    try (ServerSocket target = target()) {
      Agent agent = agent(1, 2, a);
      GatewayEnd old = a.tunnel();
      old.tell(1, a.listed(false, true), b.listed(false, true));
      StreamProbe stream = old.open("127.0.0.1:" + target.getLocalPort());
      assertEquals("opened", stream.next().what());
      try (Socket accepted = target.accept()) {
        old.tell(2, a.listed(true, true));
        old.drain(20_000, "the gateway goes");
        b.tunnel();
        assertEquals("moved", old.drained().detail());
        awaitHeld(agent, "b");
        // No new one, but the running one has both directions still.
        assertEquals(
            FaultCode.DRAINING, old.open("127.0.0.1:" + target.getLocalPort()).next().code());
        accepted.getOutputStream().write(new byte[] {1, 2, 3});
        accepted.shutdownOutput();
        assertEquals("finished", stream.next().what());
        stream.write(new byte[] {4, 5}).finish();
        assertEquals(2, accepted.getInputStream().readAllBytes().length);
      }
      ScriptedGateway.Ended ended = old.ended();
      assertEquals(FaultCode.SHUTDOWN, ended.code());
      assertTrue(ended.byPeer());
    }
  }

  @Test
  void streamsOfADrainedTunnelEndAtTheDeadline() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    try (ServerSocket target = target()) {
      agent(1, 1, a);
      GatewayEnd old = a.tunnel();
      old.tell(1, a.listed(false, true), b.listed(false, true));
      StreamProbe stream = old.open("127.0.0.1:" + target.getLocalPort());
      assertEquals("opened", stream.next().what());
      old.drain(300, "the gateway goes");
      b.tunnel();
      assertEquals(FaultCode.SHUTDOWN, old.ended().code());
      assertEquals(FaultCode.TUNNEL_LOST, stream.next().code());
    }
  }

  @Test
  void aRebalancedTunnelMovesAndCutsNoStream() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    try (ServerSocket target = target()) {
      Agent agent = agent(1, 1, a);
      GatewayEnd old = a.tunnel();
      old.tell(1, a.listed(false, true), b.listed(false, true));
      StreamProbe stream = old.open("127.0.0.1:" + target.getLocalPort());
      assertEquals("opened", stream.next().what());
      try (Socket accepted = target.accept()) {
        old.drain(20_000, "rebalance");
        b.tunnel();
        assertEquals("moved", old.drained().detail());
        awaitHeld(agent, "b");
        accepted.getOutputStream().write(1);
        accepted.shutdownOutput();
        assertEquals("finished", stream.next().what());
      }
    }
  }

  @Test
  void theLossOfOneTunnelLeavesTheOtherAndIsMadeGood() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    Agent agent = agent(2, 1, a);
    GatewayEnd first = a.tunnel();
    first.tell(1, a.listed(false, true), b.listed(false, true));
    GatewayEnd second = b.tunnel();
    second.tell(1, a.listed(false, true), b.listed(false, true));
    awaitHeld(agent, "a", "b");
    first.kill();
    GatewayEnd again = a.tunnel();
    assertEquals(3, again.hello().connection());
    awaitHeld(agent, "a", "b");
  }

  @Test
  void aDrainOfTheAgentWaitsForItsStreamsAndTakesNoNewOnes() throws Exception {
    ScriptedGateway a = gateway("a");
    ScriptedGateway b = gateway("b");
    try (ServerSocket target = target()) {
      Agent agent = agent(2, 2, a);
      GatewayEnd one = a.tunnel();
      one.tell(1, a.listed(false, true), b.listed(false, true));
      GatewayEnd two = b.tunnel();
      awaitHeld(agent, "a", "b");
      StreamProbe stream = one.open("127.0.0.1:" + target.getLocalPort());
      assertEquals("opened", stream.next().what());
      try (Socket accepted = target.accept()) {
        CompletableFuture<Boolean> drain =
            CompletableFuture.supplyAsync(() -> agent.drain(Duration.ofSeconds(30)));
        one.drained();
        two.drained();
        assertEquals(FaultCode.SHUTDOWN, two.ended().code());
        assertEquals(PoolState.DRAINING, agent.pool().state());
        assertFalse(drain.isDone());
        accepted.close();
        stream.finish();
        assertTrue(drain.get(30, TimeUnit.SECONDS));
        assertEquals(FaultCode.SHUTDOWN, one.ended().code());
      }
      agent.close();
      assertEquals(PoolState.CLOSED, agent.pool().state());
    }
  }

  @Test
  void aDrainOfTheAgentEndsAtItsLimit() throws Exception {
    ScriptedGateway a = gateway("a");
    try (ServerSocket target = target()) {
      Agent agent = agent(2, 1, a);
      GatewayEnd one = a.tunnel();
      StreamProbe stream = one.open("127.0.0.1:" + target.getLocalPort());
      assertEquals("opened", stream.next().what());
      assertTrue(agent.drain(Duration.ofMillis(200)));
      assertEquals(FaultCode.SHUTDOWN, one.ended().code());
      assertEquals(FaultCode.TUNNEL_LOST, stream.next().code());
    }
  }

  private static ServerSocket target() throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(Loopback.anyPort());
    return server;
  }
}

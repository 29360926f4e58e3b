package dev.warren.peer.discovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.link.Front;
import dev.warren.peer.link.Fronts;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.ScriptedTunnel;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.session.DuplicatePolicy;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What agents and peers are told of which gateways exist, and who is asked to move. */
class DiscoveryTest {
  private static final GatewayIdentity SELF = new GatewayIdentity("a", new Incarnation(1, 1));
  private static final GatewayIdentity PEER = new GatewayIdentity("b", new Incarnation(2, 2));

  private final EmbeddedChannel loop = new EmbeddedChannel();
  private final RouteTable table =
      new RouteTable(SELF, DuplicatePolicy.NEWEST, Ranks.ofOneGateway(), System::nanoTime);
  private final Map<GatewayIdentity, Front> fronts = new LinkedHashMap<>();
  private final List<Front> announced = new ArrayList<>();
  private long now;
  private Discovery discovery;

  @BeforeEach
  void start() {
    loop.freezeTime();
    Fronts links =
        new Fronts() {
          @Override
          public void announce(Front front) {
            announced.add(front);
          }

          @Override
          public Map<GatewayIdentity, Front> fronts() {
            return fronts;
          }
        };
    discovery = new Discovery(SELF, "a.example:1", table, links, loop.eventLoop(), () -> now);
    table.listen(discovery);
    tick();
  }

  @AfterEach
  void stop() {
    discovery.close();
    loop.finishAndReleaseAll();
  }

  private void tick() {
    now += Discovery.INTERVAL.toNanos();
    loop.advanceTimeBy(Discovery.INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    loop.runScheduledPendingTasks();
  }

  private ScriptedTunnel attach(String id) {
    SessionKey session = SessionKey.of(id);
    TunnelHandler handler =
        new TunnelHandler(
            Mux.Side.ACCEPTED,
            MuxSettings.DEFAULT,
            new CreditBudget(1 << 20),
            made -> new Nothing());
    ScriptedTunnel tunnel = new ScriptedTunnel(session, handler);
    table.admit(tunnel, ScriptedTunnel.hello(session, StreamId.random(), 1, Frame.Rank.NONE));
    table.welcomed(tunnel);
    loop.runPendingTasks();
    return tunnel;
  }

  private static Frame.Discovery only(ScriptedTunnel tunnel) {
    assertEquals(1, tunnel.told().size(), tunnel.told()::toString);
    return (Frame.Discovery) tunnel.told().remove(0);
  }

  private static List<String> ids(Frame.Discovery told) {
    return told.gateways().stream()
        .map(
            gateway ->
                (gateway.removed() ? "-" : "")
                    + gateway.id()
                    + (gateway.draining() ? " draining" : "")
                    + (gateway.address().isEmpty() ? "" : " at " + gateway.address()))
        .toList();
  }

  @Test
  void aNewTunnelIsToldAllAndEveryTunnelWhatChanges() {
    fronts.put(PEER, new Front(7, false, "", 3));
    tick();
    ScriptedTunnel first = attach("one");
    Frame.Discovery all = only(first);
    assertTrue(all.complete());
    assertEquals(List.of("a at a.example:1", "b"), ids(all));
    tick();
    assertTrue(first.told().isEmpty(), "nothing has changed");
    fronts.put(PEER, new Front(7, true, "", 3));
    tick();
    Frame.Discovery change = only(first);
    assertEquals(all.version() + 1, change.version());
    assertEquals(List.of("b draining"), ids(change));
    fronts.clear();
    tick();
    assertEquals(List.of("-b draining"), ids(only(first)));
    fronts.put(PEER, new Front(8, false, "", 9));
    tick();
    assertEquals(List.of("b"), ids(only(first)));
    fronts.put(PEER, new Front(8, false, "", 10));
    tick();
    assertTrue(first.told().isEmpty(), "how many tunnels a peer has is no agent's affair");
  }

  @Test
  void drainingIsSaidAtOnceToAgentsAndPeers() {
    ScriptedTunnel tunnel = attach("one");
    only(tunnel);
    announced.clear();
    discovery.draining();
    loop.runPendingTasks();
    assertEquals(List.of("a draining at a.example:1"), ids(only(tunnel)));
    assertEquals(1, announced.size());
    assertTrue(announced.get(0).draining());
  }

  @Test
  void peersHearOfTheNumberOfTunnelsAsItChangesByMoreThanAFiftieth() {
    for (int i = 0; i < 100; i++) {
      attach("agent-" + i);
    }
    tick();
    announced.clear();
    attach("one-more");
    attach("two-more");
    tick();
    assertEquals(List.of(), announced, "a fiftieth is no news");
    attach("three-more");
    tick();
    assertEquals(103, announced.get(0).tunnels());
  }

  @Test
  void whoHoldsMoreThanItsShareAsksSomeThatDoNotDrainToMove() {
    List<ScriptedTunnel> all = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      all.add(attach("agent-" + i));
    }
    for (int i = 0; i < 10; i++) {
      all.get(i).retire();
    }
    fronts.put(PEER, new Front(7, false, "", 0));
    tick();
    all.forEach(tunnel -> tunnel.told().clear());
    for (long waited = 0; waited < Rebalancing.SETTLED.toMillis() + 1_000; waited += 250) {
      tick();
    }
    int asked = 0;
    for (int i = 0; i < all.size(); i++) {
      for (Frame.OfTunnel frame : all.get(i).told()) {
        assertEquals(Discovery.REBALANCE, ((Frame.Drain) frame).detail());
        assertTrue(i >= 10, "one that drains was asked to move");
        asked++;
      }
    }
    assertTrue(asked > 0 && asked <= 2 * Rebalancing.PER_SECOND, asked + " were asked");
  }

  @Test
  void aGatewayThatDrainsAsksNobodyAndNobodyIsAskedToMoveToOneThatDoes() {
    List<ScriptedTunnel> all = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      all.add(attach("agent-" + i));
    }
    fronts.put(PEER, new Front(7, true, "", 0));
    for (long waited = 0; waited < 2 * Rebalancing.SETTLED.toMillis(); waited += 250) {
      tick();
    }
    for (ScriptedTunnel tunnel : all) {
      assertTrue(tunnel.told().stream().noneMatch(frame -> frame instanceof Frame.Drain));
    }
  }

  private static final class Nothing implements MuxEvents {
    @Override
    public void hello(Frame.Hello hello) {}

    @Override
    public void welcomed(Frame.Welcome welcome) {}

    @Override
    public void opening(Opening opening) {}

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(
        dev.warren.protocol.FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {}
  }
}

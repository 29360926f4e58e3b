package dev.warren.agent.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.Loopback;
import dev.warren.agent.ScriptedGateway;
import dev.warren.agent.ScriptedNames;
import dev.warren.agent.StreamProbe;
import dev.warren.agent.connect.ClientTls;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.dial.RefusalLog;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.agent.net.Transport;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import io.netty.channel.EventLoopGroup;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two tunnels of one agent, each on an event loop of its own, and attempts of one dial on both. */
class AttemptsTest {
  private final ScriptedGateway gateway = new ScriptedGateway();
  private final ScriptedNames names = new ScriptedNames();
  private final Transport transport = Transport.best();
  private final EventLoopGroup loops = transport.eventLoops(2);
  private final List<AgentTunnel> tunnels = new ArrayList<>();
  private final List<Nobody> owners = new ArrayList<>();
  private ServerSocket server;
  private TargetDialer dialer;
  private ScriptedGateway.GatewayEnd one;
  private ScriptedGateway.GatewayEnd two;

  @BeforeEach
  void startTunnels() throws Exception {
    server = new ServerSocket();
    server.bind(Loopback.anyPort());
    AgentSettings settings =
        AgentSettings.builder(SessionKey.of("foo"), List.of(gateway.address())).build();
    dialer =
        new TargetDialer(
            transport, names, settings.allow(), new RefusalLog(), Duration.ofSeconds(60), 8);
    GatewayConnector connector =
        new GatewayConnector(
            transport,
            names,
            settings.proxies(),
            new ClientTls(settings.caFile()),
            settings.session(),
            settings.token(),
            settings.connectLimit(),
            settings.software());
    AgentTunnel.Shared shared =
        new AgentTunnel.Shared(
            settings,
            new Instance(),
            connector,
            dialer,
            new CreditBudget(settings.memoryBudgetBytes()));
    for (int i = 0; i < 2; i++) {
      Nobody owner = new Nobody();
      owners.add(owner);
      AgentTunnel tunnel =
          new AgentTunnel(shared, loops.next(), i, gateway.address(), Optional.empty(), owner);
      tunnels.add(tunnel);
      tunnel.start();
      if (i == 0) {
        one = gateway.tunnel();
      }
    }
    two = gateway.tunnel();
    names.hold("slow.example");
  }

  @AfterEach
  void stop() throws Exception {
    for (AgentTunnel tunnel : tunnels) {
      tunnel.close("the test is over");
      assertTrue(tunnel.gone().await(20, TimeUnit.SECONDS));
    }
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    gateway.close();
    server.close();
  }

  private String target() {
    return "slow.example:" + server.getLocalPort();
  }

  private void answerTheName() {
    names.release("slow.example", "127.0.0.1");
  }

  /** A later OPEN of the same tunnel was answered, so all before it were taken in. */
  private static void settled(ScriptedGateway.GatewayEnd tunnel) throws InterruptedException {
    assertEquals("refused", tunnel.open("10.9.9.9:1").next().what());
  }

  @Test
  void theHigherAttemptOnTheOtherTunnelGetsTheOneConnection() throws Exception {
    StreamId id = StreamId.random();
    StreamProbe first = one.open(target(), id, 0, "ann");
    settled(one);
    StreamProbe second = two.open(target(), id, 1, "ann");
    settled(two);
    assertEquals(1, dialer.pending());
    answerTheName();
    assertEquals("opened", second.next().what());
    StreamProbe.Event lost = first.next();
    assertEquals("refused", lost.what());
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, lost.code());
    try (Socket accepted = server.accept()) {
      byte[] bytes = new byte[300_000];
      new Random(5).nextBytes(bytes);
      second.write(bytes).finish();
      assertArrayEquals(bytes, accepted.getInputStream().readAllBytes());
      accepted.getOutputStream().write(bytes);
      accepted.shutdownOutput();
      assertEquals("finished", second.next().what());
      assertArrayEquals(bytes, second.received());
      assertNobodyElseCame();
    }
  }

  @Test
  void theLossOfOneTunnelLeavesTheDialToTheOther() throws Exception {
    StreamId id = StreamId.random();
    StreamProbe first = one.open(target(), id, 0, "ann");
    settled(one);
    two.open(target(), id, 1, "ann");
    settled(two);
    two.kill();
    assertEquals(FaultCode.TUNNEL_LOST, two.ended().code());
    assertTrue(owners.get(1).over.await(20, TimeUnit.SECONDS)); // its streams were told before
    answerTheName();
    assertEquals("opened", first.next().what());
    server.accept().close();
    assertNobodyElseCame();
  }

  @Test
  void callersThatGiveUpEndTheDialWithTheLast() throws Exception {
    StreamId id = StreamId.random();
    StreamProbe first = one.open(target(), id, 0, "ann");
    settled(one);
    StreamProbe second = two.open(target(), id, 1, "ann");
    settled(two);
    second.reset();
    settled(two);
    assertEquals(1, dialer.pending());
    first.reset();
    settled(one);
    assertEquals(0, dialer.pending());
    answerTheName();
    assertNobodyElseCame();
  }

  @Test
  void anotherCallerNeverJoinsAndAnAttemptThatIsNotHigherIsRefused() throws Exception {
    StreamId id = StreamId.random();
    one.open(target(), id, 3, "ann");
    settled(one);
    StreamProbe same = two.open(target(), id, 3, "ann");
    assertEquals(FaultCode.STREAM_PROTOCOL, same.next().code());
    StreamProbe lower = two.open(target(), id, 2, "ann");
    assertEquals(FaultCode.STREAM_PROTOCOL, lower.next().code());
    StreamProbe other = two.open(target(), id, 4, "bob");
    settled(two);
    assertEquals(2, dialer.pending());
    answerTheName();
    assertEquals("opened", other.next().what());
    server.accept().close();
    server.accept().close();
  }

  private void assertNobodyElseCame() throws Exception {
    server.setSoTimeout(1);
    try (Socket came = server.accept()) {
      throw new AssertionError("unexpected connection from " + came);
    } catch (SocketTimeoutException expected) {
      assertEquals(0, dialer.pending());
    }
  }

  /** The tunnels are let be: both lead to the same gateway. */
  private static final class Nobody implements AgentTunnel.Owner {
    private final CountDownLatch over = new CountDownLatch(1);

    @Override
    public void answered(AgentTunnel tunnel, String gateway) {
      tunnel.introduce();
    }

    @Override
    public void welcomed(AgentTunnel tunnel, String gateway) {}

    @Override
    public void drained(AgentTunnel tunnel, dev.warren.protocol.frame.Frame.Drain drain) {}

    @Override
    public void discovered(AgentTunnel tunnel, dev.warren.protocol.frame.Frame.Discovery all) {}

    @Override
    public void over(AgentTunnel tunnel, String reason, Leases.Ending ending) {
      over.countDown();
    }
  }
}

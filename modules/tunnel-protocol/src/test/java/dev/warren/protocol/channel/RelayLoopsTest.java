package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The relay between real event loops: origin, the gateway's two connections, and the agent have a
 * thread each, and talk over sockets of the loopback.
 */
class RelayLoopsTest {
  private static final long SEED = Long.getLong("warren.seed", 7);

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(4, NioIoHandler.newFactory());
  private final List<EventLoopGroup> groups = new ArrayList<>();
  private final CreditBudget credit = new CreditBudget(64L << 20);
  private final RelayBudget node = RelayBudget.ofNode(16L << 20);
  private final Queue<RelayApp> agents = new ConcurrentLinkedQueue<>();
  private final Queue<RelayApp> origins = new ConcurrentLinkedQueue<>();

  /** The parties of one link and one tunnel. */
  private final class World {
    final RelayBudget budget;
    final TunnelHandler[] handlers = new TunnelHandler[4];
    volatile long up;
    volatile long down;
    volatile boolean agentConsumes = true;

    World(long capacity, boolean oneLoop) throws Exception {
      budget = node.ofTunnel(capacity);
      EventLoopGroup gateway = group();
      EventLoopGroup other = oneLoop ? gateway : group();
      connect(
          0,
          1,
          gateway,
          o -> o.refuse(FaultCode.NOT_HERE, ""),
          o -> RelayBridge.begin(o, handlers[1], handlers[2], budget));
      connect(3, 2, other, this::agentOpening, o -> o.refuse(FaultCode.NOT_HERE, ""));
      await(
          () ->
              call(0, () -> handlers[0].mux().isRunning())
                  && call(3, () -> handlers[3].mux().isRunning()));
    }

    private void connect(
        int dialled,
        int accepted,
        EventLoopGroup gateway,
        Consumer<Opening> atDialled,
        Consumer<Opening> atAccepted)
        throws Exception {
      handlers[dialled] = handler(Mux.Side.DIALLED, atDialled);
      handlers[accepted] = handler(Mux.Side.ACCEPTED, atAccepted);
      Channel listener =
          new ServerBootstrap()
              .group(loops, gateway)
              .channel(NioServerSocketChannel.class)
              .childHandler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                      channel.pipeline().addLast(handlers[accepted]);
                    }
                  })
              .bind(InetAddress.getLoopbackAddress(), 0)
              .sync()
              .channel();
      handlers[dialled]
          .mux()
          .start(
              new Frame.Hello(
                  1,
                  1,
                  dialled == 0 ? List.of(Mux.LINK) : List.of(),
                  "foo",
                  new StreamId(1, 2),
                  1,
                  MuxSettings.DEFAULT.limits(),
                  3_000,
                  Frame.Rank.NONE,
                  "test",
                  new byte[0]));
      new Bootstrap()
          .group(group())
          .channel(NioSocketChannel.class)
          .handler(handlers[dialled])
          .connect(listener.localAddress())
          .sync();
    }

    private void agentOpening(Opening opening) {
      RelayApp app =
          new RelayApp(
              "agent " + opening.open().stream(), handlers[3], down, up, 20_000, agentConsumes);
      app.attach(opening.accept(app));
      agents.add(app);
      handlers[3].eventLoop().execute(app::accept);
    }

    RelayApp open() {
      RelayApp app = new RelayApp("origin " + origins.size(), handlers[0], up, down, 20_000, true);
      origins.add(app);
      Frame.Open wish =
          new Frame.Open(
              0,
              new StreamId(7, origins.size()),
              Frame.Open.BYTES,
              "127.0.0.1:80",
              5_000,
              0,
              1,
              List.of(),
              0,
              "",
              "",
              "_/foo");
      handlers[0]
          .eventLoop()
          .execute(
              () -> {
                app.attach(handlers[0].mux().open(wish, app, System.nanoTime()));
                handlers[0].sendSoon();
              });
      return app;
    }

    boolean call(int i, BooleanSupplier question) {
      try {
        return handlers[i].eventLoop().submit(question::getAsBoolean).get(20, TimeUnit.SECONDS);
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    void checkHeld() {
      long held = budget.gauge().heldBytes();
      assertTrue(
          held <= budget.capacity(),
          () -> held + " bytes are held (capacity: " + budget.capacity() + ")");
    }

    void awaitOver() {
      await(
          () -> {
            checkHeld();
            return origins.stream().allMatch(RelayApp::isDone)
                && agents.stream().allMatch(RelayApp::isDone)
                && budget.gauge().open() == 0;
          });
      await(() -> call(1, () -> true) && call(2, () -> true) && budget.gauge().heldBytes() == 0);
      assertEquals(0, budget.used());
      await(
          () ->
              call(1, () -> handlers[1].mux().streams() == 0)
                  && call(2, () -> handlers[2].mux().streams() == 0));
    }
  }

  private EventLoopGroup group() {
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    groups.add(group);
    return group;
  }

  private TunnelHandler handler(Mux.Side side, Consumer<Opening> opening) {
    return new TunnelHandler(
        side, MuxSettings.DEFAULT, credit, made -> new RelayEvents(made, opening));
  }

  private void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(
          System.nanoTime() < deadline,
          () -> "still not: origins " + origins + ", agents " + agents);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @AfterEach
  void stop() throws Exception {
    groups.add(loops);
    for (EventLoopGroup group : groups) {
      group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
    }
    for (EventLoopGroup group : groups) {
      group.terminationFuture().sync();
    }
    assertEquals(0, credit.used());
  }

  @Test
  void everyByteArrivesBothWaysAcrossLoops() throws Exception {
    World world = new World(RelayBudget.DEFAULT_PER_TUNNEL, false);
    moves(world);
  }

  @Test
  void everyByteArrivesBothWaysOnOneLoop() throws Exception {
    World world = new World(RelayBudget.DEFAULT_PER_TUNNEL, true);
    moves(world);
  }

  private void moves(World world) {
    world.up = 6_000_000;
    world.down = 9_000_000;
    for (int i = 0; i < 5; i++) {
      world.open();
    }
    world.awaitOver();
    for (RelayApp app : origins) {
      assertEquals("finished", app.lastWord, app::toString);
    }
    assertEquals(5, world.budget.gauge().begun());
    TunnelHandler towardsAgent = world.handlers[2];
    assertTrue(towardsAgent.sentBytes() > 5 * world.up, () -> "" + towardsAgent.sentBytes());
    assertTrue(towardsAgent.receivedBytes() > 5 * world.down);
    assertEquals(0, towardsAgent.streams());
  }

  @Test
  void whatAStalledReaderMakesUsHoldIsBounded() throws Exception {
    World world = new World(300_000, false);
    world.up = 3_000_000;
    world.down = 3_000_000;
    world.agentConsumes = false;
    for (int i = 0; i < 10; i++) {
      world.open();
    }
    await(
        () -> {
          world.checkHeld();
          return origins.stream().allMatch(app -> app.open || app.isDone())
              && agents.stream().allMatch(app -> app.moved == CreditBudget.FIRST_WINDOW);
        });
    await(
        () -> {
          world.checkHeld();
          for (RelayApp app : agents) {
            world.handlers[3].eventLoop().execute(app::consume);
          }
          return agents.stream().allMatch(RelayApp::isDone);
        });
    world.awaitOver();
    assertTrue(origins.stream().anyMatch(app -> app.open));
    for (RelayApp app : origins) { // the budget covers some of them only
      assertTrue(
          app.lastWord.equals("finished") || app.lastWord.startsWith("refused OVERLOADED"),
          app::toString);
    }
  }

  @Test
  void lossAtAnyMomentLeavesNothing() throws Exception {
    for (int round = 0; round < 12; round++) {
      SplittableRandom random = new SplittableRandom(SEED + round);
      origins.clear();
      agents.clear();
      World world = new World(200_000, random.nextInt(4) == 0);
      world.up = 100_000_000;
      world.down = 100_000_000;
      for (int i = 0; i < 6; i++) {
        world.open();
      }
      long lossAt = random.nextLong(2_000_000);
      await(() -> agents.stream().mapToLong(app -> app.moved).sum() >= lossAt);
      if (random.nextInt(3) == 0) {
        List<RelayApp> some = List.copyOf(random.nextBoolean() ? origins : agents);
        for (RelayApp app : some.subList(0, some.size() / 2)) {
          world.handlers[origins.contains(app) ? 0 : 3].eventLoop().execute(app::breakOff);
        }
      }
      world.handlers[random.nextInt(4)].channel().close();
      try {
        await(
            () -> world.budget.gauge().open() == 0 && origins.stream().allMatch(RelayApp::isDone));
        for (TunnelHandler handler : world.handlers) {
          handler.channel().close().sync();
        }
        world.awaitOver();
      } catch (AssertionError e) {
        throw new AssertionError("seed " + (SEED + round), e);
      }
    }
  }
}

package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.relay.RelayBudget;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * A relay between two event loops, each turned by hand in an order that a seed makes; so what holds
 * between any two steps can be checked.
 */
class RelayBridgeTest {
  private static final long SEED = Long.getLong("warren.seed", 20_261_121);
  private static final int WORLDS = 150;

  /** Four channels with an event loop each: the origin's, the gateway's two, and the agent's. */
  private static final class World {
    final SplittableRandom random;
    final RelayBudget node = RelayBudget.ofNode(16L << 20);
    final RelayBudget budget;
    final EmbeddedChannel[] channels = new EmbeddedChannel[4];
    final TunnelHandler[] handlers = new TunnelHandler[4];
    final CreditBudget credit = new CreditBudget(64L << 20);
    final List<RelayApp> origins = new ArrayList<>();
    final List<RelayApp> agents = new ArrayList<>();
    final List<RelayApp> unanswered = new ArrayList<>();
    boolean refuseAll;
    long up;
    long down;
    int piece = 10_000;
    boolean agentConsumes = true;

    World(long seed, long capacity) {
      random = new SplittableRandom(seed);
      budget = node.ofTunnel(capacity);
      add(0, Mux.Side.DIALLED, this::nobody);
      add(1, Mux.Side.ACCEPTED, o -> RelayBridge.begin(o, handlers[1], handlers[2], budget));
      add(2, Mux.Side.ACCEPTED, this::nobody);
      add(3, Mux.Side.DIALLED, this::agentOpening);
      handlers[0].mux().start(hello("north-2", List.of(Mux.LINK)));
      handlers[3].mux().start(hello("foo", List.of()));
      for (EmbeddedChannel channel : channels) {
        channel.runPendingTasks();
      }
      settle();
      assertTrue(handlers[0].mux().isRunning() && handlers[3].mux().isRunning());
    }

    private void add(int i, Mux.Side side, Consumer<Opening> opening) {
      handlers[i] =
          new TunnelHandler(
              side, MuxSettings.DEFAULT, credit, made -> new RelayEvents(made, opening));
      channels[i] = new EmbeddedChannel();
      channels[i].freezeTime();
      channels[i].pipeline().addLast(handlers[i]);
    }

    private void nobody(Opening opening) {
      opening.refuse(FaultCode.NOT_HERE, "nobody");
    }

    private static Frame.Hello hello(String session, List<String> capabilities) {
      return new Frame.Hello(
          1,
          1,
          capabilities,
          session,
          new StreamId(1, 2),
          1,
          MuxSettings.DEFAULT.limits(),
          3_000,
          Frame.Rank.NONE,
          "test",
          new byte[0]);
    }

    private void agentOpening(Opening opening) {
      RelayApp app =
          new RelayApp("agent " + agents.size(), handlers[3], down, up, piece, agentConsumes);
      app.attach(opening.accept(app));
      agents.add(app);
      unanswered.add(app);
    }

    RelayApp open() {
      RelayApp app = new RelayApp("origin " + origins.size(), handlers[0], up, down, piece, true);
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
      app.attach(handlers[0].mux().open(wish, app, System.nanoTime()));
      handlers[0].sendSoon();
      return app;
    }

    /** One channel's peer gets some of what it sent, or an event loop runs its tasks. */
    boolean step(int i) {
      EmbeddedChannel channel = channels[i];
      channel.runPendingTasks();
      EmbeddedChannel peer = channels[i ^ 1];
      ByteBuf bytes = channel.readOutbound();
      if (bytes == null) {
        check();
        return false;
      }
      if (!peer.isActive()) {
        bytes.release();
      } else if (bytes.readableBytes() > 1 && random.nextInt(4) == 0) {
        int cut = 1 + random.nextInt(bytes.readableBytes() - 1);
        peer.pipeline().fireChannelRead(bytes.readRetainedSlice(cut));
        peer.pipeline().fireChannelReadComplete();
        check();
        peer.pipeline().fireChannelRead(bytes);
        peer.pipeline().fireChannelReadComplete();
      } else {
        peer.pipeline().fireChannelRead(bytes);
        if (random.nextInt(3) > 0) {
          peer.pipeline().fireChannelReadComplete();
        } else {
          ByteBuf more = channel.readOutbound();
          if (more != null) {
            peer.pipeline().fireChannelRead(more);
          }
          peer.pipeline().fireChannelReadComplete();
        }
      }
      check();
      return true;
    }

    void answer() {
      for (RelayApp app : unanswered) {
        if (refuseAll) {
          app.refuse();
        } else {
          app.accept();
        }
      }
      unanswered.clear();
    }

    void check() {
      long held = budget.gauge().heldBytes();
      assertTrue(held >= 0, () -> "held " + held);
      assertTrue(
          held <= budget.used(), () -> held + " bytes are held (reserved: " + budget.used() + ")");
      assertTrue(budget.used() <= budget.capacity());
    }

    /** Turns all until nothing is left to do. */
    void settle() {
      int idle = 0;
      for (int round = 0; idle < 40; round++) {
        assertTrue(round < 2_000_000, this::describe);
        idle = step(random.nextInt(4)) ? 0 : idle + 1;
      }
    }

    String describe() {
      return "origins " + origins + ", agents " + agents + ", open " + budget.gauge().open();
    }

    void lose(int i) {
      channels[i].close();
      check();
    }

    void checkOver() {
      assertEquals(0, budget.gauge().open(), this::describe);
      assertEquals(0, budget.used());
      assertEquals(0, node.used());
      assertEquals(0, budget.gauge().heldBytes());
      for (RelayApp app : origins) {
        assertNotNull(app.lastWord, app::toString);
      }
      for (RelayApp app : agents) {
        assertNotNull(app.lastWord, app::toString);
      }
      for (TunnelHandler handler : handlers) {
        assertEquals(0, handler.mux().streams(), this::describe);
      }
    }

    void close() {
      for (EmbeddedChannel channel : channels) {
        channel.close();
      }
      for (EmbeddedChannel channel : channels) {
        channel.runPendingTasks();
      }
      for (EmbeddedChannel channel : channels) {
        channel.finishAndReleaseAll();
      }
      for (RelayApp app : origins) {
        app.breakOff();
      }
      assertEquals(0, budget.used());
      assertEquals(0, budget.gauge().open());
      assertEquals(0, budget.gauge().heldBytes());
    }
  }

  @Test
  void bytesPassBothWaysAndTheFinishes() {
    World world = new World(1, RelayBudget.DEFAULT_PER_TUNNEL);
    world.up = 700_000;
    world.down = 900_000;
    RelayApp origin = world.open();
    world.settle();
    assertEquals(1, world.budget.gauge().open());
    world.answer();
    world.settle();
    assertEquals("finished", origin.lastWord);
    assertEquals("finished", world.agents.get(0).lastWord);
    world.checkOver();
    assertEquals(1, world.budget.gauge().begun());
    world.close();
  }

  @Test
  void refusalOfTheAgentPasses() {
    World world = new World(1, RelayBudget.DEFAULT_PER_TUNNEL);
    world.refuseAll = true;
    RelayApp origin = world.open();
    world.settle();
    world.answer();
    world.settle();
    assertEquals("refused TARGET_REFUSED: not today", origin.lastWord);
    world.checkOver();
    world.close();
  }

  @Test
  void tunnelThatDrainsOrIsGoneAndABudgetThatIsUsedUpRefuse() {
    World world = new World(1, 4_000);
    RelayApp first = world.open();
    RelayApp second = world.open();
    world.settle();
    assertTrue(second.lastWord.startsWith("refused OVERLOADED"), second::toString);
    world.handlers[3].mux().drain(new Frame.Drain(1_000, ""));
    world.handlers[3].sendSoon();
    world.settle();
    RelayApp third = world.open();
    world.settle();
    assertTrue(third.lastWord.startsWith("refused DRAINING"), third::toString);
    world.lose(2);
    world.settle();
    assertTrue(first.lastWord.startsWith("refused LINK_LOST"), first::toString);
    RelayApp fourth = world.open();
    world.settle();
    assertTrue(fourth.lastWord.startsWith("refused LINK_LOST"), fourth::toString);
    world.close();
  }

  @Test
  void originThatGivesUpBeforeTheAnswerIsHeard() {
    World world = new World(1, RelayBudget.DEFAULT_PER_TUNNEL);
    RelayApp origin = world.open();
    world.step(0); // OPEN has reached the gateway, and waits to be handed over
    world.step(0);
    origin.breakOff();
    world.settle();
    world.checkOver();
    world.close();
  }

  @Test
  void readerThatTakesNothingIsSentNoMoreThanTheWindow() {
    World world = new World(1, RelayBudget.DEFAULT_PER_TUNNEL);
    world.up = 4_000_000;
    world.agentConsumes = false;
    world.open();
    world.settle();
    world.answer();
    world.settle();
    RelayApp agent = world.agents.get(0);
    assertEquals(CreditBudget.FIRST_WINDOW, agent.moved);
    for (int i = 0; i < 1_000 && !agent.isDone(); i++) {
      agent.consume();
      world.settle();
    }
    world.checkOver();
    world.close();
  }

  // ---- origins that break the rules

  /** The gateway's loop for the origin reads these frames in one go, as if they were its own. */
  private static void inject(World world, Consumer<ByteBuf> frames) {
    ByteBuf wire = Unpooled.buffer();
    frames.accept(wire);
    world.channels[1].pipeline().fireChannelRead(wire);
    world.check();
    world.channels[1].pipeline().fireChannelReadComplete();
    world.check();
  }

  private static World withSilentOrigin(long capacity) {
    World world = new World(1, capacity);
    world.agentConsumes = false;
    RelayApp origin = world.open();
    origin.silent = true;
    world.settle();
    return world;
  }

  private static void expectReset(World world, FaultCode code) {
    world.settle();
    assertTrue(world.origins.get(0).lastWord.startsWith("reset " + code), () -> world.describe());
    assertTrue(world.agents.get(0).lastWord.startsWith("reset " + code), () -> world.describe());
    world.checkOver();
    world.close();
  }

  private static ByteBuf zeros(int length) {
    return Unpooled.wrappedBuffer(new byte[length]);
  }

  @Test
  void dataBeforeTheAnswerIsRefusedAndNotHandedOver() {
    World world = withSilentOrigin(RelayBudget.DEFAULT_PER_TUNNEL);
    long number = world.origins.get(0).stream().open().stream();
    inject(world, wire -> FrameCodec.write(wire, new Frame.Data(number, 0, zeros(1))));
    assertEquals(0, world.budget.gauge().heldBytes());
    world.settle();
    assertTrue(world.origins.get(0).lastWord.startsWith("refused FLOW_CONTROL"));
    world.checkOver();
    world.close();
  }

  @Test
  void dataBeyondTheCreditOrAtAnotherOffsetCostsTheStream() {
    for (boolean gap : new boolean[] {true, false}) {
      World world = withSilentOrigin(RelayBudget.DEFAULT_PER_TUNNEL);
      world.agents.get(0).silent = true;
      world.agents.get(0).unchecked = true;
      world.answer();
      world.settle();
      long number = world.origins.get(0).stream().open().stream();
      inject(
          world,
          wire -> {
            for (int i = 0; i < 9; i++) {
              long offset = gap && i > 3 ? 1 : i * 30_000L;
              FrameCodec.write(wire, new Frame.Data(number, offset, zeros(30_000)));
            }
          });
      expectReset(world, FaultCode.FLOW_CONTROL);
    }
  }

  @Test
  void framesOfUnknownKindArePaidForUntilTheBudgetEnds() {
    byte[] unknown = {15 << 3, 1, (byte) 0xa0, 1, 7};
    World world = withSilentOrigin(100_000);
    world.agents.get(0).silent = true;
    world.answer();
    world.settle();
    long number = world.origins.get(0).stream().open().stream();
    Consumer<ByteBuf> frame =
        wire -> {
          FrameCodec.writeRaw(wire, number, Unpooled.wrappedBuffer(unknown), 200);
          wire.writeZero(200);
        };
    for (int i = 0; i < 500; i++) { // one after the other there is always room
      inject(world, frame);
      world.settle();
    }
    assertEquals(1, world.budget.gauge().open());
    inject(
        world,
        wire -> {
          for (int i = 0; i < 500; i++) {
            frame.accept(wire);
          }
        });
    expectReset(world, FaultCode.OVERLOADED);
  }

  @Test
  void whateverHappensEndsAndKeepsNothing() {
    for (int i = 0; i < WORLDS; i++) {
      long seed = SEED + i;
      try {
        runRandom(seed);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + " (-Dwarren.seed=" + seed + ")", e);
      }
    }
  }

  private static void runRandom(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    World world = new World(seed, 10_000 + random.nextInt(1 << (14 + random.nextInt(8))));
    world.up = random.nextInt(1 << random.nextInt(19));
    world.down = random.nextInt(1 << random.nextInt(19));
    world.piece = 1 << (4 + random.nextInt(12));
    world.up = Math.min(world.up, world.piece * 1_000L);
    world.down = Math.min(world.down, world.piece * 1_000L);
    world.agentConsumes = random.nextBoolean();
    int streams = 1 + random.nextInt(8);
    int lossAfter = random.nextInt(3) == 0 ? random.nextInt(400) : -1;
    int resetAfter = random.nextInt(3) == 0 ? random.nextInt(300) : -1;
    int opened = 0;
    for (int step = 0; ; step++) {
      world.step(random.nextInt(4));
      if (opened < streams && random.nextInt(5) == 0) {
        RelayApp app = world.open();
        opened++;
        if (app.stream() == null) {
          assertNotNull(app.lastWord);
        }
      }
      if (random.nextInt(4) == 0) {
        world.refuseAll = random.nextInt(6) == 0;
        world.answer();
      }
      if (random.nextInt(6) == 0) {
        world.agents.forEach(RelayApp::consume);
      }
      if (step == lossAfter) {
        world.lose(random.nextInt(4));
      }
      if (step == resetAfter && !world.origins.isEmpty()) {
        boolean byAgent = random.nextBoolean() && !world.agents.isEmpty();
        List<RelayApp> apps = byAgent ? world.agents : world.origins;
        RelayApp app = apps.get(random.nextInt(apps.size()));
        if (app.stream() != null) {
          app.breakOff();
        }
      }
      if (step > 600 && opened == streams) {
        break;
      }
    }
    for (int i = 0; i < 5_000 && !over(world); i++) {
      world.settle();
      world.answer();
      world.agents.forEach(RelayApp::consume);
    }
    if (lossAfter >= 0) { // the other side of what was lost notices
      for (int i = 0; i < 4; i++) {
        if (!world.channels[i].isActive()) {
          world.lose(i ^ 1);
        }
      }
    }
    world.settle();
    world.checkOver();
    world.close();
  }

  private static boolean over(World world) {
    return world.budget.gauge().open() == 0
        && world.origins.stream().allMatch(RelayApp::isDone)
        && world.agents.stream().allMatch(RelayApp::isDone);
  }
}

package dev.warren.protocol.remotedialer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Callers, a gateway's multiplexer, our interpreter for a remotedialer client, the wire, our
 * interpreter for a remotedialer server, an agent's multiplexer, targets: all in one thread, with a
 * clock and a network that a seed decides.
 */
final class RoundTripWorld {
  private static final int MOST_ON_THE_WIRE = 64 * 1024;
  private static final long MILLI = 1_000_000;

  private final Random random;
  private final CreditBudget gatewayBudget = new CreditBudget(64L << 20);
  private final CreditBudget agentBudget = new CreditBudget(64L << 20);
  private long now = 5_000_000_000L;

  private final Leg toAgent = new Leg();
  private final Leg toGateway = new Leg();
  private final Interpreter atGateway;
  private final Interpreter atAgent;
  private final Mux gateway;
  private final Mux agent;
  private final List<App> apps = new ArrayList<>();
  private int callers;

  /** One direction of the WebSocket: messages in order, each arriving in pieces. */
  private final class Leg implements Wire {
    private final ArrayDeque<ByteBuf> messages = new ArrayDeque<>();
    private final ArrayDeque<Long> pings = new ArrayDeque<>();
    private int bytes;
    private boolean inMessage;

    @Override
    public boolean isWritable() {
      return bytes < MOST_ON_THE_WIRE;
    }

    @Override
    public ByteBufAllocator allocator() {
      return UnpooledByteBufAllocator.DEFAULT;
    }

    @Override
    public void send(ByteBuf head, ByteBuf bodyOrNull) {
      ByteBuf message = Unpooled.buffer();
      message.writeBytes(head);
      head.release();
      if (bodyOrNull != null) {
        message.writeBytes(bodyOrNull);
        bodyOrNull.release();
      }
      bytes += message.readableBytes();
      messages.add(message);
    }

    @Override
    public void ping(long number) {
      pings.add(number);
    }

    void deliver(Interpreter to, Interpreter from) {
      Long ping = pings.poll();
      if (ping != null) {
        to.pinged(now);
        from.ponged(ping, now);
      }
      ByteBuf message = messages.peek();
      if (message == null) {
        return;
      }
      int part =
          random.nextBoolean()
              ? message.readableBytes()
              : random.nextInt(Math.min(4_096, message.readableBytes()) + 1);
      ByteBuf fragment = message.readSlice(part);
      boolean first = !inMessage;
      inMessage = message.isReadable();
      to.received(fragment, first, !inMessage, now);
      bytes -= part;
      if (!inMessage) {
        messages.poll().release();
      }
    }

    void drop() {
      messages.forEach(ByteBuf::release);
      messages.clear();
    }
  }

  private class Events implements MuxEvents {
    private Mux mux;

    @Override
    public void hello(Frame.Hello hello) {
      mux.welcome("gateway", hello.session(), Frame.Rank.NONE, "test");
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {}

    @Override
    public void opening(Opening opening) {
      int plan = Integer.parseInt(opening.open().target().replaceAll(".*:", ""));
      App target = new App(new Plan(plan), false);
      target.stream = opening.accept(target);
      if (target.plan.refuses) {
        target.stream.refuse(FaultCode.TARGET_REFUSED, "connection refused");
        target.over = true;
      } else {
        target.stream.opened(now);
      }
      apps.add(target);
    }

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {}
  }

  /** What a caller and its target do; both know it by its number, which is the target's port. */
  private static final class Plan {
    private final int number;
    private final long question; // bytes
    private final long answer;
    private final boolean callerEndsFirst;
    private final boolean refuses;
    private final boolean callerBreaks;
    private final boolean targetBreaks;
    private final boolean slowCaller;
    private final boolean slowTarget;

    Plan(int number) {
      Random random = new Random(number * 7_919L);
      this.number = number;
      this.question = size(random);
      this.answer = size(random);
      this.callerEndsFirst = random.nextInt(3) == 0;
      int fate = random.nextInt(12);
      this.refuses = fate == 0;
      this.callerBreaks = fate == 1;
      this.targetBreaks = fate == 2;
      this.slowCaller = random.nextInt(5) == 0;
      this.slowTarget = random.nextInt(5) == 0;
    }

    private static long size(Random random) {
      return switch (random.nextInt(4)) {
        case 0 -> 0;
        case 1 -> random.nextInt(100);
        case 2 -> random.nextInt(50_000);
        default -> random.nextInt(700_000);
      };
    }
  }

  /** A caller or a target. */
  private final class App implements StreamEnd {
    private final Plan plan;
    private final boolean caller;
    private MuxStream stream;
    private boolean open;
    private long written;
    private int queued;
    private long read;
    private int unread;
    private boolean finishGiven;
    private boolean finishSeen;
    private boolean over;
    private FaultCode broke;

    App(Plan plan, boolean caller) {
      this.plan = plan;
      this.caller = caller;
      this.open = !caller;
    }

    private long toWrite() {
      return caller ? plan.question : plan.answer;
    }

    private long toRead() {
      return caller ? plan.answer : plan.question;
    }

    @Override
    public void opened() {
      open = true;
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      broke = code;
      over = true;
    }

    @Override
    public void data(ByteBuf bytes) {
      int length = bytes.readableBytes();
      for (int i = 0; i < length; i++) {
        if (bytes.readByte() != pattern(read + i, !caller)) {
          throw new AssertionError("plan " + plan.number + ": a wrong byte at " + (read + i));
        }
      }
      bytes.release();
      read += length;
      unread += length;
    }

    @Override
    public void finished() {
      finishSeen = true;
    }

    @Override
    public void reset(FaultCode code, String detail) {
      broke = code;
      over = true;
    }

    @Override
    public void sent(int bytes) {
      queued -= bytes;
    }

    @Override
    public void burstEnded() {}

    private byte pattern(long at, boolean ofCaller) {
      return (byte) (at * 31 + (at >>> 8) + plan.number + (ofCaller ? 1 : 0));
    }

    /** Whoever was not cut off has had all, and in order. */
    void check() {
      String who = "plan " + plan.number + (caller ? ", caller" : ", target");
      if (plan.refuses) {
        // Refused, or reset where the word came later than the grace.
        assertEquals(caller, broke != null, who + ": " + broke);
      } else if (!plan.callerBreaks && !plan.targetBreaks) {
        assertEquals(null, broke, who);
        assertEquals(toRead(), read, who);
      }
    }

    void step() {
      if (over || !open) {
        return;
      }
      boolean slow = caller ? plan.slowCaller : plan.slowTarget;
      if (unread > 0 && (!slow || random.nextInt(20) == 0)) {
        int part = 1 + random.nextInt(unread);
        unread -= part;
        stream.consumed(part, now);
      }
      boolean breaks = caller ? plan.callerBreaks : plan.targetBreaks;
      if (breaks && written >= toWrite() / 2 && random.nextInt(10) == 0) {
        stream.reset(caller ? FaultCode.CANCELLED : FaultCode.TARGET_RESET, "gave up");
        over = true;
        return;
      }
      if (written < toWrite() && queued < 100_000) {
        int part = (int) Math.min(toWrite() - written, 1 + random.nextInt(40_000));
        ByteBuf bytes = Unpooled.buffer(part);
        for (int i = 0; i < part; i++) {
          bytes.writeByte(pattern(written + i, caller));
        }
        written += part;
        queued += part;
        stream.write(bytes);
      }
      boolean mayEnd = caller ? plan.callerEndsFirst || finishSeen : read == toRead();
      if (written == toWrite() && mayEnd && !finishGiven) {
        finishGiven = true;
        stream.finish();
      }
      if (finishGiven && finishSeen && unread == 0) {
        over = true;
      }
    }
  }

  RoundTripWorld(long seed) {
    random = new Random(seed);
    MuxSettings settings = MuxSettings.DEFAULT;
    Events gatewayEvents = new Events();
    Events agentEvents = new Events();
    gateway = new Mux(Mux.Side.ACCEPTED, settings, gatewayBudget, gatewayEvents, now);
    gatewayEvents.mux = gateway;
    agent = new Mux(Mux.Side.DIALLED, settings, agentBudget, agentEvents, now);
    agentEvents.mux = agent;
    atGateway =
        Interpreter.ofClient(settings, gatewayBudget, toAgent, "foo", new StreamId(1, 2), "x", now);
    atAgent = Interpreter.ofServer(settings, agentBudget, toGateway, "server", now);
    agent.start(
        new Frame.Hello(
            1,
            1,
            List.of(),
            "foo",
            new StreamId(3, 4),
            1,
            settings.limits(),
            3_000,
            Frame.Rank.NONE,
            "test",
            new byte[0]));
  }

  private void transfer(Mux from, Mux to) {
    ByteBuf all = Unpooled.buffer();
    FrameOutput out =
        new FrameOutput() {
          @Override
          public ByteBuf small() {
            return all;
          }

          @Override
          public void payload(ByteBuf bytes) {
            all.writeBytes(bytes);
            bytes.release();
          }
        };
    while (from.writeNext(out, now)) {
      // all of it, as the channel handler does
    }
    to.received(all, now);
    to.burstEnded();
    all.release();
  }

  private void step() {
    now += random.nextInt(5) * MILLI / 10;
    switch (random.nextInt(6)) {
      case 0 -> {
        atGateway.at(now);
        transfer(gateway, atGateway.mux());
        atGateway.writable(now);
      }
      case 1 -> {
        atGateway.at(now);
        transfer(atGateway.mux(), gateway);
      }
      case 2 -> {
        atAgent.at(now);
        transfer(agent, atAgent.mux());
        atAgent.writable(now);
      }
      case 3 -> {
        atAgent.at(now);
        transfer(atAgent.mux(), agent);
      }
      case 4 -> {
        toAgent.deliver(atAgent, atGateway);
        atAgent.writable(now);
      }
      default -> {
        toGateway.deliver(atGateway, atAgent);
        atGateway.writable(now);
      }
    }
    if (atGateway.nextGrace() - now <= 0) {
      atGateway.graceOver(now);
    }
    for (int i = 0; i < apps.size(); i++) {
      apps.get(i).step();
    }
  }

  private void tick() {
    gateway.tick(now);
    agent.tick(now);
    atGateway.tick(now);
    atAgent.tick(now);
  }

  private void dial(int plan) {
    App caller = new App(new Plan(plan), true);
    caller.stream =
        gateway.open(
            new Frame.Open(
                0,
                new StreamId(9, plan),
                0,
                "127.0.0.1:" + plan,
                10_000,
                1,
                0,
                List.of(),
                0,
                "",
                "",
                "foo"),
            caller,
            now);
    if (caller.stream != null) {
      apps.add(caller);
      callers++;
    }
  }

  /** Runs until nobody has anything to do any more, and looks at what came of it. */
  void run(int dials, boolean cut) {
    for (int i = 0; i < 200 || !gateway.isRunning() || !agent.isRunning(); i++) {
      step();
    }
    int cutAt = cut ? random.nextInt(20_000) : Integer.MAX_VALUE;
    int steps = 0;
    long nextTick = now;
    while (callers < dials || !apps.stream().allMatch(app -> app.over)) {
      if (callers < dials && random.nextInt(30) == 0) {
        dial(1 + random.nextInt(60_000));
      }
      step();
      if (now >= nextTick) {
        nextTick = now + Interpreter.TICK_EVERY.toNanos();
        tick();
      }
      if (++steps == cutAt) {
        break;
      }
      assertTrue(steps < 5_000_000, () -> "they never end: " + left());
    }
    if (cut) {
      toAgent.drop();
      toGateway.drop();
      for (Interpreter interpreter : List.of(atGateway, atAgent)) {
        interpreter.lost("cut", now);
        interpreter.mux().burstEnded();
      }
      gateway.lost("cut", now);
      agent.lost("cut", now);
    } else {
      for (App app : apps) {
        app.check();
      }
      for (int i = 0; i < 400; i++) {
        now += 100 * MILLI; // what lingers ends
        for (int j = 0; j < 20; j++) {
          step();
        }
        tick();
      }
      assertTrue(gateway.isRunning() && agent.isRunning(), "the tunnel ended");
      assertEquals(0, gateway.streams(), "streams at the gateway");
      assertEquals(0, agent.streams(), "streams at the agent");
    }
    assertEquals(0, atGateway.connections(), "connections at the gateway");
    assertEquals(0, atAgent.connections(), "connections at the agent");
    assertEquals(0, gatewayBudget.used(), "credit at the gateway");
    assertEquals(0, agentBudget.used(), "credit at the agent");
    toAgent.drop();
    toGateway.drop();
  }

  private String left() {
    StringBuilder left = new StringBuilder();
    for (App app : apps) {
      if (!app.over) {
        left.append(
            String.format(
                "plan %d %s: open %s, wrote %d of %d, read %d of %d, finish given %s seen %s; ",
                app.plan.number,
                app.caller ? "caller" : "target",
                app.open,
                app.written,
                app.toWrite(),
                app.read,
                app.toRead(),
                app.finishGiven,
                app.finishSeen));
      }
    }
    return left.toString();
  }
}

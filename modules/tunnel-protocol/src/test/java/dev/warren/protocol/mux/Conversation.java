package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.testing.Account;
import dev.warren.protocol.testing.ByteSink;
import dev.warren.protocol.testing.FrameParser;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A Mux under test, and at the far end a probe that speaks frames. The probe keeps an account of
 * its own, so that a Mux that overspends or talks out of order fails every test. Time passes only
 * when a test says so.
 */
final class Conversation implements MuxEvents, AutoCloseable {
  static final Duration HEARTBEAT = Duration.ofSeconds(3);
  static final long BUDGET = 64L * 1024 * 1024;

  final Mux mux;
  final CreditBudget budget;
  final List<String> events = new ArrayList<>();
  final List<RecordingEnd> ends = new ArrayList<>();
  final Account account = new Account();
  Consumer<Opening> answer = this::accept;
  Consumer<Frame.Peering> onPeering; // null: this is no link
  Runnable onTunnelFramesSent = () -> {};
  long now = 1_000_000_000L;

  private final int muxSide;
  private final ByteSink sink = new ByteSink(ByteBufAllocator.DEFAULT);
  private final FrameParser parser = new FrameParser();
  private boolean closed;
  private final ArrayDeque<Frame> said = new ArrayDeque<>();

  private Conversation(Mux.Side side, MuxSettings settings, CreditBudget budget) {
    this.budget = budget;
    this.muxSide = side == Mux.Side.DIALLED ? 0 : 1;
    this.mux = new Mux(side, settings, budget, this, now);
  }

  /** The Mux is a gateway's, the probe an agent; no frame has passed. */
  static Conversation acceptedNow(MuxSettings settings) {
    return new Conversation(Mux.Side.ACCEPTED, settings, new CreditBudget(BUDGET));
  }

  /** The Mux is an agent's, the probe a gateway; no frame has passed. */
  static Conversation dialledNow(MuxSettings settings) {
    return new Conversation(Mux.Side.DIALLED, settings, new CreditBudget(BUDGET));
  }

  static Conversation withGateway() {
    return withGateway(MuxSettings.DEFAULT, new CreditBudget(BUDGET));
  }

  /** The Mux is a gateway's, the probe an agent; the handshake is done. */
  static Conversation withGateway(MuxSettings settings, CreditBudget budget) {
    Conversation conversation = new Conversation(Mux.Side.ACCEPTED, settings, budget);
    conversation.sends(hello());
    conversation.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
    conversation.expects(Frame.Welcome.class);
    conversation.events.clear();
    return conversation;
  }

  static Conversation withAgent() {
    return withAgent(MuxSettings.DEFAULT, new CreditBudget(BUDGET));
  }

  /** The Mux is an agent's, the probe a gateway; the handshake is done. */
  static Conversation withAgent(MuxSettings settings, CreditBudget budget) {
    Conversation conversation = new Conversation(Mux.Side.DIALLED, settings, budget);
    conversation.mux.start(hello());
    conversation.expects(Frame.Hello.class);
    conversation.sends(welcome());
    conversation.events.clear();
    return conversation;
  }

  // ---- frames ----

  static Frame.Hello hello() {
    return hello(1, 1, MuxSettings.DEFAULT.limits(), (int) HEARTBEAT.toMillis());
  }

  static Frame.Hello hello(int least, int most, Frame.Limits limits, int heartbeatMillis) {
    return new Frame.Hello(
        least,
        most,
        List.of(),
        "foo",
        new StreamId(1, 2),
        1,
        limits,
        heartbeatMillis,
        Frame.Rank.NONE,
        "probe",
        new byte[0]);
  }

  static Frame.Welcome welcome() {
    return welcome(1, MuxSettings.DEFAULT.limits(), (int) HEARTBEAT.toMillis());
  }

  static Frame.Welcome welcome(int version, Frame.Limits limits, int heartbeatMillis) {
    return new Frame.Welcome(
        version, List.of(), "north-1", "_/foo", limits, heartbeatMillis, Frame.Rank.NONE, "probe");
  }

  static Frame.Open open(long stream, long credit) {
    return new Frame.Open(
        stream,
        new StreamId(7, stream),
        Frame.Open.BYTES,
        "127.0.0.1:80",
        5_000,
        0,
        1,
        List.of(),
        credit,
        "",
        "",
        "");
  }

  static Frame.Data data(long stream, long offset, int length) {
    return new Frame.Data(stream, offset, bytes(offset, length));
  }

  /** Bytes that tell their offset; garbage collected, so that nobody need release them. */
  static ByteBuf bytes(long offset, int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (((offset + i) * 31) >>> 3);
    }
    return Unpooled.wrappedBuffer(bytes);
  }

  // ---- the probe speaks ----

  /** Sends frames that keep to the rules. */
  void sends(Frame... frames) {
    for (Frame frame : frames) {
      account.left(1 - muxSide, frame);
    }
    breaks(frames);
  }

  /** Sends frames that need not. */
  void breaks(Frame... frames) {
    ByteBuf wire = Unpooled.buffer();
    for (Frame frame : frames) {
      account.arrived(muxSide, frame);
      FrameCodec.write(wire, frame);
    }
    sendsBytes(wire);
  }

  void sendsBytes(ByteBuf wire) {
    mux.received(wire, now);
    assertEquals(0, wire.readableBytes(), "all is taken in");
    wire.release();
    mux.burstEnded();
  }

  // ---- the probe listens ----

  private void fetch() {
    while (mux.writeNext(sink, now)) {
      parser.feed(
          sink.bytes(),
          frame -> {
            account.left(muxSide, frame);
            account.arrived(1 - muxSide, frame);
            said.addLast(kept(frame));
          });
      assertEquals(0, parser.heldBytes(), "whole frames are written");
      sink.clear();
    }
  }

  private static Frame kept(Frame frame) {
    if (!(frame instanceof Frame.Data data)) {
      return frame;
    }
    ByteBuf copy = Unpooled.copiedBuffer(data.bytes());
    data.bytes().release();
    return new Frame.Data(data.stream(), data.offset(), copy);
  }

  /** The next frame, or null where the Mux has nothing to say. */
  Frame next() {
    if (said.isEmpty()) {
      fetch();
    }
    return said.pollFirst();
  }

  /** All that the Mux has to say now. */
  List<Frame> all() {
    fetch();
    List<Frame> all = List.copyOf(said);
    said.clear();
    return all;
  }

  /** What the next {@code writeNext} writes. */
  List<Frame> nextWrite() {
    List<Frame> written = new ArrayList<>();
    if (mux.writeNext(sink, now)) {
      parser.feed(
          sink.bytes(),
          frame -> {
            account.left(muxSide, frame);
            account.arrived(1 - muxSide, frame);
            written.add(kept(frame));
          });
      sink.clear();
    }
    return written;
  }

  void expects(Frame... frames) {
    for (Frame frame : frames) {
      assertEquals(frame, next());
    }
  }

  <F extends Frame> F expects(Class<F> type) {
    Frame frame = next();
    if (!type.isInstance(frame)) {
      throw new AssertionError("said " + frame + " (expected: " + type.getSimpleName() + ")");
    }
    return type.cast(frame);
  }

  void expectsReset(long stream, FaultCode code) {
    Frame.Reset reset = expects(Frame.Reset.class);
    assertEquals(stream, reset.stream());
    assertEquals(code, reset.code(), reset.detail());
  }

  void expectsRefused(long stream, FaultCode code) {
    Frame.Refused refused = expects(Frame.Refused.class);
    assertEquals(stream, refused.stream());
    assertEquals(code, refused.code(), refused.detail());
  }

  /** The tunnel ends: GOAWAY, and nothing behind it. */
  String expectsGoAway(FaultCode code) {
    Frame.GoAway goAway = expects(Frame.GoAway.class);
    assertEquals(code, goAway.code(), goAway.detail());
    expectsNothing();
    assertEquals(true, mux.isOver());
    assertEquals(0, mux.streams());
    return goAway.detail();
  }

  void expectsNothing() {
    Frame frame = next();
    if (frame != null) {
      throw new AssertionError("said " + frame + " (expected: nothing)");
    }
  }

  // ---- streams ----

  /** Opens a stream from the Mux; its OPEN has been read by the probe. */
  RecordingEnd opens() {
    RecordingEnd end = new RecordingEnd(this);
    end.stream = mux.open(open(0, 0), end, now);
    if (end.stream != null) {
      expects(Frame.Open.class);
    }
    return end;
  }

  /** As {@link #opens}, and answered. */
  RecordingEnd opened(long credit) {
    RecordingEnd end = opens();
    sends(new Frame.Opened(end.stream.number, credit));
    assertEquals(List.of("opened"), end.heard());
    return end;
  }

  /** The probe opens a stream, and the Mux's side accepts it. */
  RecordingEnd accepts(long stream, long credit) {
    sends(open(stream, credit));
    RecordingEnd end = ends.get(ends.size() - 1);
    end.stream.opened(now);
    expects(Frame.Opened.class);
    return end;
  }

  private void accept(Opening opening) {
    RecordingEnd end = new RecordingEnd(this);
    end.stream = opening.accept(end);
    ends.add(end);
  }

  // ---- time ----

  void passes(Duration time) {
    now += time.toNanos();
  }

  /** Ticks twice an interval, as a channel does. */
  void passesTicking(Duration time) {
    long end = now + time.toNanos();
    long step = mux.heartbeatIntervalNanos() / 2;
    while (now < end) {
      now = Math.min(end, now + step);
      mux.tick(now);
    }
  }

  // ---- what the Mux tells its owner ----

  @Override
  public void hello(Frame.Hello hello) {
    events.add("hello " + hello.session());
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    events.add("welcomed by " + welcome.gateway());
  }

  @Override
  public void opening(Opening opening) {
    answer.accept(opening);
  }

  @Override
  public void drain(Frame.Drain drain) {
    events.add("drain " + drain.deadlineMillis());
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    events.add("discovery " + discovery.gateways().size());
  }

  @Override
  public void peering(Frame.Peering peering) throws ProtocolException {
    if (onPeering == null) {
      MuxEvents.super.peering(peering);
    } else {
      onPeering.accept(peering);
    }
  }

  @Override
  public void tunnelFramesSent() {
    onTunnelFramesSent.run();
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    events.add("ended " + code + (byPeer ? " by peer" : ""));
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    mux.lost("the test is over", now);
    for (RecordingEnd end : ends) {
      end.stream.reset(FaultCode.CANCELLED, "the test is over");
    }
    assertEquals(0, mux.streams());
    parser.close();
    sink.close();
  }
}

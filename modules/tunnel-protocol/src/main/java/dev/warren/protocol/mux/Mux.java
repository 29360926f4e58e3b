package dev.warren.protocol.mux;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.flow.Heartbeat;
import dev.warren.protocol.flow.ReceiveWindow;
import dev.warren.protocol.flow.Turns;
import dev.warren.protocol.flow.WindowSizes;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One end of a tunnel: many streams over one ordered byte stream, as a pure state machine
 * (PROTOCOL.md). What arrives goes into {@link #received}; what is to be sent is fetched with
 * {@link #writeNext}, frame by frame, as the transport has room, so that little is queued below the
 * turns; {@link #tick} carries the time. Nothing here blocks, and everything that could grow has a
 * limit.
 *
 * <pre>handshake -HELLO, WELCOME-> running -GOAWAY, fault or loss-> over</pre>
 */
public final class Mux {
  public static final int VERSION = 1;

  /**
   * REFUSED frames that wait to be sent at once; a peer that causes more does not read what it is
   * told.
   */
  public static final int MAX_WAITING_REFUSALS = 1_024;

  /** Tunnel frames (DISCOVERY, DRAIN, PEERING, ...) that wait to be sent at once. */
  public static final int MAX_WAITING_TUNNEL_FRAMES = 64;

  /** The capability by which two gateways make their tunnel a link (PROTOCOL.md, section 3). */
  public static final String LINK = "link";

  /** The capability by which a caller's connection is a line (PROTOCOL.md, section 3). */
  public static final String CALLER = "caller";

  /** Which side of the tunnel we are. The side that dialled gives its streams odd numbers. */
  public enum Side {
    DIALLED,
    ACCEPTED
  }

  private enum State {
    HANDSHAKE,
    RUNNING,
    OVER
  }

  /** The turns of one session's streams on a link, while it has any. */
  static final class SessionTurns {
    private final String session;
    private final Turns.Group<Lane> group = new Turns.Group<>();
    private int lanes;

    SessionTurns(String session) {
      this.session = session;
    }
  }

  private final Side side;
  private final MuxSettings settings;
  private final CreditBudget budget;
  private final MuxEvents events;
  private final FrameReader reader;
  private final FrameReader.Sink sink = new Incoming();

  private final LongObjectMap<Lane> lanes = new LongObjectHashMap<>();
  private final Turns<Lane> turns;
  private final Turns.Group<Lane> singleGroup = new Turns.Group<>();
  private final Map<String, SessionTurns> sessions = new HashMap<>();
  private final ArrayDeque<Lane> control = new ArrayDeque<>();
  private final ArrayDeque<Frame> tunnelFrames = new ArrayDeque<>();
  private final ArrayDeque<Frame> refusals = new ArrayDeque<>();
  private final List<Lane> burst = new ArrayList<>();
  private final WindowSizes windows =
      new WindowSizes(CreditBudget.SMALLEST_WINDOW, CreditBudget.LARGEST_WINDOW);

  private State state = State.HANDSHAKE;
  private final long since;
  private long now;
  private long nextNumber;
  private long highestRemote;
  private int localOpen;
  private int localPending;
  private int remoteOpen;
  private int remotePending;
  private boolean helloSeen;
  private boolean link;
  private boolean peerDrains;
  private boolean weDrain;
  private long pongDue = -1;
  private boolean wrotePeering;
  private Heartbeat heartbeat;
  private long heartbeatNanos;
  private Frame.Limits peerLimits = new Frame.Limits(0, 0, 0);
  private int peerMaxDataBytes;

  /**
   * @param budget shared by all tunnels of the process
   * @param now nanoseconds; only differences matter
   */
  public Mux(Side side, MuxSettings settings, CreditBudget budget, MuxEvents events, long now) {
    this.side = side;
    this.settings = settings;
    this.budget = budget;
    this.events = events;
    this.reader = new FrameReader(settings.limits().maxDataBytes());
    this.turns = new Turns<>(settings.quantum());
    this.nextNumber = side == Side.DIALLED ? 1 : 2;
    this.since = now;
    this.now = now;
  }

  // ---- the handshake ----

  /** The side that dialled introduces itself; limits and heartbeat are those of the settings. */
  public void start(Frame.Hello hello) {
    link = hello.capabilities().contains(LINK);
    tunnelFrames.addLast(
        new Frame.Hello(
            VERSION,
            VERSION,
            hello.capabilities(),
            hello.session(),
            hello.instance(),
            hello.connection(),
            settings.limits(),
            (int) settings.heartbeat().toMillis(),
            hello.rank(),
            hello.software(),
            hello.attributes()));
  }

  /** Takes an agent in: to agents no capability is named. */
  public void welcome(String gateway, String session, Frame.Rank rank, String software) {
    welcome(List.of(), gateway, session, rank, software);
  }

  /** The side that was dialled takes the far side in. From here on streams can be opened. */
  public void welcome(
      List<String> capabilities, String gateway, String session, Frame.Rank rank, String software) {
    if (state != State.HANDSHAKE || !helloSeen) {
      return; // it was lost meanwhile
    }
    tunnelFrames.addLast(
        new Frame.Welcome(
            VERSION,
            List.copyOf(capabilities),
            gateway,
            session,
            settings.limits(),
            (int) (heartbeatNanos / 1_000_000),
            rank,
            software));
    run();
  }

  private void run() {
    state = State.RUNNING;
    heartbeat = new Heartbeat(heartbeatNanos, now);
  }

  /** Keeps what the far side said of itself. */
  private void peer(Frame.Limits limits, int heartbeatMillis) throws ProtocolException {
    if (limits.maxDataBytes() < MuxSettings.LEAST_MAX_DATA_BYTES
        || limits.maxOpenStreams() < 1
        || limits.maxPendingStreams() < 1) {
      throw new ProtocolException(
          FaultCode.PROTOCOL,
          "limits "
              + limits
              + " (expected: at least "
              + MuxSettings.LEAST_MAX_DATA_BYTES
              + " bytes of data and one stream)");
    }
    if (heartbeatMillis < 10) {
      throw new ProtocolException(
          FaultCode.PROTOCOL, "heartbeat of " + heartbeatMillis + " ms (expected: at least 10)");
    }
    peerLimits = limits;
    peerMaxDataBytes = Math.min(limits.maxDataBytes(), FrameReader.MAX_PAYLOAD_BYTES);
    heartbeatNanos = Math.min(settings.heartbeat().toNanos(), heartbeatMillis * 1_000_000L);
  }

  // ---- streams ----

  /** Why no stream can be opened now, or null where one can. */
  public FaultCode cannotOpen() {
    if (state != State.RUNNING) {
      return FaultCode.LINK_LOST;
    }
    if (peerDrains) {
      return FaultCode.DRAINING;
    }
    Frame.Limits ours = settings.limits();
    boolean full =
        localOpen >= Math.min(peerLimits.maxOpenStreams(), ours.maxOpenStreams())
            || localPending >= Math.min(peerLimits.maxPendingStreams(), ours.maxPendingStreams())
            || nextNumber > FrameCodec.MAX_STREAM;
    return full ? FaultCode.OVERLOADED : null;
  }

  private String whyNot(FaultCode why) {
    return switch (why) {
      case LINK_LOST -> "the tunnel is gone";
      case DRAINING -> "the agent is going and takes no new stream";
      default ->
          "the tunnel has "
              + localOpen
              + " streams open and "
              + localPending
              + " pending, and takes no more now";
    };
  }

  /**
   * Opens a stream. Number and credit of {@code wish} are filled in.
   *
   * @return the stream; or null where none can be opened now, and then the end has been told why
   */
  public MuxStream open(Frame.Open wish, StreamEnd end, long now) {
    this.now = now;
    FaultCode why = cannotOpen();
    if (why != null) {
      end.refused(why, whyNot(why), 0);
      return null;
    }
    int first = budget.reserveFirst();
    if (first == 0) {
      end.refused(
          FaultCode.OVERLOADED,
          "the credit budget of " + budget.capacity() + " bytes is used up",
          0);
      return null;
    }
    Frame.Open open = numbered(wish, first);
    ReceiveWindow receive = new ReceiveWindow(budget, windows, first, now);
    MuxStream stream = new MuxStream(this, open, end, receive, now);
    add(stream, wish.session());
    stream.controlDue();
    return stream;
  }

  /**
   * Opens a way through for a stream whose OPEN came from elsewhere; the relay sends the header
   * itself.
   *
   * @param session which session is dialled, as OPEN says
   */
  public RawStream openRaw(RawEnd end, String session) {
    RawStream stream = new RawStream(this, nextNumber, true, end);
    nextNumber += 2;
    add(stream, session);
    return stream;
  }

  private Frame.Open numbered(Frame.Open wish, long credit) {
    Frame.Open open =
        new Frame.Open(
            nextNumber,
            wish.id(),
            wish.kind(),
            wish.target(),
            wish.deadlineMillis(),
            wish.attempt(),
            wish.hopsLeft(),
            wish.clusterPath(),
            credit,
            wish.traceParent(),
            wish.caller(),
            wish.session());
    nextNumber += 2;
    return open;
  }

  /** On a link the streams of one session share their turns; on a tunnel there is one session. */
  private void add(Lane lane, String session) {
    if (link && !session.isEmpty()) {
      SessionTurns shared = sessions.computeIfAbsent(session, SessionTurns::new);
      shared.lanes++;
      lane.sessionTurns = shared;
      turns.join(lane, shared.group);
    } else {
      turns.join(lane, singleGroup);
    }
    lanes.put(lane.number, lane);
    if (lane.local) {
      localOpen++;
      localPending++;
    } else {
      remoteOpen++;
      remotePending++;
    }
  }

  MuxStream accept(Frame.Open open, StreamEnd end) {
    MuxStream stream = new MuxStream(this, open, end, now);
    add(stream, open.session());
    return stream;
  }

  RawStream acceptRaw(Frame.Open open, RawEnd end) {
    RawStream stream = new RawStream(this, open.stream(), false, end);
    add(stream, open.session());
    return stream;
  }

  void refuse(long stream, FaultCode code, String detail) {
    refusals.addLast(new Frame.Refused(stream, code, detail, 0));
  }

  /** OPENED or REFUSED is there, or will never come. */
  void answered(Lane lane) {
    if (lane.local) {
      localPending--;
    } else {
      remotePending--;
    }
  }

  /** The number stands for nothing any more. */
  void forget(Lane lane) {
    if (lanes.remove(lane.number) == null) {
      return;
    }
    turns.pause(lane);
    SessionTurns shared = lane.sessionTurns;
    if (shared != null && --shared.lanes == 0) {
      sessions.remove(shared.session);
    }
    if (lane.local) {
      localOpen--;
    } else {
      remoteOpen--;
    }
  }

  void controlDue(Lane lane) {
    control.addLast(lane);
  }

  void turnDue(Lane lane) {
    turns.ready(lane);
  }

  void turnOver(Lane lane) {
    turns.pause(lane);
  }

  void inBurst(Lane lane) {
    burst.add(lane);
  }

  CreditBudget budget() {
    return budget;
  }

  /** The receive windows of its streams. */
  WindowSizes windows() {
    return windows;
  }

  long now() {
    return now;
  }

  int peerMaxDataBytes() {
    return peerMaxDataBytes;
  }

  // ---- what arrives ----

  /**
   * Takes bytes in, however they were cut; they stay the caller's. After the end of the tunnel they
   * are ignored.
   */
  public void received(ByteBuf bytes, long now) {
    this.now = now;
    if (state == State.OVER) {
      bytes.skipBytes(bytes.readableBytes());
      return;
    }
    if (heartbeat != null) {
      heartbeat.arrived(now);
    }
    try {
      reader.feed(bytes, sink);
    } catch (ProtocolException e) {
      bytes.skipBytes(bytes.readableBytes());
      fail(e.code(), e.getMessage());
    }
  }

  /** All that could be read has been taken in: the streams it concerned flush what it caused. */
  public void burstEnded() {
    for (int i = 0; i < burst.size(); i++) {
      burst.get(i).burstOver();
    }
    burst.clear();
  }

  private final class Incoming implements FrameReader.Sink {
    @Override
    public void data(long number, long offset, ByteBuf bytes) throws ProtocolException {
      Lane lane = state == State.RUNNING ? lanes.get(number) : null;
      if (lane != null) {
        lane.data(offset, bytes);
        return;
      }
      bytes.release();
      if (state != State.OVER) {
        checkKnown(number);
      }
    }

    @Override
    public void frame(long number, ByteBuf header, ByteBuf payload) throws ProtocolException {
      if (state == State.OVER) {
        return;
      }
      Lane lane = lanes.get(number);
      if (lane != null) {
        lane.frame(header, payload);
        return;
      }
      Frame frame = FrameCodec.decode(number, header, payload);
      if (frame instanceof Frame.Data data) {
        data.bytes().release();
      }
      if (frame instanceof Frame.OfTunnel ofTunnel) {
        ofTunnel(ofTunnel);
      } else if (frame instanceof Frame.Open open) {
        incomingOpen(open, header);
      } else if (!(frame instanceof Frame.Skipped)) {
        checkKnown(number);
      }
    }
  }

  /**
   * Frames for a stream that is over may still be on their way; for one that never was they may
   * not.
   */
  private void checkKnown(long number) throws ProtocolException {
    boolean ours = (number & 1) == (side == Side.DIALLED ? 1 : 0);
    boolean known = number > 0 && (ours ? number < nextNumber : number <= highestRemote);
    if (!known || state != State.RUNNING) {
      throw new ProtocolException(
          FaultCode.PROTOCOL, "a frame for stream " + number + ", which was never opened");
    }
  }

  private void ofTunnel(Frame.OfTunnel frame) throws ProtocolException {
    if (frame instanceof Frame.Ping ping && state == State.RUNNING) {
      pongDue = ping.sequence();
      if (heartbeat.joins(now)) {
        tunnelFrames.addLast(new Frame.Ping(heartbeat.sequence()));
      }
    } else if (frame instanceof Frame.Pong pong && state == State.RUNNING) {
      heartbeat.pong(pong.sequence(), now);
    } else if (frame instanceof Frame.GoAway goAway) {
      end(goAway.code(), goAway.detail(), goAway.retryAfterMillis(), true);
    } else if (frame instanceof Frame.Hello hello && side == Side.ACCEPTED && !helloSeen) {
      helloSeen = true;
      version(hello.minVersion(), hello.maxVersion());
      peer(hello.limits(), hello.heartbeatMillis());
      link = hello.capabilities().contains(LINK);
      events.hello(hello);
    } else if (frame instanceof Frame.Welcome welcome
        && side == Side.DIALLED
        && state == State.HANDSHAKE) {
      version(welcome.version(), welcome.version());
      peer(welcome.limits(), welcome.heartbeatMillis());
      run();
      events.welcomed(welcome);
    } else if (frame instanceof Frame.Drain drain && state == State.RUNNING) {
      peerDrains = true;
      events.drain(drain);
    } else if (frame instanceof Frame.Discovery discovery && state == State.RUNNING) {
      events.discovery(discovery);
    } else if (frame instanceof Frame.Peering peering && state == State.RUNNING) {
      events.peering(peering);
    } else {
      throw new ProtocolException(
          FaultCode.PROTOCOL, frame.getClass().getSimpleName() + " out of order");
    }
  }

  private static void version(int least, int most) throws ProtocolException {
    if (least > VERSION || most < VERSION) {
      throw new ProtocolException(
          FaultCode.VERSION,
          "the peer speaks versions "
              + least
              + " to "
              + most
              + " (expected: "
              + VERSION
              + " among them)");
    }
  }

  private void incomingOpen(Frame.Open open, ByteBuf header) throws ProtocolException {
    boolean theirs = (open.stream() & 1) == (side == Side.DIALLED ? 0 : 1);
    if (!theirs || open.stream() <= highestRemote || state != State.RUNNING) {
      throw new ProtocolException(
          FaultCode.PROTOCOL,
          "OPEN of stream "
              + open.stream()
              + " (expected: above "
              + highestRemote
              + ", "
              + (side == Side.DIALLED ? "even" : "odd")
              + ", after WELCOME)");
    }
    highestRemote = open.stream();
    if (refusals.size() >= MAX_WAITING_REFUSALS) {
      throw new ProtocolException(
          FaultCode.TOO_MANY, MAX_WAITING_REFUSALS + " refusals wait to be read");
    }
    if (weDrain) { // it crossed our DRAIN
      refuse(open.stream(), FaultCode.DRAINING, "this side takes no new streams");
    } else if (open.kind() != Frame.Open.BYTES) {
      refuse(open.stream(), FaultCode.UNSUPPORTED, "stream kind " + open.kind() + " (expected: 0)");
    } else if (remoteOpen >= settings.limits().maxOpenStreams()
        || remotePending >= settings.limits().maxPendingStreams()) {
      refuse(
          open.stream(),
          FaultCode.OVERLOADED,
          remoteOpen
              + " streams are open, "
              + remotePending
              + " pending (limits: "
              + settings.limits().maxOpenStreams()
              + ", "
              + settings.limits().maxPendingStreams()
              + ")");
    } else {
      Opening opening = new Opening(this, open, header);
      events.opening(opening);
      if (!opening.taken()) {
        throw new IllegalStateException("nobody answered OPEN of stream " + open.stream());
      }
    }
  }

  // ---- the tunnel as a whole ----

  /**
   * Tells the far side which gateways exist.
   *
   * @throws IllegalArgumentException where the list is longer than a frame may be
   */
  public void discovery(Frame.Discovery discovery) {
    FrameCodec.headerBytes(discovery);
    sendTunnelFrame(discovery);
  }

  /** Asks the far side to open no new streams; those that it opens nevertheless are refused. */
  public void drain(Frame.Drain drain) {
    weDrain = true;
    sendTunnelFrame(drain);
  }

  /**
   * Tells another gateway something; to be used on links only. Who has much to say watches {@link
   * #waitingTunnelFrames} and goes on at {@link MuxEvents#tunnelFramesSent}.
   *
   * @throws IllegalArgumentException where the message is longer than {@link
   *     FrameCodec#MAX_PEERING_BYTES}
   */
  public void peering(byte[] message) {
    Frame.Peering peering = new Frame.Peering(message);
    FrameCodec.headerBytes(peering);
    sendTunnelFrame(peering);
  }

  /**
   * Tunnel frames that wait to be sent; with {@link #MAX_WAITING_TUNNEL_FRAMES} one more ends it.
   */
  public int waitingTunnelFrames() {
    return tunnelFrames.size();
  }

  private void sendTunnelFrame(Frame frame) {
    if (state != State.RUNNING) {
      return;
    }
    if (tunnelFrames.size() >= MAX_WAITING_TUNNEL_FRAMES) {
      fail(FaultCode.TOO_MANY, MAX_WAITING_TUNNEL_FRAMES + " tunnel frames wait to be read");
      return;
    }
    tunnelFrames.addLast(frame);
  }

  /** Ends the tunnel: all streams are told, GOAWAY is the last frame. */
  public void goAway(FaultCode code, String detail, int retryAfterMillis) {
    if (state == State.OVER) {
      return;
    }
    tunnelFrames.clear();
    refusals.clear();
    tunnelFrames.addLast(new Frame.GoAway(code, detail, retryAfterMillis));
    end(code, detail, retryAfterMillis, false);
  }

  private void fail(FaultCode code, String detail) {
    goAway(code, detail, 0);
  }

  /** The transport is gone. */
  public void lost(String detail, long now) {
    this.now = now;
    if (state != State.OVER) {
      end(FaultCode.TUNNEL_LOST, detail, 0, true);
    }
    tunnelFrames.clear();
  }

  private void end(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    state = State.OVER;
    reader.close();
    control.clear();
    refusals.clear();
    pongDue = -1;
    List<Lane> all = new ArrayList<>(lanes.values());
    for (Lane lane : all) {
      forget(lane);
    }
    for (Lane lane : all) {
      lane.lost(code, detail);
    }
    events.ended(code, detail, retryAfterMillis, byPeer);
  }

  /**
   * Carries the time; to be called within {@link #nanosToTick}, after all readable input was taken
   * in.
   */
  public void tick(long now) {
    this.now = now;
    if (state == State.HANDSHAKE && now - since >= settings.handshake().toNanos()) {
      fail(FaultCode.HEARTBEAT, "no handshake within " + settings.handshake().toMillis() + " ms");
    }
    if (state != State.RUNNING) {
      return;
    }
    switch (heartbeat.tick(now)) {
      case SEND_PING -> tunnelFrames.addLast(new Frame.Ping(heartbeat.sequence()));
      case DEAD ->
          fail(
              FaultCode.HEARTBEAT,
              "no answer to a ping for "
                  + Heartbeat.SILENT_INTERVALS
                  + " intervals of "
                  + heartbeatNanos / 1_000_000
                  + " ms or more");
      case NOTHING -> {}
    }
  }

  /** How long the next tick may wait (nanoseconds): at most half a heartbeat interval. */
  public long nanosToTick(long now) {
    long half = heartbeatIntervalNanos() / 2;
    return heartbeat == null ? half : Math.max(0, Math.min(half, heartbeat.dueAt() - now));
  }

  // ---- what goes out ----

  /** Whether {@link #writeNext} has something to write. */
  public boolean hasOutput() {
    return !tunnelFrames.isEmpty()
        || pongDue >= 0
        || !refusals.isEmpty()
        || !control.isEmpty()
        || !turns.isEmpty();
  }

  /**
   * Writes the frames that are due next: one lane's control frames, or one DATA. Says whether there
   * was something.
   */
  public boolean writeNext(FrameOutput out, long now) {
    this.now = now;
    if (pongDue >= 0) {
      FrameCodec.write(out.small(), new Frame.Pong(pongDue));
      pongDue = -1;
      return true;
    }
    boolean yields = wrotePeering && tunnelFrames.peekFirst() instanceof Frame.Peering;
    wrotePeering = false;
    return (!yields && writeTunnelFrame(out)) || writeOfStreams(out) || writeTunnelFrame(out);
  }

  /**
   * Many PEERING in a row leave each second place to the streams, which would otherwise stand still
   * while a gateway says all that it knows.
   */
  private boolean writeTunnelFrame(FrameOutput out) {
    Frame frame = tunnelFrames.pollFirst();
    if (frame == null) {
      return false;
    }
    FrameCodec.write(out.small(), frame);
    wrotePeering = frame instanceof Frame.Peering;
    if (tunnelFrames.isEmpty() && state == State.RUNNING) {
      events.tunnelFramesSent();
    }
    return true;
  }

  private boolean writeOfStreams(FrameOutput out) {
    Frame refused = refusals.pollFirst();
    if (refused != null) {
      FrameCodec.write(out.small(), refused);
      return true;
    }
    Lane lane = control.pollFirst();
    if (lane != null) {
      lane.controlWritten();
      lane.writeControl(out);
      return true;
    }
    for (lane = turns.next(); lane != null; lane = turns.next()) {
      if (lane.hasTurn()) {
        int bytes = lane.writeInTurn(out, turns.allowance(lane));
        turns.sent(lane, bytes);
        if (!lane.hasTurn()) {
          turns.pause(lane);
        }
        lane.wroteInTurn();
        return true;
      }
      turns.pause(lane); // its credit is used up
    }
    return false;
  }

  // ---- what can be asked ----

  public boolean isRunning() {
    return state == State.RUNNING;
  }

  public boolean isOver() {
    return state == State.OVER;
  }

  /** Streams that are open or pending, from both sides. */
  public int streams() {
    return lanes.size();
  }

  /** Sessions that share their turns now: never more than there are streams. */
  int sessionsInTurns() {
    return sessions.size();
  }

  /** Smoothed round trip of the heartbeat (nanoseconds); -1 before the first answer. */
  public long roundTripNanos() {
    return heartbeat == null ? -1 : heartbeat.roundTripNanos();
  }

  /** The heartbeat in force (nanoseconds); the wish before the handshake. */
  public long heartbeatIntervalNanos() {
    return heartbeat == null ? settings.heartbeat().toNanos() : heartbeatNanos;
  }
}

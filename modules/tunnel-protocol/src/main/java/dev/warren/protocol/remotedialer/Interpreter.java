package dev.warren.protocol.remotedialer;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.ProtocolException;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import io.netty.buffer.ByteBuf;
import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Between a native tunnel and remotedialer's wire (REMOTEDIALER.md): it plays the far end of the
 * tunnel, in the same process, and says over a WebSocket what the tunnel's streams want.
 *
 * <p>At a gateway it is {@link Role#DIALLING}: it plays the agent, and each stream becomes a
 * connection that the remotedialer client is asked to dial. At an agent it is {@link Role#SERVING}:
 * it plays the gateway, and each CONNECT of the remotedialer server becomes a stream.
 *
 * <p>Frames of the native tunnel go in and out of {@link #mux}, messages through {@link #received}
 * and the {@link Wire}; time through {@link #tick} and {@link #graceOver}. All on one thread.
 */
public final class Interpreter implements MuxEvents {
  /** Who dials over the WebSocket. */
  public enum Role {
    /** We do; the far side is a remotedialer client. */
    DIALLING,
    /** The far side does; it is a remotedialer server. */
    SERVING
  }

  /** Between two PINGs. */
  public static final Duration PING_EVERY = Duration.ofSeconds(5);

  /** Without PING and PONG for so long, the other side is gone. */
  public static final Duration SILENCE = Duration.ofSeconds(60);

  /** Between two SYNCCONNECTIONS of a client. */
  public static final Duration SYNC_EVERY = Duration.ofSeconds(60);

  /** How often {@link #tick} is to be called. */
  public static final Duration TICK_EVERY = Duration.ofMillis(250);

  /**
   * The native heartbeat inside the process: it finds a WebSocket that takes nothing, after twelve
   * intervals.
   */
  public static final Duration HEARTBEAT = Duration.ofSeconds(5);

  /**
   * There is no answer to CONNECT, so a connection counts as accepted when its first DATA comes or
   * nothing bad is heard for two round trips and a little: at least this ...
   */
  static final Duration LEAST_GRACE = Duration.ofMillis(5);

  /** ... at most this ... */
  static final Duration MOST_GRACE = Duration.ofMillis(200);

  /** ... and this before the round trip was measured. */
  static final Duration UNMEASURED_GRACE = Duration.ofMillis(50);

  /** A connection that a client does not list any more is dropped after so long. */
  static final Duration MISSING = Duration.ofSeconds(5);

  /** One that the client has said nothing of may still be on its way to it for so long. */
  static final Duration UNHEARD = Duration.ofSeconds(30);

  /** Bytes that one connection sends in its turn when several wait for the WebSocket. */
  private static final int QUANTUM = 32 * 1024;

  private record Grace(long at, Connection connection) {}

  private final Role role;
  private final Wire wire;
  private final CreditBudget budget;
  private final Mux mux;
  private final String gateway;
  private String session;
  private final MessageReader reader = new MessageReader();
  private final MessageReader.Sink sink = new Incoming();
  private final LongObjectMap<Connection> connections = new LongObjectHashMap<>();
  private final ArrayDeque<Connection> waiting = new ArrayDeque<>(); // for the WebSocket
  private final Set<Connection> leaving = new LinkedHashSet<>();
  private final PriorityQueue<Grace> graces =
      new PriorityQueue<>((one, other) -> Long.signum(one.at - other.at));

  private long now;
  private long nextId = 1;
  private long nextMessage = 1;
  private long unknown; // the connection that was last told that it is over
  private boolean draining;
  private boolean over;
  private boolean breached;

  private long heardAt;
  private long pingAt;
  private long pingSentAt;
  private long pingNumber;
  private long roundTripNanos = -1;
  private long syncAt;

  private Interpreter(
      Role role,
      MuxSettings settings,
      CreditBudget budget,
      Wire wire,
      String gateway,
      String session,
      long now) {
    this.role = role;
    this.wire = wire;
    this.budget = budget;
    this.gateway = gateway;
    this.session = session;
    this.now = now;
    this.heardAt = now;
    this.pingAt = now;
    this.syncAt = now + SYNC_EVERY.toNanos();
    this.mux =
        new Mux(
            role == Role.DIALLING ? Mux.Side.DIALLED : Mux.Side.ACCEPTED,
            settings(settings),
            budget,
            this,
            now);
  }

  /**
   * Plays the agent that a remotedialer client is not.
   *
   * @param session whom the client is, as a native HELLO says
   * @param instance this connection's
   * @param software what the client is shown as
   */
  public static Interpreter ofClient(
      MuxSettings settings,
      CreditBudget budget,
      Wire wire,
      String session,
      StreamId instance,
      String software,
      long now) {
    Interpreter made = new Interpreter(Role.DIALLING, settings, budget, wire, "", session, now);
    made.mux.start(
        new Frame.Hello(
            Mux.VERSION,
            Mux.VERSION,
            List.of(),
            session,
            instance,
            1,
            settings.limits(),
            (int) HEARTBEAT.toMillis(),
            Frame.Rank.NONE,
            software,
            new byte[0]));
    return made;
  }

  /**
   * Plays the gateway that a remotedialer server is not.
   *
   * @param gateway what the server is called in WELCOME
   */
  public static Interpreter ofServer(
      MuxSettings settings, CreditBudget budget, Wire wire, String gateway, long now) {
    return new Interpreter(Role.SERVING, settings, budget, wire, gateway, "", now);
  }

  /** What both ends of the native tunnel keep to, where one of them is an interpreter. */
  public static MuxSettings settings(MuxSettings wished) {
    return new MuxSettings(wished.limits(), HEARTBEAT, wished.handshake(), wished.quantum());
  }

  /** The far end of the native tunnel: its frames go in and out here. */
  public Mux mux() {
    return mux;
  }

  // ---- what the owner tells ----

  /** Takes one fragment of a binary message in; it stays the caller's. */
  public void received(ByteBuf fragment, boolean first, boolean last, long now) {
    this.now = now;
    if (over) {
      return;
    }
    try {
      reader.feed(fragment, first, last, sink);
    } catch (ProtocolException e) {
      breach(e.getMessage());
    }
  }

  /** The far side broke a rule of the whole session, which ends. */
  public void breach(String detail) {
    breached = true;
    end(FaultCode.PROTOCOL, detail);
  }

  private void end(FaultCode code, String detail) {
    mux.goAway(code, detail, 0);
  }

  /** A PING came. */
  public void pinged(long now) {
    heardAt = now;
  }

  /** A PONG came. */
  public void ponged(long number, long now) {
    heardAt = now;
    if (number == pingNumber && pingSentAt != 0) {
      long sample = Math.max(1, now - pingSentAt);
      pingSentAt = 0;
      // Down at once, up slowly: a busy moment shall not make all dials wait for longer.
      roundTripNanos =
          roundTripNanos < 0 || sample < roundTripNanos
              ? sample
              : (roundTripNanos * 7 + sample) / 8;
    }
  }

  /** The WebSocket takes bytes again. */
  public void writable(long now) {
    this.now = now;
    while (wire.isWritable() && !waiting.isEmpty()) {
      Connection connection = waiting.pollFirst();
      connection.waits = false;
      if (connection.sendWaiting(QUANTUM)) {
        waits(connection);
      }
    }
  }

  /** The WebSocket is gone. */
  public void lost(String detail, long now) {
    this.now = now;
    mux.lost(detail, now);
  }

  /** Carries the time, every {@link #TICK_EVERY}, after all readable input was taken in. */
  public void tick(long now) {
    this.now = now;
    mux.tick(now);
    if (over) {
      return;
    }
    if (now - heardAt >= SILENCE.toNanos()) {
      end(FaultCode.HEARTBEAT, "no PING and no PONG for " + (now - heardAt) / 1_000_000 + " ms");
      return;
    }
    if (now - pingAt >= 0) {
      pingAt = now + PING_EVERY.toNanos();
      if (wire.isWritable()) {
        pingSentAt = now;
        wire.ping(++pingNumber);
      }
    }
    if (role == Role.SERVING && now - syncAt >= 0) {
      syncAt = now + SYNC_EVERY.toNanos();
      sendSync();
    }
    if (!leaving.isEmpty()) {
      List<Connection> all = new ArrayList<>(leaving);
      for (Connection connection : all) {
        connection.leave(now);
      }
    }
  }

  /** When {@link #graceOver} has something to do (nanoseconds), or {@code Long.MAX_VALUE}. */
  public long nextGrace() {
    Grace next = graces.peek();
    while (next != null && !next.connection.awaitsGrace()) {
      graces.poll();
      next = graces.peek();
    }
    return next == null ? Long.MAX_VALUE : next.at;
  }

  /** Nothing bad was heard of some connections for long enough. */
  public void graceOver(long now) {
    this.now = now;
    for (Grace next = graces.peek(); next != null && next.at - now <= 0; next = graces.peek()) {
      graces.poll();
      next.connection.accepted();
    }
  }

  // ---- what can be asked ----

  /** Whether the session ended because the far side broke a rule. */
  public boolean isBreached() {
    return breached;
  }

  /** Smoothed round trip of the WebSocket's PING (nanoseconds); -1 before the first answer. */
  public long roundTripNanos() {
    return roundTripNanos;
  }

  /** Connections that are not over. */
  public int connections() {
    return connections.size();
  }

  /** Bytes that wait because a reader on the native side is slow. */
  public long waitingBytes() {
    long sum = 0;
    for (Connection connection : connections.values()) {
      sum += connection.waitingBytes();
    }
    return sum;
  }

  private long graceNanos() {
    return roundTripNanos < 0
        ? UNMEASURED_GRACE.toNanos()
        : Math.min(
            MOST_GRACE.toNanos(), Math.max(LEAST_GRACE.toNanos(), 2 * roundTripNanos + 2_000_000));
  }

  // ---- for connections ----

  Role role() {
    return role;
  }

  Wire wire() {
    return wire;
  }

  CreditBudget budget() {
    return budget;
  }

  long now() {
    return now;
  }

  void sendData(long id, ByteBuf bytes) {
    wire.send(head(id, MessageType.DATA), bytes);
  }

  void sendError(long id, String text) {
    unknown = id; // what is still on its way for it needs no further answer
    ByteBuf message = head(id, MessageType.ERROR);
    Messages.text(message, text, Messages.MAX_ERROR_BYTES);
    wire.send(message, null);
  }

  void send(long id, MessageType type) {
    wire.send(head(id, type), null);
  }

  private ByteBuf head(long id, MessageType type) {
    ByteBuf head = wire.allocator().directBuffer(Messages.MAX_HEAD_BYTES);
    Messages.head(head, nextMessage++, id, type);
    return head;
  }

  /** The connection waits for the WebSocket. */
  void waits(Connection connection) {
    if (!connection.waits) {
      connection.waits = true;
      waiting.addLast(connection);
    }
  }

  /** From now on {@link Connection#leave} is called with each tick. */
  void leaves(Connection connection) {
    leaving.add(connection);
  }

  void forget(Connection connection) {
    connections.remove(connection.id);
    leaving.remove(connection);
    if (connection.waits) {
      connection.waits = false;
      waiting.remove(connection);
    }
    endIfDrained();
  }

  private void sendSync() {
    ByteBuf message = head(0, MessageType.SYNC_CONNECTIONS);
    for (Connection connection : connections.values()) {
      if (connection.isAlive()) {
        message.writeLongLE(connection.id);
      }
    }
    wire.send(message, null);
  }

  // ---- what the native side tells ----

  @Override
  public void hello(Frame.Hello hello) {
    session = hello.session();
    mux.welcome(gateway, session, Frame.Rank.NONE, "remotedialer");
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {}

  @Override
  public void opening(Opening opening) {
    if (role == Role.SERVING) {
      opening.refuse(FaultCode.UNSUPPORTED, "agents open no streams");
      return;
    }
    String address;
    try {
      Target target = Target.parse(opening.open().target());
      address = target instanceof Target.Tcp ? "tcp/" + target : target.toString();
    } catch (IllegalArgumentException e) {
      opening.refuse(FaultCode.UNSUPPORTED, e.getMessage());
      return;
    }
    if (address.getBytes(StandardCharsets.UTF_8).length > Messages.MAX_ADDRESS_BYTES) {
      opening.refuse(
          FaultCode.UNSUPPORTED,
          "a target of "
              + address.length()
              + " characters (limit for remotedialer clients: "
              + Messages.MAX_ADDRESS_BYTES
              + " bytes)");
      return;
    }
    Connection connection = new Connection(this, nextId++);
    connection.attach(opening.accept(connection));
    connections.put(connection.id, connection);
    ByteBuf message = head(connection.id, MessageType.CONNECT);
    Messages.text(message, address, Messages.MAX_ADDRESS_BYTES);
    wire.send(message, null);
    graces.add(new Grace(now() + graceNanos(), connection));
  }

  /**
   * A gateway that goes asks its agents to move. A remotedialer client knows no such wish: its
   * WebSocket is closed when its connections are over, and it dials again by itself. A gateway that
   * only would have less to do keeps it.
   */
  @Override
  public void drain(Frame.Drain drain) {
    if (role == Role.DIALLING && !drain.detail().startsWith("rebalance")) {
      draining = true;
      endIfDrained();
    }
  }

  private void endIfDrained() {
    if (draining && !over && connections.isEmpty()) {
      end(FaultCode.SHUTDOWN, "the remotedialer client is to dial again");
    }
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    // A remotedialer client has one address to dial.
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    over = true;
    graces.clear();
    for (Connection connection : new ArrayList<>(connections.values())) {
      connection.release(); // its stream was over before
    }
    connections.clear();
    leaving.clear();
    waiting.clear();
  }

  /** What is to be used as the current time by who calls in between. */
  public void at(long nanos) {
    now = nanos;
  }

  // ---- what the far side says ----

  private final class Incoming implements MessageReader.Sink {
    @Override
    public void data(long id, ByteBuf bytes) {
      Connection connection = connections.get(id);
      if (connection == null || !connection.takesData()) {
        bytes.release();
        notFound(id);
      } else {
        connection.received(bytes);
      }
    }

    /** Once for a row of messages, and never to one who does not read. */
    private void notFound(long id) {
      if (id != unknown && wire.isWritable()) {
        sendError(id, "connection not found");
      }
    }

    @Override
    public void connect(long id, String address) throws ProtocolException {
      Connection known = connections.get(id);
      if (role == Role.DIALLING) {
        refuse(id, known, "a client dials nothing here");
      } else if (id <= 0) {
        throw new ProtocolException(
            FaultCode.PROTOCOL, "CONNECT of connection " + id + " (expected: above 0)");
      } else if (known != null) {
        refuse(id, known, "connection " + id + " is there already");
      } else if (address == null) {
        refuse(id, null, "an address of more than " + Messages.MAX_ADDRESS_BYTES + " bytes");
      } else {
        open(id, address);
      }
    }

    private void refuse(long id, Connection known, String why) {
      if (known != null) {
        known.breakOff(FaultCode.PROTOCOL, why);
      } else if (wire.isWritable()) {
        sendError(id, why);
      }
    }

    private void open(long id, String address) {
      Target target;
      try {
        target = Target.parse(address);
      } catch (IllegalArgumentException e) {
        refuse(id, null, e.getMessage());
        return;
      }
      Connection connection = new Connection(Interpreter.this, id);
      connections.put(id, connection);
      MuxStream stream =
          mux.open(
              new Frame.Open(
                  0,
                  StreamId.random(),
                  Frame.Open.BYTES,
                  target.toString(),
                  0,
                  1,
                  0,
                  List.of(),
                  0,
                  "",
                  "",
                  session),
              connection,
              now);
      if (stream != null) {
        connection.attach(stream);
      }
    }

    @Override
    public void error(long id, String text) {
      Connection connection = connections.get(id);
      if (connection != null) {
        connection.ended(text);
      }
    }

    @Override
    public void pause(long id) {
      Connection connection = connections.get(id);
      if (connection != null) {
        connection.pause();
      }
    }

    @Override
    public void resume(long id) {
      Connection connection = connections.get(id);
      if (connection != null) {
        connection.resume();
      }
    }

    @Override
    public void sync(long[] alive) {
      if (role == Role.SERVING) {
        return; // a server has no reason to say it, and it asks for nothing
      }
      Arrays.sort(alive);
      for (Iterator<Connection> all = connections.values().iterator(); all.hasNext(); ) {
        Connection connection = all.next();
        connection.listed(Arrays.binarySearch(alive, connection.id) >= 0);
      }
    }

    @Override
    public void client(String client, boolean added) throws ProtocolException {
      throw new ProtocolException(
          FaultCode.PROTOCOL,
          (added ? "ADDCLIENT" : "REMOVECLIENT") + " from one who is no peer of ours");
    }
  }
}

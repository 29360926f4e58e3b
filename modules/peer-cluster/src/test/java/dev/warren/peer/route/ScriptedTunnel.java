package dev.warren.peer.route;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** An own tunnel that does what the test says and notes what it is told. */
public final class ScriptedTunnel implements OwnTunnel {
  private final SessionKey session;
  private final TunnelHandler handler;
  private final RelayBudget relayBudget = RelayBudget.ofNode(16L << 20);
  private volatile Frame.Rank rank = Frame.Rank.NONE;
  private volatile StreamId instance;
  private volatile long connection;
  private volatile boolean draining;
  private final List<Frame.OfTunnel> told = new CopyOnWriteArrayList<>();
  private volatile FaultCode endCode;
  private volatile String endDetail;
  private volatile int endRetryAfterMillis;

  public ScriptedTunnel(SessionKey session) {
    this(session, null);
  }

  public ScriptedTunnel(SessionKey session, TunnelHandler handler) {
    this.session = session;
    this.handler = handler;
  }

  /** What an agent's process says when it comes. */
  public static Frame.Hello hello(
      SessionKey session, StreamId instance, long connection, Frame.Rank rank) {
    return new Frame.Hello(
        1,
        1,
        List.of(),
        session.toString(),
        instance,
        connection,
        MuxSettings.DEFAULT.limits(),
        4_000,
        rank,
        "test",
        new byte[0]);
  }

  public void draining(boolean now) {
    draining = now;
  }

  /** What the agent was told, in order. */
  public List<Frame.OfTunnel> told() {
    return told;
  }

  /** Why it was ended; null while it was not. */
  public FaultCode endCode() {
    return endCode;
  }

  public String endDetail() {
    return endDetail;
  }

  public int endRetryAfterMillis() {
    return endRetryAfterMillis;
  }

  @Override
  public SessionKey session() {
    return session;
  }

  @Override
  public StreamId instance() {
    return instance;
  }

  @Override
  public long connection() {
    return connection;
  }

  @Override
  public Frame.Rank rank() {
    return rank;
  }

  @Override
  public void admitted(Frame.Hello hello, Frame.Rank given) {
    instance = hello.instance();
    connection = hello.connection();
    rank = given;
  }

  @Override
  public boolean draining() {
    return draining;
  }

  @Override
  public TunnelHandler handler() {
    return handler;
  }

  @Override
  public RelayBudget relayBudget() {
    return relayBudget;
  }

  @Override
  public String software() {
    return "agent/1";
  }

  @Override
  public String remote() {
    return "192.0.2.1:4000";
  }

  @Override
  public String principal() {
    return "";
  }

  @Override
  public long sinceMillis() {
    return 1_000;
  }

  @Override
  public void end(FaultCode code, String detail, int retryAfterMillis) {
    endCode = code;
    endDetail = detail;
    endRetryAfterMillis = retryAfterMillis;
  }

  @Override
  public void tell(Frame.OfTunnel frame) {
    told.add(frame);
  }

  @Override
  public void retire() {
    draining = true;
  }
}

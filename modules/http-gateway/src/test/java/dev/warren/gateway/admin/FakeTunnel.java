package dev.warren.gateway.admin;

import dev.warren.peer.route.OwnTunnel;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import java.util.List;

/** A tunnel that ends here, without one. */
public final class FakeTunnel implements OwnTunnel {
  private final SessionKey session;
  private final StreamId instance = StreamId.random();
  private final long sinceMillis;
  private Frame.Rank rank = Frame.Rank.NONE;
  private final TunnelHandler handler =
      new TunnelHandler(
          Mux.Side.ACCEPTED, MuxSettings.DEFAULT, new CreditBudget(1 << 20), made -> null);
  volatile String ended;

  /** Whether it takes no new streams. */
  public volatile boolean draining;

  public FakeTunnel(String session, long sinceMillis) {
    this.session = SessionKey.of(session);
    this.sinceMillis = sinceMillis;
  }

  /** What its agent said. */
  public Frame.Hello hello() {
    return new Frame.Hello(
        1,
        1,
        List.of(),
        session.toString(),
        instance,
        1,
        MuxSettings.DEFAULT.limits(),
        4_000,
        Frame.Rank.NONE,
        software(),
        new byte[0]);
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
    return 1;
  }

  @Override
  public Frame.Rank rank() {
    return rank;
  }

  @Override
  public void admitted(Frame.Hello hello, Frame.Rank given) {
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
    throw new UnsupportedOperationException();
  }

  @Override
  public String software() {
    return "warren-agent/1";
  }

  @Override
  public String remote() {
    return "10.0.0.9:4711";
  }

  @Override
  public String principal() {
    return "printer";
  }

  @Override
  public long sinceMillis() {
    return sinceMillis;
  }

  @Override
  public void end(FaultCode code, String detail, int retryAfterMillis) {
    ended = code + ", " + detail + ", " + retryAfterMillis;
  }

  @Override
  public void tell(Frame.OfTunnel frame) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void retire() {
    throw new UnsupportedOperationException();
  }
}

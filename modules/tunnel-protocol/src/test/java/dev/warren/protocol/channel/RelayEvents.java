package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.Opening;
import java.util.List;
import java.util.function.Consumer;

/** Welcomes whoever comes and hands openings on. */
final class RelayEvents implements MuxEvents {
  private final TunnelHandler handler;
  private final Consumer<Opening> onOpening;

  RelayEvents(TunnelHandler handler, Consumer<Opening> onOpening) {
    this.handler = handler;
    this.onOpening = onOpening;
  }

  @Override
  public void hello(Frame.Hello hello) {
    handler.mux().welcome(List.of(Mux.LINK), "north-1", hello.session(), Frame.Rank.NONE, "test");
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {}

  @Override
  public void opening(Opening opening) {
    onOpening.accept(opening);
  }

  @Override
  public void drain(Frame.Drain drain) {}

  @Override
  public void discovery(Frame.Discovery discovery) {}

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {}
}

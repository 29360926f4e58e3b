package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How a tunnel's connection ends, with the channel's own clock in the test's hand. */
class TunnelHandlerTest {
  private final Listener listener = new Listener();
  private final EmbeddedChannel channel = new EmbeddedChannel();
  private final TunnelHandler tunnel =
      new TunnelHandler(
          Mux.Side.ACCEPTED, MuxSettings.DEFAULT, new CreditBudget(1 << 20), made -> listener);

  TunnelHandlerTest() {
    channel.freezeTime();
    channel.pipeline().addLast(tunnel);
  }

  /** A frame that claims 2 GiB, which costs the tunnel. */
  private void sendNonsense() {
    channel.writeInbound(Unpooled.buffer(12).writeInt(Integer.MAX_VALUE).writeLong(0));
  }

  private void finish() {
    channel.finishAndReleaseAll();
  }

  @Test
  void aFarSideThatReadsIsToldWhyAndClosedAtOnce() {
    sendNonsense();
    assertEquals(FaultCode.PROTOCOL, listener.code);
    assertFalse(channel.isOpen());
    assertFalse(channel.outboundMessages().isEmpty(), "GOAWAY");
    finish();
  }

  @Test
  void aFarSideThatDoesNotReadIsClosedAfterASecondAllTheSame() {
    channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
    sendNonsense();
    assertEquals(FaultCode.PROTOCOL, listener.code);
    channel.advanceTimeBy(999, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    assertTrue(channel.isOpen(), "it may still read its GOAWAY");
    channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
    assertFalse(channel.isOpen());
    finish();
  }

  @Test
  void ticksOfTunnelsThatCameAtAnyTimeShareFewMoments() {
    long interval = 3_000_000_000L;
    long half = interval / 2;
    Random random = new Random(1);
    Set<Long> moments = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      long now = 7 * interval + random.nextLong(interval) - 100 * interval * (i % 2);
      long delay = TunnelHandler.toSharedMoment(now, half, interval);
      assertTrue(delay >= half && delay < half + interval / 64, "delay of " + delay + " ns");
      moments.add(Math.floorMod(now + delay, interval));
    }
    assertEquals(64, moments.size());
  }

  private static final class Listener implements MuxEvents {
    private FaultCode code;

    @Override
    public void hello(Frame.Hello hello) {}

    @Override
    public void welcomed(Frame.Welcome welcome) {}

    @Override
    public void opening(Opening opening) {
      opening.refuse(FaultCode.UNSUPPORTED, "not here");
    }

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode why, String detail, int retryAfterMillis, boolean byPeer) {
      code = why;
    }
  }
}

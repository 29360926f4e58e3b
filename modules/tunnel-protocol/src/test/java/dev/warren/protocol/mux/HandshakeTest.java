package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** HELLO and WELCOME (PROTOCOL.md, section 3). */
class HandshakeTest {
  private static final MuxSettings SETTINGS = MuxSettings.DEFAULT;

  @Test
  void agentSaysHelloAndGatewayWelcomesIt() {
    try (Conversation agent = Conversation.dialledNow(SETTINGS)) {
      agent.mux.start(Conversation.hello(0, 0, new Frame.Limits(0, 0, 0), 0));
      Frame.Hello hello = agent.expects(Frame.Hello.class);
      assertEquals(1, hello.minVersion());
      assertEquals(1, hello.maxVersion());
      assertEquals(SETTINGS.limits(), hello.limits());
      assertEquals(3_000, hello.heartbeatMillis());
      assertFalse(agent.mux.isRunning());
      agent.sends(Conversation.welcome());
      assertEquals(List.of("welcomed by north-1"), agent.events);
      assertTrue(agent.mux.isRunning());
      agent.expectsNothing();
    }
  }

  @Test
  void gatewayWaitsForItsOwnerBeforeItWelcomes() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello());
      assertEquals(List.of("hello foo"), gateway.events);
      gateway.expectsNothing();
      assertEquals(FaultCode.LINK_LOST, gateway.mux.cannotOpen());
      gateway.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
      Frame.Welcome welcome = gateway.expects(Frame.Welcome.class);
      assertEquals(1, welcome.version());
      assertEquals("_/foo", welcome.session());
      assertEquals(null, gateway.mux.cannotOpen());
    }
  }

  @Test
  void theSmallerHeartbeatHolds() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello(1, 1, SETTINGS.limits(), 1_500));
      gateway.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
      assertEquals(1_500, gateway.expects(Frame.Welcome.class).heartbeatMillis());
      assertEquals(1_500_000_000L, gateway.mux.heartbeatIntervalNanos());
    }
  }

  @Test
  void versionsThatOverlapAreWelcome() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello(1, 9, SETTINGS.limits(), 4_000));
      assertEquals(List.of("hello foo"), gateway.events);
    }
  }

  @Test
  void versionsThatDoNotOverlapEndTheTunnel() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.breaks(Conversation.hello(2, 9, SETTINGS.limits(), 4_000));
      String detail = gateway.expectsGoAway(FaultCode.VERSION);
      assertTrue(detail.contains("2 to 9"), detail);
      assertEquals(List.of("ended VERSION"), gateway.events);
    }
    try (Conversation agent = Conversation.dialledNow(SETTINGS)) {
      agent.mux.start(Conversation.hello());
      agent.expects(Frame.Hello.class);
      agent.breaks(Conversation.welcome(2, SETTINGS.limits(), 4_000));
      agent.expectsGoAway(FaultCode.VERSION);
    }
  }

  @Test
  void limitsAtTheirEdges() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello(1, 1, new Frame.Limits(1_024, 1, 1), 10));
      assertEquals(List.of("hello foo"), gateway.events);
    }
    for (Frame.Limits wrong :
        List.of(
            new Frame.Limits(1_023, 1, 1),
            new Frame.Limits(1_024, 0, 1),
            new Frame.Limits(1_024, 1, 0))) {
      try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
        gateway.breaks(Conversation.hello(1, 1, wrong, 4_000));
        gateway.expectsGoAway(FaultCode.PROTOCOL);
      }
    }
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.breaks(Conversation.hello(1, 1, SETTINGS.limits(), 9));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void helloTwiceEndsTheTunnel() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello());
      gateway.breaks(Conversation.hello());
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void welcomeTwiceEndsTheTunnel() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.breaks(Conversation.welcome());
      agent.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void theWrongSidesFirstFrameEndsTheTunnel() {
    try (Conversation agent = Conversation.dialledNow(SETTINGS)) {
      agent.breaks(Conversation.hello());
      agent.expectsGoAway(FaultCode.PROTOCOL);
    }
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.breaks(Conversation.welcome());
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void anythingBeforeTheHandshakeEndsTheTunnel() {
    for (Frame early :
        List.of(
            new Frame.Ping(1),
            new Frame.Pong(1),
            new Frame.Drain(1, ""),
            new Frame.Discovery(1, true, List.of()),
            new Frame.Peering(new byte[1]),
            Conversation.open(1, 1_000),
            new Frame.Opened(2, 1),
            new Frame.Data(1, 0, Conversation.bytes(0, 1)),
            new Frame.Credit(1, 0, 1),
            new Frame.Finish(1, 0),
            new Frame.Reset(1, FaultCode.CANCELLED, "", 0))) {
      try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
        gateway.breaks(early);
        gateway.expectsGoAway(FaultCode.PROTOCOL);
      }
    }
  }

  @Test
  void handshakeIsOverInTimeOrNever() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.passes(SETTINGS.handshake().minusNanos(1));
      gateway.mux.tick(gateway.now);
      assertFalse(gateway.mux.isOver());
      gateway.passes(Duration.ofNanos(1));
      gateway.mux.tick(gateway.now);
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
      assertEquals(List.of("ended HEARTBEAT"), gateway.events);
    }
  }

  @Test
  void welcomeAfterTheTunnelWasLostDoesNoHarm() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello());
      gateway.mux.lost("cut", gateway.now);
      gateway.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
      gateway.expectsNothing();
      assertEquals(List.of("hello foo", "ended TUNNEL_LOST by peer"), gateway.events);
    }
  }

  @Test
  void gatewaySendsTheAgentAway() {
    try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
      gateway.sends(Conversation.hello());
      gateway.mux.goAway(FaultCode.SUPERSEDED, "by another instance", 5_000);
      gateway.expects(new Frame.GoAway(FaultCode.SUPERSEDED, "by another instance", 5_000));
      gateway.expectsNothing();
    }
  }

  @Test
  void goAwayIsUnderstoodInsteadOfWelcome() {
    try (Conversation agent = Conversation.dialledNow(SETTINGS)) {
      agent.mux.start(Conversation.hello());
      agent.expects(Frame.Hello.class);
      agent.breaks(new Frame.GoAway(FaultCode.UNAUTHORIZED, "", 0));
      assertEquals(List.of("ended UNAUTHORIZED by peer"), agent.events);
    }
  }

  @Test
  void helloCutAtEveryByte() {
    ByteBuf hello = Unpooled.buffer();
    FrameCodec.write(hello, Conversation.hello());
    for (int cut = 1; cut < hello.readableBytes(); cut++) {
      try (Conversation gateway = Conversation.acceptedNow(SETTINGS)) {
        gateway.sendsBytes(hello.copy(0, cut));
        assertEquals(List.of(), gateway.events);
        gateway.sendsBytes(hello.copy(cut, hello.readableBytes() - cut));
        assertEquals(List.of("hello foo"), gateway.events);
      }
    }
  }
}

package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.wire.Header;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What only two gateways say to each other (PROTOCOL.md, sections 3 and 9). */
class LinkTest {
  private static Frame.Hello gatewayHello() {
    Frame.Hello hello = Conversation.hello();
    return new Frame.Hello(
        1,
        1,
        List.of("link"),
        "north-2",
        new StreamId(5, 6),
        1,
        hello.limits(),
        hello.heartbeatMillis(),
        Frame.Rank.NONE,
        "test",
        new byte[0]);
  }

  @Test
  void gatewaysGreetEachOtherAsAgentsDoAndNameTheCapability() {
    try (Conversation accepted = Conversation.acceptedNow(MuxSettings.DEFAULT)) {
      accepted.sends(gatewayHello());
      assertEquals(List.of("hello north-2"), accepted.events);
      accepted.mux.welcome(List.of("link"), "north-1", "north-2", Frame.Rank.NONE, "test");
      assertEquals(List.of("link"), accepted.expects(Frame.Welcome.class).capabilities());
    }
    try (Conversation dialled = Conversation.dialledNow(MuxSettings.DEFAULT)) {
      dialled.mux.start(gatewayHello());
      Frame.Hello said = dialled.expects(Frame.Hello.class);
      assertEquals(List.of("link"), said.capabilities());
      assertEquals(new StreamId(5, 6), said.instance());
    }
  }

  @Test
  void peeringPassesBothWaysUpToItsLimit() {
    try (Conversation link = Conversation.withGateway()) {
      List<byte[]> heard = new ArrayList<>();
      link.onPeering = peering -> heard.add(peering.message());
      byte[] longest = new byte[FrameCodec.MAX_PEERING_BYTES];
      longest[longest.length - 1] = 7;
      link.sends(new Frame.Peering(longest), new Frame.Peering(new byte[0]));
      assertArrayEquals(longest, heard.get(0));
      assertEquals(0, heard.get(1).length);
      link.mux.peering(longest);
      assertArrayEquals(longest, link.expects(Frame.Peering.class).message());
      assertThrows(
          IllegalArgumentException.class,
          () -> link.mux.peering(new byte[FrameCodec.MAX_PEERING_BYTES + 1]));
      assertFalse(link.mux.isOver());
    }
  }

  @Test
  void longerPeeringEndsTheLink() {
    try (Conversation link = Conversation.withGateway()) {
      link.onPeering = peering -> {};
      byte[] header =
          Header.newBuilder()
              .setPeering(
                  com.google.protobuf.ByteString.copyFrom(
                      new byte[FrameCodec.MAX_PEERING_BYTES + 1]))
              .build()
              .toByteArray();
      assertTrue(header.length < FrameReader.MAX_HEADER_BYTES);
      link.sendsBytes(TunnelTest.raw(0, header, 0));
      String detail = link.expectsGoAway(FaultCode.PROTOCOL);
      assertTrue(detail.contains("24577"), detail);
    }
  }

  @Test
  void peeringOnAnAgentsTunnelEndsIt() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.breaks(new Frame.Peering(new byte[3]));
      String detail = gateway.expectsGoAway(FaultCode.PROTOCOL);
      assertTrue(detail.contains("no link"), detail);
    }
  }

  @Test
  void whoHasMuchToSayIsHeldBackAndGoesOnWhenItWasSent() {
    try (Conversation link = Conversation.withGateway()) {
      int[] said = {0};
      link.onTunnelFramesSent =
          () -> {
            while (said[0] < 1_000
                && link.mux.waitingTunnelFrames() < Mux.MAX_WAITING_TUNNEL_FRAMES) {
              link.mux.peering(new byte[] {(byte) said[0]++});
            }
          };
      link.onTunnelFramesSent.run();
      assertEquals(Mux.MAX_WAITING_TUNNEL_FRAMES, link.mux.waitingTunnelFrames());
      for (int i = 0; i < 1_000; i++) {
        assertEquals((byte) i, link.expects(Frame.Peering.class).message()[0]);
      }
      link.expectsNothing();
      assertEquals(0, link.mux.waitingTunnelFrames());
    }
  }

  /** A link between two gateways; the probe dialled. */
  private static Conversation linked() {
    Conversation link = Conversation.acceptedNow(MuxSettings.DEFAULT);
    link.sends(gatewayHello());
    link.mux.welcome(List.of(Mux.LINK), "north-1", "north-2", Frame.Rank.NONE, "test");
    link.expects(Frame.Welcome.class);
    return link;
  }

  private static Frame.Open openOf(long stream, String session) {
    return new Frame.Open(
        stream,
        new StreamId(7, stream),
        Frame.Open.BYTES,
        "127.0.0.1:80",
        5_000,
        0,
        1,
        List.of(),
        10_000_000,
        "",
        "",
        session);
  }

  private static long shareOfStream(Conversation link, long stream) {
    long own = 0;
    long all = 0;
    while (all < 4_000_000) {
      for (Frame frame : link.nextWrite()) {
        if (frame instanceof Frame.Data data) {
          int bytes = data.bytes().readableBytes();
          all += bytes;
          own += data.stream() == stream ? bytes : 0;
        }
      }
    }
    return own * 100 / all;
  }

  @Test
  void oneStreamOfASessionGetsAsMuchAsAHundredOfAnother() {
    try (Conversation link = linked()) {
      for (int i = 0; i < 101; i++) {
        link.sends(openOf(2L * i + 1, i == 50 ? "_/foo" : "_/bar"));
        RecordingEnd end = link.ends.get(i);
        end.stream.opened(link.now);
        end.stream.write(Conversation.bytes(0, i == 50 ? 4_000_000 : 100_000));
      }
      assertEquals(2, link.mux.sessionsInTurns());
      long share = shareOfStream(link, 101);
      assertTrue(share >= 45 && share <= 55, share + " % (expected: about half)");
    }
  }

  @Test
  void streamsWithoutASessionAndThoseOfAnAgentsTunnelShareOneTurn() {
    try (Conversation link = linked();
        Conversation tunnel = Conversation.withGateway()) {
      link.sends(openOf(1, ""), openOf(3, ""));
      assertEquals(0, link.mux.sessionsInTurns());
      tunnel.sends(openOf(1, "_/foo"), openOf(3, "_/bar"));
      assertEquals(0, tunnel.mux.sessionsInTurns());
    }
  }

  @Test
  void turnsOfASessionAreForgottenWithItsLastStream() {
    try (Conversation link = linked()) {
      link.sends(openOf(1, "_/foo"), openOf(3, "_/foo"), openOf(5, "_/bar"));
      RecordingEnd ours = new RecordingEnd(link);
      ours.stream = link.mux.open(openOf(0, "_/third"), ours, link.now);
      assertEquals(3, link.mux.sessionsInTurns());
      link.sends(new Frame.Reset(1, FaultCode.CANCELLED, "", 0));
      assertEquals(3, link.mux.sessionsInTurns());
      link.sends(new Frame.Reset(3, FaultCode.CANCELLED, "", 0));
      link.expects(Frame.Open.class);
      ours.stream.reset(FaultCode.CANCELLED, "");
      link.expects(Frame.Reset.class);
      assertEquals(1, link.mux.sessionsInTurns());
      link.mux.lost("cut", link.now);
      assertEquals(0, link.mux.sessionsInTurns());
    }
  }

  @Test
  void streamsGoOnWhileMuchIsSaid() {
    try (Conversation link = Conversation.withGateway()) {
      RecordingEnd end = link.opened(1_000_000);
      for (int i = 0; i < 4; i++) {
        link.mux.peering(new byte[] {1});
      }
      end.stream.write(Conversation.bytes(0, 70_000));
      assertEquals(
          List.of("Peering", "Data", "Peering", "Data", "Peering", "Data", "Peering"),
          link.all().stream().map(frame -> frame.getClass().getSimpleName()).toList());
    }
  }
}

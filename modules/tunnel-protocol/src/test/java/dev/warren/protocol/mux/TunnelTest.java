package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.wire.Header;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What concerns the tunnel as a whole (PROTOCOL.md, sections 2, 3 and 8). */
class TunnelTest {
  private static final Duration INTERVAL = Conversation.HEARTBEAT;

  // ---- ping, pong, heartbeat ----

  @Test
  void pingIsAnsweredWithItsNumber() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sends(new Frame.Ping(0), new Frame.Ping(17));
      gateway.expects(new Frame.Pong(17)); // of several the last is answered
      gateway.expectsNothing();
    }
  }

  @Test
  void onePingAnInterval() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL.minusNanos(1));
      gateway.expectsNothing();
      gateway.passesTicking(Duration.ofNanos(1));
      gateway.expects(new Frame.Ping(1));
      gateway.passes(Duration.ofMillis(30));
      gateway.sends(new Frame.Pong(1));
      assertEquals(30_000_000, gateway.mux.roundTripNanos());
      gateway.passesTicking(INTERVAL);
      gateway.expects(new Frame.Ping(2));
      gateway.expectsNothing();
    }
  }

  @Test
  void pingThatIsAlmostDueGoesWithAnAnswer() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passes(INTERVAL.dividedBy(2).minusNanos(1));
      gateway.sends(new Frame.Ping(1));
      gateway.expects(new Frame.Pong(1));
      gateway.expectsNothing();
      gateway.passes(Duration.ofNanos(1));
      gateway.sends(new Frame.Ping(2));
      gateway.expects(new Frame.Pong(2));
      gateway.expects(new Frame.Ping(1));
      gateway.passes(INTERVAL);
      gateway.sends(new Frame.Ping(3)); // while ours is unanswered
      gateway.expects(new Frame.Pong(3));
      gateway.expectsNothing();
      gateway.sends(new Frame.Pong(1));
      assertEquals(INTERVAL.toNanos(), gateway.mux.roundTripNanos());
    }
  }

  @Test
  void pingsThatGoWithAnswersKeepTheirRhythm() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL.multipliedBy(2).dividedBy(3));
      for (int i = 1; i <= 20; i++) {
        gateway.sends(new Frame.Ping(i));
        gateway.expects(new Frame.Pong(i));
        gateway.expects(new Frame.Ping(i));
        gateway.sends(new Frame.Pong(i));
        gateway.passesTicking(INTERVAL.minusNanos(1));
        gateway.expectsNothing(); // its own time has not come
      }
    }
  }

  @Test
  void aFarSideThatFallsSilentIsFoundDeadByTwoTicksAtTheirTime() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passes(INTERVAL.multipliedBy(2).dividedBy(3));
      gateway.sends(new Frame.Ping(1));
      gateway.expects(new Frame.Pong(1));
      gateway.expects(new Frame.Ping(1));
      gateway.sends(new Frame.Pong(1)); // and nothing from now on
      long silentSince = gateway.now;
      List<Long> spoke = new ArrayList<>();
      while (!gateway.mux.isOver()) {
        gateway.passes(Duration.ofNanos(gateway.mux.nanosToTick(gateway.now)));
        gateway.mux.tick(gateway.now);
        if (gateway.mux.hasOutput()) {
          spoke.add(gateway.now - silentSince);
          if (!gateway.mux.isOver()) {
            gateway.expects(new Frame.Ping(2));
          }
        }
      }
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
      assertEquals(List.of(INTERVAL.toNanos(), INTERVAL.multipliedBy(4).toNanos()), spoke);
    }
  }

  @Test
  void pongThatAnswersNothingDoesNoHarm() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sends(new Frame.Pong(5));
      assertEquals(-1, gateway.mux.roundTripNanos());
      gateway.expectsNothing();
    }
  }

  @Test
  void threeSilentIntervalsEndTheTunnel() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL);
      gateway.expects(new Frame.Ping(1));
      gateway.passesTicking(INTERVAL.multipliedBy(3).minus(INTERVAL.dividedBy(2)));
      assertFalse(gateway.mux.isOver());
      gateway.passesTicking(INTERVAL.dividedBy(2));
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
      assertEquals(List.of("ended HEARTBEAT"), gateway.events);
    }
  }

  @Test
  void twelveDeafIntervalsEndTheTunnelWhateverArrives() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL);
      gateway.expects(new Frame.Ping(1));
      for (int i = 0; i < 23; i++) {
        gateway.sends(new Frame.Ping(i)); // it talks, and does not hear
        gateway.expects(new Frame.Pong(i));
        gateway.passesTicking(INTERVAL.dividedBy(2));
      }
      assertFalse(gateway.mux.isOver());
      gateway.sends(new Frame.Ping(99));
      gateway.passesTicking(INTERVAL.dividedBy(2));
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
    }
  }

  @Test
  void processThatStoodStillDoesNotBlameTheOtherSide() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL);
      gateway.expects(new Frame.Ping(1));
      gateway.passes(Duration.ofMinutes(10)); // frozen
      gateway.mux.tick(gateway.now);
      assertFalse(gateway.mux.isOver());
      gateway.passesTicking(INTERVAL.multipliedBy(3).minusNanos(1));
      assertFalse(gateway.mux.isOver());
      gateway.passesTicking(Duration.ofNanos(1));
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
    }
  }

  @Test
  void tickThatIsLateByLessThanAnIntervalCounts() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.passesTicking(INTERVAL);
      gateway.expects(new Frame.Ping(1));
      for (int i = 0; i < 2; i++) {
        gateway.passes(INTERVAL.multipliedBy(3).dividedBy(2));
        gateway.mux.tick(gateway.now);
      }
      gateway.expectsGoAway(FaultCode.HEARTBEAT);
    }
  }

  // ---- GOAWAY, DRAIN, DISCOVERY ----

  @Test
  void goAwayTellsAllStreamsAndIsTheLastFrame() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd open = gateway.opened(1_000);
      RecordingEnd pending = gateway.opens();
      open.stream.write(Conversation.bytes(0, 500));
      gateway.mux.goAway(FaultCode.SHUTDOWN, "bye", 0);
      gateway.mux.goAway(FaultCode.INTERNAL, "again", 0);
      gateway.expects(new Frame.GoAway(FaultCode.SHUTDOWN, "bye", 0));
      gateway.expectsNothing();
      assertEquals(List.of("reset TUNNEL_LOST: bye"), open.heard());
      assertEquals(List.of("refused LINK_LOST"), pending.heard());
      assertEquals(List.of("ended SHUTDOWN"), gateway.events);
      assertEquals(0, gateway.mux.streams());
      assertEquals(0, gateway.budget.used());
      assertEquals(FaultCode.LINK_LOST, gateway.mux.cannotOpen());
    }
  }

  @Test
  void peersGoAwayTellsAllStreams() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 1_000);
      agent.sends(new Frame.GoAway(FaultCode.DRAINING, "moving", 100));
      assertEquals(List.of("reset TUNNEL_LOST: moving"), end.heard());
      assertEquals(List.of("ended DRAINING by peer"), agent.events);
      agent.expectsNothing();
      assertEquals(0, agent.budget.used());
    }
  }

  @Test
  void whatFollowsGoAwayIsIgnored() {
    try (Conversation agent = Conversation.withAgent()) {
      ByteBuf wire = Unpooled.buffer();
      FrameCodec.write(wire, new Frame.GoAway(FaultCode.SHUTDOWN, "", 0));
      FrameCodec.write(wire, Conversation.open(2, 10));
      wire.writeZero(5); // the beginning of a frame, which must not be kept
      agent.sendsBytes(wire);
      agent.sendsBytes(Unpooled.buffer().writeInt(0x7fff_ffff));
      assertEquals(List.of("ended SHUTDOWN by peer"), agent.events);
      assertEquals(0, agent.ends.size());
      agent.expectsNothing();
    }
  }

  @Test
  void restOfPayloadAfterTheEndIsIgnored() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.accepts(2, 1_000);
      agent.ends.clear();
      ByteBuf wire = Unpooled.buffer();
      FrameCodec.write(wire, Conversation.data(2, 0, 1_000));
      agent.sendsBytes(wire.readRetainedSlice(500));
      agent.mux.goAway(FaultCode.SHUTDOWN, "", 0);
      agent.sendsBytes(wire);
      agent.expects(Frame.GoAway.class);
      agent.expectsNothing();
    }
  }

  @Test
  void drainingPeerGetsNoNewStreams() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd before = gateway.opened(1_000);
      gateway.sends(new Frame.Drain(30_000, "update"));
      assertEquals(List.of("drain 30000"), gateway.events);
      assertEquals(FaultCode.DRAINING, gateway.mux.cannotOpen());
      RecordingEnd after = gateway.opens();
      assertEquals(List.of("refused DRAINING"), after.heard());
      before.stream.write(Conversation.bytes(0, 10));
      gateway.expects(Conversation.data(before.stream.number, 0, 10));
    }
  }

  @Test
  void openThatCrossesOurDrainIsRefused() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd before = agent.accepts(2, 1_000);
      agent.mux.drain(new Frame.Drain(30_000, "update"));
      agent.sends(Conversation.open(4, 1_000));
      agent.expects(new Frame.Drain(30_000, "update"));
      agent.expectsRefused(4, FaultCode.DRAINING);
      before.stream.write(Conversation.bytes(0, 10));
      agent.expects(Conversation.data(2, 0, 10));
    }
  }

  @Test
  void discoveryAtItsLimits() {
    try (Conversation gateway = Conversation.withGateway();
        Conversation agent = Conversation.withAgent()) {
      Frame.Discovery largest = new Frame.Discovery(1, true, gateways(FrameCodec.MAX_GATEWAYS));
      gateway.mux.discovery(largest);
      Frame.Discovery sent = gateway.expects(Frame.Discovery.class);
      assertEquals(largest, sent);
      agent.sends(sent);
      assertEquals(List.of("discovery 256"), agent.events);
      Header.Builder tooMany = Header.newBuilder();
      for (int i = 0; i <= FrameCodec.MAX_GATEWAYS; i++) {
        tooMany.getDiscoveryBuilder().addGatewaysBuilder().setId("g" + i);
      }
      agent.sendsBytes(raw(0, tooMany.build().toByteArray(), 0));
      agent.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void discoveryBeyondItsLimitsIsNeverSent() {
    try (Conversation gateway = Conversation.withGateway()) {
      assertThrows(
          IllegalArgumentException.class,
          () ->
              gateway.mux.discovery(
                  new Frame.Discovery(1, true, gateways(FrameCodec.MAX_GATEWAYS + 1))));
      String address = "a".repeat(1_000);
      assertThrows(
          IllegalArgumentException.class,
          () ->
              gateway.mux.discovery(
                  new Frame.Discovery(
                      1,
                      true,
                      java.util.Collections.nCopies(
                          40, new Frame.Gateway("id", 1, false, 60, address, false)))));
      gateway.expectsNothing();
    }
  }

  private static List<Frame.Gateway> gateways(int count) {
    List<Frame.Gateway> gateways = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      gateways.add(
          new Frame.Gateway(
              "gateway-" + i, i, i % 2 == 0, 60, "wss://10.0." + i + ".1:8123/connect", false));
    }
    return gateways;
  }

  @Test
  void ownerThatTellsTooMuchEndsTheTunnel() {
    try (Conversation gateway = Conversation.withGateway()) {
      for (int i = 0; i < Mux.MAX_WAITING_TUNNEL_FRAMES; i++) {
        gateway.mux.discovery(new Frame.Discovery(i, true, List.of()));
      }
      assertFalse(gateway.mux.isOver());
      gateway.mux.discovery(new Frame.Discovery(99, true, List.of()));
      gateway.expectsGoAway(FaultCode.TOO_MANY);
    }
  }

  // ---- frames that are none, or newer ----

  @Test
  void tooLongAFrameEndsTheTunnelAndAllocatesNothing() {
    for (long length : new long[] {0x7fff_ffffL, 0xffff_ffffL, 32 * 1024 + 8 + 32 * 1024 + 1}) {
      try (Conversation gateway = Conversation.withGateway()) {
        ByteBuf claim = Unpooled.buffer();
        claim.writeInt((int) length).writeShort(0).writeInt(0).writeShort(10);
        gateway.sendsBytes(claim);
        gateway.expectsGoAway(FaultCode.PROTOCOL);
      }
    }
  }

  @Test
  void tooLongAHeaderEndsTheTunnel() {
    try (Conversation gateway = Conversation.withGateway()) {
      ByteBuf claim = Unpooled.buffer();
      int header = FrameReader.MAX_HEADER_BYTES + 1;
      claim.writeInt(8 + header).writeShort(0).writeInt(0).writeShort(header);
      gateway.sendsBytes(claim);
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void headerThatDoesNotFitItsFrameEndsTheTunnel() {
    try (Conversation gateway = Conversation.withGateway()) {
      ByteBuf claim = Unpooled.buffer();
      claim.writeInt(8 + 3).writeShort(0).writeInt(0).writeShort(4);
      gateway.sendsBytes(claim);
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sendsBytes(
          Unpooled.buffer().writeInt(7).writeShort(0).writeInt(0).writeShort(0).writeInt(9));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void headerThatIsNoMessageEndsTheTunnel() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sendsBytes(raw(0, new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff}, 0));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void payloadBelongsToDataOnly() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sendsBytes(raw(0, FrameCodec.headerBytes(new Frame.Ping(1)), 1));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void streamNumberMustFitTheKind() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sendsBytes(raw(3, FrameCodec.headerBytes(new Frame.Ping(1)), 0));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.sendsBytes(raw(0, FrameCodec.headerBytes(new Frame.Credit(1, 1, 1)), 0));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.breaks(new Frame.Data(0, 0, Conversation.bytes(0, 1)));
      gateway.expectsGoAway(FaultCode.PROTOCOL);
    }
  }

  @Test
  void optionalFrameOfUnknownKindIsSkipped() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(1_000);
      for (long stream : new long[] {0, end.stream.number, 7, 4_711}) {
        gateway.sendsBytes(raw(stream, unknownKind(true), 100));
      }
      gateway.sends(Conversation.data(end.stream.number, 0, 5));
      assertEquals(List.of("data 5"), end.heard());
      gateway.expectsNothing();
    }
  }

  @Test
  void mandatoryFrameOfUnknownKindEndsTheTunnel() {
    for (long stream : new long[] {0, 2, 5}) {
      try (Conversation gateway = Conversation.withGateway()) {
        gateway.opened(1_000);
        gateway.sendsBytes(raw(stream, unknownKind(false), 0));
        String detail = gateway.expectsGoAway(FaultCode.PROTOCOL);
        assertTrue(detail.contains("unknown kind"), detail);
      }
    }
  }

  @Test
  void unknownFieldsAreSkipped() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(1_000);
      long stream = end.stream.number;
      gateway.sendsBytes(raw(0, withUnknownField(new Frame.Ping(3)), 0));
      gateway.expects(new Frame.Pong(3));
      gateway.sendsBytes(raw(stream, withUnknownField(Conversation.data(stream, 0, 0)), 40));
      gateway.sendsBytes(raw(stream, withUnknownField(new Frame.Finish(stream, 40)), 0));
      assertEquals(List.of("data 40", "finished"), end.heard());
    }
  }

  @Test
  void numbersBeyond63BitsEndTheTunnel() {
    for (Frame wrong :
        List.of(
            new Frame.Credit(2, -1, 0),
            new Frame.Credit(2, 0, Long.MIN_VALUE),
            new Frame.Finish(2, -1),
            new Frame.Data(2, -1, Conversation.bytes(0, 1)),
            new Frame.Ping(-1),
            new Frame.Pong(-2))) {
      try (Conversation gateway = Conversation.withGateway()) {
        gateway.opened(1_000);
        gateway.breaks(wrong);
        gateway.expectsGoAway(FaultCode.PROTOCOL);
      }
    }
  }

  static byte[] unknownKind(boolean optional) {
    ByteBuf header = Unpooled.buffer();
    if (optional) {
      header.writeByte(15 << 3).writeByte(1);
    }
    header
        .writeByte(((20 << 3) & 0x7f) | 0x80)
        .writeByte(20 >> 4)
        .writeByte(7); // field 20, varint 7
    byte[] bytes = new byte[header.readableBytes()];
    header.readBytes(bytes);
    return bytes;
  }

  static byte[] withUnknownField(Frame frame) {
    byte[] known = FrameCodec.headerBytes(frame);
    byte[] unknown = unknownKind(false);
    byte[] both = java.util.Arrays.copyOf(known, known.length + unknown.length);
    System.arraycopy(unknown, 0, both, known.length, unknown.length);
    assertEquals(1, parsedUnknownFields(both));
    return both;
  }

  private static int parsedUnknownFields(byte[] header) {
    try {
      return Header.parseFrom(header).getUnknownFields().asMap().size();
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  static ByteBuf raw(long stream, byte[] header, int payloadBytes) {
    ByteBuf wire = Unpooled.buffer();
    FrameCodec.writeRaw(wire, stream, Unpooled.wrappedBuffer(header), payloadBytes);
    wire.writeBytes(Conversation.bytes(0, payloadBytes));
    return wire;
  }

  // ---- the order of what goes out ----

  @Test
  void controlGoesOutBeforeData() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd busy = gateway.opened(100_000);
      busy.stream.write(Conversation.bytes(0, 80_000));
      busy.consumes = false;
      assertEquals(1, gateway.nextWrite().size());
      gateway.sends(Conversation.data(busy.stream.number, 0, 32 * 1024));
      for (int i = 1; i < 8; i++) {
        gateway.sends(Conversation.data(busy.stream.number, 32 * 1024L * i, 32 * 1024));
      }
      busy.stream.consumed(256 * 1024, gateway.now);
      gateway.sends(new Frame.Ping(4));
      gateway.mux.discovery(new Frame.Discovery(1, true, List.of()));
      RecordingEnd next = new RecordingEnd(gateway);
      next.stream = gateway.mux.open(Conversation.open(0, 0), next, gateway.now);
      assertEquals(
          List.of("Pong", "Discovery", "Credit", "Open", "Data", "Data"),
          gateway.all().stream().map(frame -> frame.getClass().getSimpleName()).toList());
    }
  }

  @Test
  void framesCutAtEveryByte() {
    ByteBuf wire = Unpooled.buffer();
    FrameCodec.write(wire, new Frame.Ping(300));
    FrameCodec.write(wire, Conversation.open(1, 70_000));
    FrameCodec.write(wire, new Frame.Credit(1, 0, 80_000));
    FrameCodec.write(wire, new Frame.Reset(1, FaultCode.CANCELLED, "no", 0));
    FrameCodec.write(wire, new Frame.Discovery(1, false, gateways(3)));
    for (int cut = 0; cut <= wire.readableBytes(); cut++) {
      for (int second = cut; second <= wire.readableBytes(); second += 41) {
        try (Conversation gateway = Conversation.withGateway()) {
          gateway.sendsBytes(wire.copy(0, cut));
          gateway.sendsBytes(wire.copy(cut, second - cut));
          gateway.sendsBytes(wire.copy(second, wire.readableBytes() - second));
          gateway.expects(new Frame.Pong(300));
          assertEquals(
              List.of("reset CANCELLED: no"), gateway.ends.get(0).heard(), "cut at " + cut);
          assertEquals(List.of("discovery 3"), gateway.events);
          gateway.ends.clear();
        }
      }
    }
  }

  @Test
  void budgetIsSharedByTunnels() {
    CreditBudget budget = new CreditBudget(1024 * 1024);
    try (Conversation one = Conversation.withGateway(MuxSettings.DEFAULT, budget);
        Conversation two = Conversation.withGateway(MuxSettings.DEFAULT, budget)) {
      one.opened(1);
      two.opened(1);
      assertEquals(512 * 1024, budget.used());
      one.mux.lost("cut", one.now);
      assertEquals(256 * 1024, budget.used());
    }
    assertEquals(0, budget.used());
  }
}

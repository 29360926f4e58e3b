package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The life of one stream (PROTOCOL.md, section 4) and what it costs to break its rules. */
class StreamTest {
  private static final int FIRST = CreditBudget.FIRST_WINDOW;

  private static MuxSettings limited(int open, int pending) {
    return new MuxSettings(
        new Frame.Limits(32 * 1024, open, pending),
        Duration.ofSeconds(4),
        Duration.ofSeconds(15),
        32 * 1024);
  }

  // ---- OPEN, OPENED, REFUSED ----

  @Test
  void openCarriesTheFirstCredit() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = new RecordingEnd(gateway);
      end.stream = gateway.mux.open(Conversation.open(0, 0), end, gateway.now);
      Frame.Open open = gateway.expects(Frame.Open.class);
      assertEquals(2, open.stream());
      assertEquals(FIRST, open.credit());
      assertEquals("127.0.0.1:80", open.target());
      assertEquals(new StreamId(7, 0), open.id());
      gateway.expectsNothing();
      assertEquals(FIRST, gateway.budget.used());
    }
  }

  @Test
  void theSideThatDialledUsesOddNumbers() {
    try (Conversation agent = Conversation.withAgent()) {
      assertEquals(1, agent.opens().stream.number);
      assertEquals(3, agent.opens().stream.number);
    }
  }

  @Test
  void acceptedStreamIsOpenedWhenTheTargetSaysSo() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 5_000));
      agent.expectsNothing();
      RecordingEnd end = agent.ends.get(0);
      end.stream.write(Conversation.bytes(0, 10));
      agent.expectsNothing();
      assertTrue(end.stream.opened(agent.now));
      agent.expects(new Frame.Opened(2, FIRST), Conversation.data(2, 0, 10));
      assertFalse(end.stream.opened(agent.now));
      agent.expectsNothing();
    }
  }

  @Test
  void refusedStreamSaysWhy() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 5_000));
      RecordingEnd end = agent.ends.get(0);
      end.stream.refuse(FaultCode.TARGET_REFUSED, "connection refused");
      assertTrue(end.stream.isOver());
      agent.expects(new Frame.Refused(2, FaultCode.TARGET_REFUSED, "connection refused", 0));
      assertEquals(0, agent.mux.streams());
      assertFalse(end.stream.opened(agent.now));
      assertEquals(List.of(), end.heard());
    }
  }

  @Test
  void openingIsRefusedAtOnce() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.answer = opening -> opening.refuse(FaultCode.FORBIDDEN, "rules");
      agent.sends(Conversation.open(2, 5_000));
      agent.expects(new Frame.Refused(2, FaultCode.FORBIDDEN, "rules", 0));
      assertEquals(0, agent.mux.streams());
    }
  }

  @Test
  void refusalReachesTheEnd() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opens();
      gateway.sends(new Frame.Refused(2, FaultCode.TARGET_TIMEOUT, "slow", 700));
      assertEquals(List.of("refused TARGET_TIMEOUT"), end.heard());
      assertTrue(end.stream.isOver());
      assertEquals(0, gateway.mux.streams());
      assertEquals(0, gateway.budget.used());
      end.stream.write(Conversation.bytes(0, 1)); // is released
      end.stream.reset(FaultCode.CANCELLED, "late");
      gateway.expectsNothing();
    }
  }

  @Test
  void bytesAndFinishWrittenBeforeOpenedGoOutBehindIt() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opens();
      end.stream.write(Conversation.bytes(0, 100));
      end.stream.finish();
      gateway.expectsNothing();
      gateway.sends(new Frame.Opened(2, 1_000));
      gateway.expects(Conversation.data(2, 0, 100), new Frame.Finish(2, 100));
      assertEquals(100, end.sent);
    }
  }

  @Test
  void streamOfUnknownKindIsRefused() {
    try (Conversation agent = Conversation.withAgent()) {
      Frame.Open open = Conversation.open(2, 10);
      agent.sends(
          new Frame.Open(2, open.id(), 1, open.target(), 0, 0, 0, List.of(), 10, "", "", ""));
      agent.expectsRefused(2, FaultCode.UNSUPPORTED);
      assertEquals(0, agent.ends.size());
    }
  }

  @Test
  void openOutOfOrderEndsTheTunnel() {
    for (long number : new long[] {4, 2, 3, FrameCodec.MAX_STREAM}) { // the last is odd
      try (Conversation agent = Conversation.withAgent()) {
        agent.sends(Conversation.open(4, 10));
        agent.ends.get(0).stream.refuse(FaultCode.FORBIDDEN, "");
        agent.expects(Frame.Refused.class);
        agent.ends.clear();
        agent.breaks(Conversation.open(number, 10));
        agent.expectsGoAway(FaultCode.PROTOCOL);
      }
    }
  }

  @Test
  void numbersMaySkip() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 10), Conversation.open(FrameCodec.MAX_STREAM - 1, 10));
      assertEquals(2, agent.ends.size());
    }
  }

  @Test
  void openOfAStreamThatIsOpenCostsTheStream() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      agent.breaks(Conversation.open(2, 10));
      agent.expectsReset(2, FaultCode.STREAM_PROTOCOL);
      assertEquals(1, end.heard().size());
      assertFalse(agent.mux.isOver());
    }
  }

  @Test
  void openedTwiceCostsTheStream() {
    try (Conversation gateway = Conversation.withGateway()) {
      gateway.opened(10);
      gateway.breaks(new Frame.Opened(2, 10));
      gateway.expectsReset(2, FaultCode.STREAM_PROTOCOL);
    }
  }

  @Test
  void refusedAfterOpenedCostsTheStream() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(10);
      gateway.breaks(new Frame.Refused(2, FaultCode.FORBIDDEN, "", 0));
      gateway.expectsReset(2, FaultCode.STREAM_PROTOCOL);
      assertEquals(List.of("reset STREAM_PROTOCOL: Refused out of order"), end.heard());
    }
  }

  @Test
  void openedFromTheSideThatOpenedCostsTheStream() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 10));
      agent.breaks(new Frame.Opened(2, 10));
      agent.expectsRefused(2, FaultCode.STREAM_PROTOCOL);
    }
  }

  @Test
  void openStreamsAreLimited() {
    try (Conversation agent =
        Conversation.withAgent(limited(3, 3), new CreditBudget(Conversation.BUDGET))) {
      for (int i = 1; i <= 3; i++) {
        agent.accepts(2L * i, 10);
      }
      agent.sends(Conversation.open(8, 10));
      agent.expectsRefused(8, FaultCode.OVERLOADED);
      agent.sends(new Frame.Reset(2, FaultCode.CANCELLED, "", 0));
      agent.accepts(10, 10);
    }
  }

  @Test
  void pendingStreamsAreLimited() {
    try (Conversation agent =
        Conversation.withAgent(limited(10, 2), new CreditBudget(Conversation.BUDGET))) {
      agent.sends(Conversation.open(2, 10), Conversation.open(4, 10), Conversation.open(6, 10));
      agent.expectsRefused(6, FaultCode.OVERLOADED);
      agent.ends.get(0).stream.opened(agent.now);
      agent.expects(Frame.Opened.class);
      agent.sends(Conversation.open(8, 10));
      agent.expectsNothing();
      assertEquals(3, agent.ends.size());
    }
  }

  @Test
  void peersLimitsAreKept() {
    try (Conversation gateway = Conversation.acceptedNow(MuxSettings.DEFAULT)) {
      gateway.sends(Conversation.hello(1, 1, new Frame.Limits(1_024, 3, 2), 4_000));
      gateway.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
      gateway.expects(Frame.Welcome.class);
      RecordingEnd one = gateway.opens();
      gateway.opens();
      assertEquals(FaultCode.OVERLOADED, gateway.mux.cannotOpen());
      assertEquals(List.of("refused OVERLOADED"), gateway.opens().heard());
      gateway.sends(new Frame.Opened(one.stream.number, 5_000));
      gateway.opened(10);
      assertEquals(FaultCode.OVERLOADED, gateway.mux.cannotOpen());
      gateway.sends(new Frame.Refused(4, FaultCode.FORBIDDEN, "", 0));
      assertNull(gateway.mux.cannotOpen());
      one.stream.write(Conversation.bytes(0, 2_000));
      gateway.expects(Conversation.data(2, 0, 1_024), Conversation.data(2, 1_024, 976));
    }
  }

  @Test
  void ourOwnLimitsBindWhatWeOpenHoweverMuchThePeerBears() {
    MuxSettings few =
        new MuxSettings(
            new Frame.Limits(1_024, 3, 2),
            MuxSettings.DEFAULT.heartbeat(),
            MuxSettings.DEFAULT.handshake(),
            MuxSettings.DEFAULT.quantum());
    try (Conversation gateway =
        Conversation.withGateway(few, new CreditBudget(Conversation.BUDGET))) {
      gateway.opens();
      gateway.opens();
      assertEquals(List.of("refused OVERLOADED"), gateway.opens().heard(), "two are pending");
      gateway.sends(new Frame.Opened(2, 5_000), new Frame.Opened(4, 5_000));
      gateway.opens();
      assertEquals(List.of("refused OVERLOADED"), gateway.opens().heard(), "three are open");
      gateway.sends(new Frame.Reset(2, FaultCode.TARGET_RESET, "", 0));
      assertNull(gateway.mux.cannotOpen());
    }
  }

  @Test
  void refusalsThatNobodyReadsEndTheTunnel() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.answer = opening -> opening.refuse(FaultCode.FORBIDDEN, "rules");
      for (int i = 1; i <= Mux.MAX_WAITING_REFUSALS; i++) {
        agent.sends(Conversation.open(2L * i, 10));
      }
      assertFalse(agent.mux.isOver());
      agent.breaks(Conversation.open(2L * Mux.MAX_WAITING_REFUSALS + 2, 10));
      agent.expectsGoAway(FaultCode.TOO_MANY);
    }
  }

  // ---- DATA, CREDIT ----

  @Test
  void dataWaitsForCredit() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(100);
      end.stream.write(Conversation.bytes(0, 150));
      end.stream.write(Conversation.bytes(150, 100));
      gateway.expects(Conversation.data(2, 0, 100));
      gateway.expectsNothing();
      assertTrue(end.stream.waitsForCredit());
      assertEquals(100, end.sent);
      gateway.sends(new Frame.Credit(2, 100, 101));
      gateway.expects(Conversation.data(2, 100, 1));
      gateway.sends(new Frame.Credit(2, 101, 500));
      gateway.breaks(new Frame.Credit(2, 101, 400)); // late: no harm
      gateway.expects(Conversation.data(2, 101, 149));
      assertFalse(end.stream.waitsForCredit());
      assertEquals(250, end.sent);
    }
  }

  @Test
  void creditMayComeInTheOpenAndBeforeOpened() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 0), new Frame.Credit(2, 0, 10));
      RecordingEnd end = agent.ends.get(0);
      end.stream.write(Conversation.bytes(0, 20));
      end.stream.opened(agent.now);
      agent.expects(new Frame.Opened(2, FIRST), Conversation.data(2, 0, 10));
    }
  }

  @Test
  void noCreditAtAllStopsTheStreamOnly() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(0);
      end.stream.write(Conversation.bytes(0, 1));
      gateway.expectsNothing();
      RecordingEnd other = gateway.opened(10);
      other.stream.write(Conversation.bytes(0, 1));
      gateway.expects(Conversation.data(4, 0, 1));
    }
  }

  @Test
  void dataAtTheLimitIsTakenAndOneByteBeyondCostsTheStream() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      RecordingEnd other = agent.accepts(4, 10);
      end.consumes = false;
      for (int i = 0; i < FIRST / 32_768; i++) {
        agent.sends(Conversation.data(2, 32_768L * i, 32_768));
      }
      assertEquals(FIRST, end.received);
      agent.expectsNothing();
      end.heard();
      agent.breaks(Conversation.data(2, FIRST, 1));
      agent.expectsReset(2, FaultCode.FLOW_CONTROL);
      assertEquals(1, end.heard().size());
      agent.sends(Conversation.data(4, 0, 3));
      assertEquals(List.of("data 3"), other.heard());
    }
  }

  @Test
  void dataOutOfOrderCostsTheStream() {
    for (long offset : new long[] {0, 9, 11, Long.MAX_VALUE}) {
      try (Conversation agent = Conversation.withAgent()) {
        agent.accepts(2, 10);
        agent.sends(Conversation.data(2, 0, 10));
        agent.breaks(new Frame.Data(2, offset, Conversation.bytes(0, 5)));
        agent.expectsReset(2, FaultCode.FLOW_CONTROL);
        assertEquals(0, agent.mux.streams());
      }
    }
  }

  @Test
  void dataBeforeOpenedCostsTheStream() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 10));
      agent.breaks(Conversation.data(2, 0, 1));
      agent.expectsRefused(2, FaultCode.STREAM_PROTOCOL);
    }
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opens();
      gateway.breaks(Conversation.data(2, 0, 1));
      gateway.expectsReset(2, FaultCode.STREAM_PROTOCOL);
      assertEquals(List.of("reset STREAM_PROTOCOL: DATA before OPENED"), end.heard());
    }
  }

  @Test
  void emptyDataDoesNoHarm() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      agent.sends(Conversation.data(2, 0, 0));
      assertEquals(List.of(), end.heard());
      agent.breaks(Conversation.data(2, 1, 0));
      agent.expectsReset(2, FaultCode.FLOW_CONTROL);
    }
  }

  @Test
  void creditIsExtendedWhenHalfAWindowIsConsumed() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      end.consumes = false;
      for (int i = 0; i < FIRST / 32_768; i++) {
        agent.sends(Conversation.data(2, 32_768L * i, 32_768));
      }
      end.stream.consumed(FIRST / 2 - 1, agent.now);
      agent.expectsNothing();
      end.stream.consumed(1, agent.now);
      agent.expects(new Frame.Credit(2, FIRST, FIRST + FIRST / 2));
      end.stream.consumed(FIRST / 2, agent.now);
      agent.expects(new Frame.Credit(2, FIRST, 2L * FIRST));
    }
  }

  @Test
  void dataInManySmallPiecesBecomesLargeFrames() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(100_000);
      for (int i = 0; i < 100; i++) {
        end.stream.write(Conversation.bytes(100L * i, 100));
      }
      gateway.expects(Conversation.data(2, 0, 10_000));
      gateway.expectsNothing();
    }
  }

  // ---- FINISH ----

  @Test
  void halfCloseLeavesTheOtherDirectionOpen() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(1_000);
      end.stream.write(Conversation.bytes(0, 10));
      end.stream.finish();
      end.stream.finish();
      end.stream.write(Conversation.bytes(10, 10)); // is dropped
      gateway.expects(Conversation.data(2, 0, 10), new Frame.Finish(2, 10));
      gateway.sends(Conversation.data(2, 0, 500));
      assertEquals(List.of("data 500"), end.heard());
      assertFalse(end.stream.isOver());
      gateway.sends(new Frame.Finish(2, 500));
      assertEquals(List.of("finished"), end.heard());
      assertTrue(end.stream.isOver());
      assertEquals(0, gateway.mux.streams());
      assertEquals(0, gateway.budget.used());
      gateway.expectsNothing();
    }
  }

  @Test
  void finishWaitsForTheBytesBeforeIt() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(5);
      end.stream.write(Conversation.bytes(0, 10));
      end.stream.finish();
      gateway.expects(Conversation.data(2, 0, 5));
      gateway.expectsNothing();
      gateway.sends(new Frame.Credit(2, 5, 10));
      gateway.expects(Conversation.data(2, 5, 5), new Frame.Finish(2, 10));
    }
  }

  @Test
  void finishNeedsNoCredit() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(0);
      end.stream.finish();
      gateway.expects(new Frame.Finish(2, 0));
    }
  }

  @Test
  void finishAtTheWrongOffsetCostsTheStream() {
    for (long offset : new long[] {0, 9, 11}) {
      try (Conversation agent = Conversation.withAgent()) {
        agent.accepts(2, 10);
        agent.sends(Conversation.data(2, 0, 10));
        agent.breaks(new Frame.Finish(2, offset));
        agent.expectsReset(2, FaultCode.STREAM_PROTOCOL);
      }
    }
  }

  @Test
  void nothingComesAfterFinish() {
    for (Frame late : List.of(Conversation.data(2, 3, 1), new Frame.Finish(2, 3))) {
      try (Conversation agent = Conversation.withAgent()) {
        agent.accepts(2, 10);
        agent.sends(Conversation.data(2, 0, 3), new Frame.Finish(2, 3));
        agent.breaks(late);
        agent.expectsReset(2, FaultCode.STREAM_PROTOCOL);
      }
    }
  }

  @Test
  void finishBeforeOpenedCostsTheStream() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 10));
      agent.breaks(new Frame.Finish(2, 0));
      agent.expectsRefused(2, FaultCode.STREAM_PROTOCOL);
    }
  }

  @Test
  void whatWasNotConsumedStaysReservedAfterBothFinished() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      end.consumes = false;
      agent.sends(Conversation.data(2, 0, 3_000), new Frame.Finish(2, 3_000));
      assertEquals(3_000, agent.budget.used());
      end.stream.finish();
      agent.expects(new Frame.Finish(2, 0));
      assertTrue(end.stream.isOver());
      assertEquals(3_000, agent.budget.used());
      end.stream.consumed(1_000, agent.now);
      assertEquals(2_000, agent.budget.used());
      end.stream.reset(FaultCode.CANCELLED, "the rest was thrown away");
      assertEquals(0, agent.budget.used());
      agent.expectsNothing();
    }
  }

  // ---- RESET ----

  @Test
  void resetIsTheLastWordAndDropsWhatWaits() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opened(5);
      end.stream.write(Conversation.bytes(0, 10));
      gateway.expects(Conversation.data(2, 0, 5));
      end.stream.reset(FaultCode.CANCELLED, "enough");
      end.stream.reset(FaultCode.CANCELLED, "again");
      gateway.sends(new Frame.Credit(2, 5, 10), Conversation.data(2, 0, 7)); // crossed the RESET
      gateway.expects(new Frame.Reset(2, FaultCode.CANCELLED, "enough", 5));
      gateway.expectsNothing();
      assertEquals(List.of(), end.heard());
      assertEquals(0, gateway.mux.streams());
      assertEquals(0, gateway.budget.used());
    }
  }

  @Test
  void resetFromTheFarEnd() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      agent.sends(new Frame.Reset(2, FaultCode.TARGET_RESET, "by target", 0));
      assertEquals(List.of("reset TARGET_RESET: by target"), end.heard());
      assertEquals(0, agent.mux.streams());
      assertEquals(0, agent.budget.used());
      agent.expectsNothing();
    }
  }

  @Test
  void bytesConsumedAfterTheResetGiveNothingBackTwice() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      agent.accepts(4, 10);
      end.consumes = false;
      agent.sends(Conversation.data(2, 0, 5_000));
      agent.sends(new Frame.Reset(2, FaultCode.CANCELLED, "", 5_000));
      assertEquals(FIRST, agent.budget.used());
      end.stream.consumed(5_000, agent.now); // its socket is done with them only now
      assertEquals(FIRST, agent.budget.used());
    }
  }

  @Test
  void openThatDidNotGoOutIsTakenBackWithoutAWord() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = new RecordingEnd(gateway);
      end.stream = gateway.mux.open(Conversation.open(0, 0), end, gateway.now);
      end.stream.reset(FaultCode.CANCELLED, "the caller is gone");
      gateway.expectsNothing();
      assertEquals(0, gateway.mux.streams());
      assertEquals(0, gateway.budget.used());
      assertEquals(4, gateway.opens().stream.number);
    }
  }

  @Test
  void pendingOpenIsTakenBackByReset() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = gateway.opens();
      end.stream.reset(FaultCode.DEADLINE, "too slow");
      gateway.expects(new Frame.Reset(2, FaultCode.DEADLINE, "too slow", 0));
      gateway.sends(new Frame.Opened(2, 10)); // crossed it
      gateway.expectsNothing();
      assertEquals(List.of(), end.heard());
    }
  }

  @Test
  void streamThatWasOpenedAndResetBeforeItWasToldGetsOneAnswer() {
    try (Conversation agent = Conversation.withAgent()) {
      agent.sends(Conversation.open(2, 10));
      MuxStream stream = agent.ends.get(0).stream;
      stream.opened(agent.now);
      stream.reset(FaultCode.TARGET_RESET, "at once");
      agent.expects(new Frame.Reset(2, FaultCode.TARGET_RESET, "at once", 0));
      agent.expectsNothing();
      assertEquals(0, agent.budget.used());
    }
  }

  @Test
  void answerToAStreamThatWasNotOpenedYetOpensNothing() {
    try (Conversation gateway = Conversation.withGateway()) {
      RecordingEnd end = new RecordingEnd(gateway);
      end.stream = gateway.mux.open(Conversation.open(0, 0), end, gateway.now);
      gateway.breaks(new Frame.Refused(2, FaultCode.FORBIDDEN, "guessed", 0));
      gateway.expectsNothing(); // no OPEN of a stream that we forgot
      assertEquals(0, gateway.mux.streams());
    }
  }

  // ---- streams that are over or never were ----

  @Test
  void framesForAStreamThatIsOverAreIgnored() {
    try (Conversation agent = Conversation.withAgent()) {
      RecordingEnd end = agent.accepts(2, 10);
      end.stream.reset(FaultCode.CANCELLED, "");
      agent.expects(Frame.Reset.class);
      agent.sends(
          new Frame.Credit(2, 0, 100),
          Conversation.data(2, 0, 100),
          new Frame.Finish(2, 100),
          new Frame.Reset(2, FaultCode.CANCELLED, "", 100));
      agent.expectsNothing();
      assertEquals(List.of(), end.heard());
      assertFalse(agent.mux.isOver());
    }
  }

  @Test
  void framesForAStreamThatNeverWasEndTheTunnel() {
    for (Frame stray :
        List.of(
            new Frame.Credit(6, 0, 100),
            new Frame.Data(6, 0, Conversation.bytes(0, 100)),
            new Frame.Data(1, 0, Unpooled.EMPTY_BUFFER),
            new Frame.Finish(3, 0),
            new Frame.Opened(1, 0),
            new Frame.Refused(1, FaultCode.FORBIDDEN, "", 0),
            new Frame.Reset(4, FaultCode.CANCELLED, "", 0))) {
      try (Conversation agent = Conversation.withAgent()) {
        agent.accepts(2, 10);
        agent.breaks(stray);
        String detail = agent.expectsGoAway(FaultCode.PROTOCOL);
        assertTrue(detail.contains("never opened"), detail);
      }
    }
  }

  @Test
  void streamFramesCutAtEveryByte() {
    ByteBuf wire = Unpooled.buffer();
    FrameCodec.write(wire, Conversation.open(2, 70_000));
    FrameCodec.write(wire, new Frame.Credit(2, 0, 80_000));
    for (int cut = 0; cut <= wire.readableBytes(); cut++) {
      try (Conversation agent = Conversation.withAgent()) {
        agent.sendsBytes(wire.copy(0, cut));
        agent.sendsBytes(wire.copy(cut, wire.readableBytes() - cut));
        RecordingEnd end = agent.ends.get(0);
        end.stream.opened(agent.now);
        agent.account.left(1, Conversation.open(2, 70_000));
        agent.expects(Frame.Opened.class);
        ByteBuf data = Unpooled.buffer();
        FrameCodec.write(data, Conversation.data(2, 0, 300));
        FrameCodec.write(data, new Frame.Finish(2, 300));
        int second = data.readableBytes() * cut / wire.readableBytes();
        agent.sendsBytes(data.copy(0, second));
        agent.sendsBytes(data.copy(second, data.readableBytes() - second));
        assertEquals(300, end.received);
        List<String> heard = end.heard();
        assertEquals("finished", heard.get(heard.size() - 1));
        end.stream.write(Conversation.bytes(0, 1));
      }
    }
  }

  // ---- fair sending ----

  @Test
  void newStreamWaitsOneQuantumOfEachActiveStream() {
    try (Conversation gateway = Conversation.withGateway()) {
      int active = 20;
      RecordingEnd fresh = gateway.opened(100);
      List<RecordingEnd> ends = new ArrayList<>();
      for (int i = 0; i < active; i++) {
        ends.add(gateway.opened(10_000_000));
      }
      for (RecordingEnd busy : ends) {
        for (int j = 0; j < 10; j++) {
          busy.stream.write(Conversation.bytes(100_000L * j, 100_000));
        }
      }
      for (int i = 0; i < 33; i++) {
        gateway.nextWrite();
      }
      fresh.stream.write(Conversation.bytes(0, 100));
      long before = 0;
      while (true) {
        Frame.Data next = (Frame.Data) gateway.nextWrite().get(0);
        if (next.stream() == fresh.stream.number) {
          break;
        }
        before += next.bytes().readableBytes();
      }
      assertTrue(
          before <= (long) active * MuxSettings.DEFAULT.quantum(), before + " bytes came first");
      gateway.all();
    }
  }
}

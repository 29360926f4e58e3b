package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.relay.Relay;
import dev.warren.protocol.relay.RelayBudget;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A gateway in the middle, with a probe on either side (PROTOCOL.md, section 10). The origin's
 * stream has number 1 on the link; on the tunnel it gets number 2.
 */
class RelayConversationTest {
  private static final int FIRST = RelayBudget.FIRST_WINDOW;
  private static final int WINDOW = RelayBudget.NEAR_WINDOW;

  private final RelayBudget node = RelayBudget.ofNode(64L << 20);
  private RelayBudget budget = node.ofTunnel(RelayBudget.DEFAULT_PER_TUNNEL);
  private final Conversation link = Conversation.withGateway(); // the probe is the origin
  private final Conversation tunnel = Conversation.withGateway(); // the probe is the agent
  private final List<Relay> relays = new ArrayList<>();

  RelayConversationTest() {
    link.answer = opening -> relays.add(Relay.begin(opening, tunnel.mux, budget, () -> tunnel.now));
  }

  @AfterEach
  void nothingIsLeft() {
    link.close();
    tunnel.close();
    assertEquals(0, budget.used());
    assertEquals(0, node.used());
  }

  private void opened(long creditToOrigin, long creditToAgent) {
    link.sends(Conversation.open(1, creditToOrigin));
    tunnel.expects(Frame.Open.class);
    tunnel.sends(new Frame.Opened(2, creditToAgent));
    link.expects(Frame.Opened.class);
  }

  private Relay relay() {
    return relays.get(0);
  }

  private void check() {
    assertTrue(relay().heldBytes() <= relay().reservedBytes());
    assertEquals(relay().reservedBytes(), budget.used());
  }

  @Test
  void openPassesWithOneHopLessAndAClampedCredit() {
    link.sends(Conversation.open(1, 10_000_000));
    Frame.Open passed = tunnel.expects(Frame.Open.class);
    assertEquals(2, passed.stream());
    assertEquals(0, passed.hopsLeft());
    assertEquals(FIRST, passed.credit());
    assertEquals("127.0.0.1:80", passed.target());
    tunnel.sends(new Frame.Opened(2, 10_000_000));
    link.expects(new Frame.Opened(1, FIRST));
  }

  @Test
  void smallCreditPassesAsItIs() {
    link.sends(Conversation.open(1, 100));
    assertEquals(100, tunnel.expects(Frame.Open.class).credit());
    tunnel.sends(new Frame.Opened(2, 7));
    link.expects(new Frame.Opened(1, 7));
  }

  @Test
  void withoutAHopLeftNothingPasses() {
    Frame.Open open = Conversation.open(1, 100);
    link.sends(new Frame.Open(1, open.id(), 0, open.target(), 0, 0, 0, List.of(), 100, "", "", ""));
    link.expectsRefused(1, FaultCode.NOT_HERE);
    tunnel.expectsNothing();
    assertEquals(0, budget.used());
  }

  @Test
  void streamsThatTheBudgetDoesNotCoverAreRefused() {
    budget = node.ofTunnel(4_000);
    link.sends(Conversation.open(1, 100), Conversation.open(3, 100));
    link.expectsRefused(3, FaultCode.OVERLOADED);
    tunnel.expects(Frame.Open.class);
    tunnel.expectsNothing();
  }

  @Test
  void tunnelThatDrainsRefuses() {
    tunnel.sends(new Frame.Drain(1_000, ""));
    link.sends(Conversation.open(1, 100));
    link.expectsRefused(1, FaultCode.DRAINING);
  }

  @Test
  void refusalPasses() {
    link.sends(Conversation.open(1, 100));
    tunnel.expects(Frame.Open.class);
    tunnel.sends(new Frame.Refused(2, FaultCode.TARGET_UNKNOWN, "no such host", 40));
    link.expects(new Frame.Refused(1, FaultCode.TARGET_UNKNOWN, "no such host", 40));
    assertTrue(relay().isOver());
    assertEquals(0, budget.used());
    assertEquals(0, link.mux.streams() + tunnel.mux.streams());
  }

  @Test
  void bytesPassBothWaysAndBothFinishesEndIt() {
    opened(1_000, 1_000);
    link.sends(Conversation.data(1, 0, 600), new Frame.Finish(1, 600));
    tunnel.expects(Conversation.data(2, 0, 600), new Frame.Finish(2, 600));
    assertFalse(relay().isOver());
    tunnel.sends(Conversation.data(2, 0, 10), new Frame.Finish(2, 10));
    check();
    link.expects(Conversation.data(1, 0, 10), new Frame.Finish(1, 10));
    assertTrue(relay().isOver());
    assertEquals(0, link.mux.streams() + tunnel.mux.streams());
    link.expectsNothing();
    tunnel.expectsNothing();
  }

  @Test
  void whatIsHeldStaysReservedUntilItHasGoneOutThoughBothFinished() {
    opened(1_000, 200_000);
    tunnel.sends(new Frame.Finish(2, 0));
    for (int i = 0; i < 2; i++) {
      link.sends(Conversation.data(1, 32_768L * i, 32_768));
    }
    link.sends(new Frame.Finish(1, 2 * 32_768));
    assertFalse(relay().isOver());
    assertTrue(relay().heldBytes() >= 2 * 32_768);
    check();
    assertEquals(3, tunnel.all().size());
    link.all();
    assertTrue(relay().isOver());
    assertEquals(0, budget.used());
  }

  @Test
  void lossOfASideThatHasItAllDoesNotStopTheRest() {
    opened(1_000, 200_000);
    tunnel.sends(new Frame.Finish(2, 0));
    link.expects(new Frame.Finish(1, 0));
    link.sends(Conversation.data(1, 0, 32_768), new Frame.Finish(1, 32_768));
    link.mux.lost("cut", link.now);
    tunnel.expects(Conversation.data(2, 0, 32_768), new Frame.Finish(2, 32_768));
    assertTrue(relay().isOver());
    assertEquals(0, tunnel.mux.streams());
  }

  @Test
  void creditIsClampedToWhatWasWrittenPlusAWindow() {
    opened(100, 100_000_000);
    long limit = FIRST;
    long sent = 0;
    for (int round = 0; round < 20; round++) {
      while (limit - sent >= 32_768) {
        link.sends(Conversation.data(1, sent, 32_768));
        sent += 32_768;
      }
      check();
      assertTrue(relay().heldBytes() <= WINDOW);
      link.expectsNothing(); // nothing was written, so nothing more may come
      tunnel.all();
      for (Frame frame : link.all()) {
        limit = ((Frame.Credit) frame).limit();
        assertEquals(0, ((Frame.Credit) frame).received(), "only the end says what it has");
      }
      assertTrue(limit <= sent + WINDOW);
      check();
    }
    assertTrue(sent > 10L * WINDOW);
  }

  @Test
  void endsCreditPasses() {
    opened(100, 1_000);
    link.sends(Conversation.data(1, 0, 1_000));
    tunnel.expects(Conversation.data(2, 0, 1_000));
    link.expectsNothing();
    tunnel.sends(new Frame.Credit(2, 1_000, 3_000));
    link.expects(new Frame.Credit(1, 1_000, 3_000));
  }

  @Test
  void senderBeyondTheClampCostsItselfTheStream() {
    opened(100, 1_000);
    link.breaks(Conversation.data(1, 0, 1_001));
    link.expectsReset(1, FaultCode.FLOW_CONTROL);
    tunnel.expectsReset(2, FaultCode.FLOW_CONTROL);
    assertEquals(0, budget.used());
    assertEquals(0, link.mux.streams() + tunnel.mux.streams());
  }

  @Test
  void bytesBeforeOpenedCostTheStream() {
    link.sends(Conversation.open(1, 100));
    link.breaks(Conversation.data(1, 0, 1));
    link.expectsRefused(1, FaultCode.FLOW_CONTROL);
    tunnel.expects(Frame.Open.class);
    tunnel.expectsReset(2, FaultCode.FLOW_CONTROL);
  }

  @Test
  void resetOvertakesWhatWaits() {
    opened(100, 100_000);
    link.sends(Conversation.data(1, 0, 32_768));
    link.sends(new Frame.Reset(1, FaultCode.CANCELLED, "enough", 32_768));
    tunnel.expects(new Frame.Reset(2, FaultCode.CANCELLED, "enough", 32_768));
    tunnel.expectsNothing();
    assertTrue(relay().isOver());
    assertEquals(0, budget.used());
  }

  @Test
  void lossOfTheTunnelIsTold() {
    opened(100, 100);
    link.sends(Conversation.open(3, 100));
    tunnel.mux.lost("cut", tunnel.now);
    link.expectsReset(1, FaultCode.TUNNEL_LOST);
    link.expectsRefused(3, FaultCode.LINK_LOST);
    assertEquals(0, link.mux.streams());
  }

  @Test
  void lossOfTheLinkIsTold() {
    opened(100, 100);
    link.mux.lost("cut", link.now);
    tunnel.expectsReset(2, FaultCode.TUNNEL_LOST);
    assertEquals(0, tunnel.mux.streams());
  }

  @Test
  void unknownKindsAndFieldsPassInTheirPlace() {
    opened(100, 10_000);
    link.sends(Conversation.data(1, 0, 10));
    link.sendsBytes(TunnelTest.raw(1, TunnelTest.unknownKind(true), 20));
    link.sendsBytes(TunnelTest.raw(1, TunnelTest.withUnknownField(Conversation.data(1, 10, 0)), 5));
    link.account.sent(0, 1);
    check();
    List<Frame> passed = tunnel.all();
    assertEquals(3, passed.size());
    assertEquals(Conversation.data(2, 0, 10), passed.get(0));
    assertEquals(new Frame.Skipped(2), passed.get(1));
    assertEquals(10, ((Frame.Data) passed.get(2)).offset());
    assertEquals(5, ((Frame.Data) passed.get(2)).bytes().readableBytes());
    check();
  }

  @Test
  void framesOfUnknownKindAreBounded() {
    opened(100, 100);
    for (int i = 0; i < 1_000 && !relay().isOver(); i++) {
      link.sendsBytes(TunnelTest.raw(1, TunnelTest.unknownKind(true), 5_000));
      assertTrue(relay().heldBytes() <= relay().reservedBytes());
      assertTrue(relay().heldBytes() <= 2 * WINDOW);
    }
    assertTrue(relay().isOver());
    link.expectsReset(1, FaultCode.OVERLOADED);
    tunnel.expectsReset(2, FaultCode.OVERLOADED);
  }

  @Test
  void emptyDataIsNotKept() {
    opened(100, 100);
    for (int i = 0; i < 100; i++) {
      link.sends(Conversation.data(1, 0, 0));
    }
    tunnel.expectsNothing();
    assertFalse(relay().isOver());
  }

  @Test
  void manySmallPiecesBecomeOneFrame() {
    opened(100, 10_000);
    for (int i = 0; i < 1_000; i++) {
      link.sends(Conversation.data(1, i, 1));
    }
    tunnel.expects(Conversation.data(2, 0, 1_000));
    tunnel.expectsNothing();
  }

  @Test
  void payloadIsCutToWhatTheNextConnectionTakes() {
    tunnel.close();
    Conversation narrow = Conversation.acceptedNow(MuxSettings.DEFAULT);
    narrow.sends(Conversation.hello(1, 1, new Frame.Limits(1_024, 10, 10), 4_000));
    narrow.mux.welcome("north-1", "_/foo", Frame.Rank.NONE, "test");
    narrow.expects(Frame.Welcome.class);
    link.answer = opening -> relays.add(Relay.begin(opening, narrow.mux, budget, () -> narrow.now));
    link.sends(Conversation.open(1, 100));
    narrow.expects(Frame.Open.class);
    narrow.sends(new Frame.Opened(2, 100_000));
    link.expects(Frame.Opened.class);
    link.sends(Conversation.data(1, 0, 2_000));
    narrow.expects(Conversation.data(2, 0, 1_024), Conversation.data(2, 1_024, 976));
    // What cannot be cut costs its stream, not the next connection.
    link.sendsBytes(TunnelTest.raw(1, TunnelTest.unknownKind(true), 1_025));
    link.expectsReset(1, FaultCode.UNSUPPORTED);
    narrow.expectsReset(2, FaultCode.UNSUPPORTED);
    assertFalse(narrow.mux.isOver());
    narrow.close();
  }

  @Test
  void tunnelFrameOnAStreamCostsTheStream() {
    opened(100, 100);
    link.sendsBytes(TunnelTest.raw(1, FrameCodec.headerBytes(new Frame.Ping(1)), 0));
    link.expectsReset(1, FaultCode.STREAM_PROTOCOL);
    tunnel.expectsReset(2, FaultCode.STREAM_PROTOCOL);
  }

  @Test
  void openedTwiceAndOpenTwiceCostTheStream() {
    opened(100, 100);
    tunnel.breaks(new Frame.Opened(2, 500));
    tunnel.expectsReset(2, FaultCode.STREAM_PROTOCOL);
    link.expectsReset(1, FaultCode.STREAM_PROTOCOL);
  }
}

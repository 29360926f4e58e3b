package dev.warren.protocol.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Credit within the budget (PROTOCOL.md, section 5). */
class WindowTest {
  private static final int KIB = 1_024;

  private static Conversation agentWith(long budget) {
    return Conversation.withAgent(MuxSettings.DEFAULT, new CreditBudget(budget));
  }

  private static long firstCredit(Conversation agent, long stream) {
    agent.sends(Conversation.open(stream, 10));
    agent.ends.get(agent.ends.size() - 1).stream.opened(agent.now);
    Frame answer = agent.next();
    return answer instanceof Frame.Opened opened ? opened.credit() : -1;
  }

  @Test
  void firstWindowsShrinkAsTheBudgetFillsAndThenStreamsAreRefused() {
    try (Conversation agent = agentWith(1_024 * KIB)) {
      List<Long> windows = new ArrayList<>();
      long stream = 2;
      long credit;
      while ((credit = firstCredit(agent, stream)) >= 0) {
        windows.add(credit / KIB);
        assertTrue(agent.budget.used() <= agent.budget.capacity());
        stream += 2;
      }
      List<Long> expected = new ArrayList<>(List.of(256L, 256L)); // up to half
      for (long used = 512; used < 1_024 * 9 / 10; used += 64) {
        expected.add(64L);
      }
      long left = 1_024 - expected.stream().mapToLong(Long::longValue).sum();
      for (; left >= 16; left -= 16) {
        expected.add(16L);
      }
      assertEquals(expected, windows);
      assertEquals(0, agent.ends.get(agent.ends.size() - 1).stream.reservedBytes());
    }
  }

  @Test
  void streamThatTheBudgetDoesNotCoverIsRefusedAsOverloaded() {
    try (Conversation agent = agentWith(16 * KIB)) {
      assertEquals(16 * KIB, firstCredit(agent, 2));
      agent.sends(Conversation.open(4, 10));
      agent.ends.get(1).stream.opened(agent.now);
      agent.expectsRefused(4, FaultCode.OVERLOADED);
      RecordingEnd own = agent.opens();
      assertEquals(List.of("refused OVERLOADED"), own.heard());
    }
  }

  /** Feeds a stream as fast as credit allows, one round trip after it was given. */
  private static int windowAfter(Conversation agent, RecordingEnd end, int rounds, Duration trip) {
    long number = end.stream.number;
    for (int i = 0; i < rounds; i++) {
      long limit = agent.account.limit(0, number);
      long sent = agent.account.sent(1, number);
      agent.passes(trip);
      long from = sent;
      long to = probeLimit(agent, number);
      assertTrue(limit >= 0);
      while (from < to) {
        int length = (int) Math.min(32 * KIB, to - from);
        agent.sends(Conversation.data(number, from, length));
        from += length;
      }
      agent.all();
    }
    return end.stream.windowBytes();
  }

  private static long probeLimit(Conversation agent, long number) {
    agent.all();
    return agent.account.limit(1, number);
  }

  @Test
  void windowGrowsWhileItHoldsTheStreamBack() {
    try (Conversation agent = agentWith(256L * KIB * KIB)) {
      RecordingEnd end = agent.accepts(2, 10);
      Duration trip = Duration.ofMillis(100);
      assertEquals(256 * KIB, end.stream.windowBytes());
      int after = windowAfter(agent, end, 12, trip);
      assertEquals(CreditBudget.LARGEST_WINDOW, after);
      assertEquals(CreditBudget.LARGEST_WINDOW, windowAfter(agent, end, 4, trip));
      assertTrue(agent.budget.used() <= CreditBudget.LARGEST_WINDOW, "" + agent.budget.used());
    }
  }

  @Test
  void windowDoesNotGrowWhereTheReaderIsSlow() {
    try (Conversation agent = agentWith(256L * KIB * KIB)) {
      RecordingEnd end = agent.accepts(2, 10);
      end.consumes = false;
      long sent = 0;
      long consumed = 0;
      for (int i = 0; i < 200; i++) { // a round trip of 1 ms; the reader takes 16 KiB in 20 ms
        long limit = probeLimit(agent, 2);
        while (sent < limit) {
          int length = (int) Math.min(32 * KIB, limit - sent);
          agent.sends(Conversation.data(2, sent, length));
          sent += length;
        }
        for (int ms = 0; ms < 20; ms++) {
          agent.passes(Duration.ofMillis(1));
          limit = probeLimit(agent, 2);
          while (sent < limit) {
            int length = (int) Math.min(32 * KIB, limit - sent);
            agent.sends(Conversation.data(2, sent, length));
            sent += length;
          }
        }
        end.stream.consumed(16 * KIB, agent.now);
        consumed += 16 * KIB;
      }
      assertTrue(consumed > 1_024 * KIB);
      assertEquals(256 * KIB, end.stream.windowBytes());
    }
  }

  @Test
  void windowDoesNotGrowWhereTheSenderIsSlow() {
    try (Conversation agent = agentWith(256L * KIB * KIB)) {
      RecordingEnd end = agent.accepts(2, 10);
      for (int i = 0; i < 2_000; i++) { // 4 KiB a millisecond
        agent.passes(Duration.ofMillis(1));
        agent.sends(Conversation.data(2, 4L * KIB * i, 4 * KIB));
        agent.all();
      }
      assertEquals(256 * KIB, end.stream.windowBytes());
    }
  }

  @Test
  void windowDoesNotGrowWhenTheBudgetIsShort() {
    try (Conversation agent = agentWith(4_096 * KIB)) {
      RecordingEnd end = agent.accepts(2, 10);
      assertTrue(agent.budget.tryReserve(3_584 * KIB)); // other streams'
      assertEquals(256 * KIB, windowAfter(agent, end, 12, Duration.ofMillis(100)));
      agent.budget.release(3_584 * KIB);
    }
  }

  @Test
  void windowShrinksByNotBeingExtended() {
    try (Conversation agent = agentWith(1_024 * KIB)) {
      RecordingEnd end = agent.accepts(2, 10);
      assertTrue(agent.budget.tryReserve(768 * KIB)); // the last tenth begins at 153 KiB more
      long limit = agent.account.limit(1, 2);
      assertEquals(256 * KIB, limit);
      long sent = 0;
      while (sent < 256 * KIB) {
        agent.sends(Conversation.data(2, sent, 16 * KIB));
        sent += 16 * KIB;
        long now = probeLimit(agent, 2);
        assertTrue(now >= limit, "credit is never taken back");
        assertTrue(now - end.stream.receivedBytes() >= 16 * KIB, "and never stops");
        limit = now;
      }
      assertTrue(end.stream.reservedBytes() <= 153 * KIB, "" + end.stream.reservedBytes());
      agent.budget.release(768 * KIB);
    }
  }

  @Test
  void streamGoesOnWithItsSmallestWindowWhenTheBudgetIsUsedUp() {
    try (Conversation agent = agentWith(64 * KIB)) {
      RecordingEnd end = null;
      for (long stream = 2; stream <= 8; stream += 2) {
        agent.sends(Conversation.open(stream, 10));
        agent.ends.get(agent.ends.size() - 1).stream.opened(agent.now);
        if (agent.next() instanceof Frame.Opened && end == null) {
          end = agent.ends.get(agent.ends.size() - 1);
        }
      }
      long sent = 0;
      for (int i = 0; i < 100; i++) {
        long room = probeLimit(agent, 2) - sent;
        assertTrue(room > 0, "credit after " + sent + " bytes");
        int length = (int) Math.min(16 * KIB, room);
        agent.sends(Conversation.data(2, sent, length));
        sent += length;
        assertTrue(agent.budget.used() <= agent.budget.capacity());
      }
      assertEquals(sent, end.received);
    }
  }
}

package dev.warren.protocol.flow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class CreditRoundsTest {
  private final CreditRounds rounds = new CreditRounds(1_000, 0);

  /** The limit is extended, and a byte beyond the old one comes so much later. */
  private void sample(long limit, long since, long roundTrip) {
    rounds.extended(limit, since);
    rounds.arrived(limit, since + roundTrip - 1);
    rounds.arrived(limit + 1, since + roundTrip);
  }

  @Test
  void roundIsOverWhenAWholeWindowWasConsumed() {
    assertFalse(rounds.isOver(999, 10));
    assertTrue(rounds.isOver(1_000, 10));
    rounds.next(1_000, 2_000, 10);
    assertFalse(rounds.isOver(2_999, 20));
    assertTrue(rounds.isOver(3_000, 20));
  }

  @Test
  void nothingHoldsBackBeforeARoundTripWasSeen() {
    assertTrue(rounds.isOver(1_000, 1));
    assertFalse(rounds.windowWasSmall());
    assertFalse(rounds.creditHeldBack());
  }

  @Test
  void windowIsSmallWhereItIsConsumedWithinOneAndAHalfRoundTrips() {
    sample(1_000, 0, 100);
    assertEquals(100, rounds.leastNanos());
    assertTrue(rounds.isOver(1_000, 150));
    assertTrue(rounds.windowWasSmall());
    assertTrue(rounds.isOver(1_000, 151));
    assertFalse(rounds.windowWasSmall());
  }

  @Test
  void queueOnTheRoadMakesNoWindowSmallButCreditHoldsBackAllTheSame() {
    sample(1_000, 0, 100);
    sample(2_000, 200, 400);
    sample(3_000, 700, 400);
    assertTrue(rounds.isOver(1_000, 500));
    assertFalse(rounds.windowWasSmall());
    assertTrue(rounds.creditHeldBack());
  }

  @Test
  void onePauseOfTheSenderIsNoRoundTrip() {
    sample(1_000, 0, 100);
    sample(2_000, 200, 90_000);
    assertTrue(rounds.isOver(1_000, 500));
    assertFalse(rounds.creditHeldBack());
  }
}

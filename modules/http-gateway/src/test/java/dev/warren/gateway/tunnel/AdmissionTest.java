package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** How a herd comes in. */
class AdmissionTest {
  private long now = Duration.ofHours(1).toNanos();

  private Admission admission(int perSecond, int handshakes) {
    return new Admission(perSecond, handshakes, () -> now, new SplittableRandom(1));
  }

  @Test
  void aFifthOfASecondsAgentsComeAtOnceAndThenAtTheRate() {
    Admission admission = admission(100, 1_000);
    int in = 0;
    for (int i = 0; i < 50; i++) {
      in += admission.ask().isZero() ? 1 : 0;
    }
    assertEquals(20, in);
    now += Duration.ofMillis(100).toNanos();
    for (int i = 0; i < 50; i++) {
      in += admission.ask().isZero() ? 1 : 0;
    }
    assertEquals(30, in);
  }

  @Test
  void handshakesUnderWayAreLimited() {
    Admission admission = admission(1_000, 2);
    assertEquals(Duration.ZERO, admission.ask());
    assertEquals(Duration.ZERO, admission.ask());
    assertTrue(admission.ask().toMillis() >= 1_000);
    admission.settled();
    assertEquals(Duration.ZERO, admission.ask());
    assertEquals(2, admission.handshakes());
  }

  @Test
  void nobodyIsSentAwayForLong() {
    Admission admission = admission(1, 10);
    for (int i = 0; i < 100_000; i++) {
      assertTrue(admission.ask().compareTo(Admission.LONGEST_WAIT) <= 0);
    }
  }

  /** Ten thousand agents that come in the same second, and come again when they are told to. */
  @Test
  void aHerdIsInSoonAndNobodyIsSentAwayManyTimes() {
    int rate = 1_000;
    Admission admission = admission(rate, rate);
    record Coming(long at, int refusals) {}
    PriorityQueue<Coming> herd =
        new PriorityQueue<>((one, other) -> Long.compare(one.at(), other.at()));
    SplittableRandom random = new SplittableRandom(2);
    long start = now;
    for (int i = 0; i < 10_000; i++) {
      herd.add(new Coming(start + random.nextLong(Duration.ofSeconds(1).toNanos()), 0));
    }
    int most = 0;
    long last = start;
    while (!herd.isEmpty()) {
      Coming agent = herd.poll();
      now = Math.max(now, agent.at());
      Duration wait = admission.ask();
      if (wait.isZero()) {
        admission.settled();
        most = Math.max(most, agent.refusals());
        last = now;
      } else {
        long seconds = (wait.toMillis() + 999) / 1_000; // as Retry-After says it
        long jitter = random.nextLong(Duration.ofMillis(500).toNanos());
        herd.add(
            new Coming(now + Duration.ofSeconds(seconds).toNanos() + jitter, agent.refusals() + 1));
      }
    }
    assertTrue(last - start < Duration.ofSeconds(40).toNanos(), "took " + (last - start) / 1e9);
    assertTrue(most <= 3, "one agent was sent away " + most + " times");
  }
}

package dev.warren.peer.dial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.SessionKey;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Who waits, and who is released when. The event loop's time is in the test's hand. */
class WaitingDialsTest {
  private static final SessionKey SESSION = SessionKey.of("bench-1");

  private final EmbeddedChannel channel = new EmbeddedChannel();
  private final WaitingDials dials = new WaitingDials(100, 1_000);
  private final List<Waiter> released = new ArrayList<>();

  private final class Waiter implements WaitingDials.Waiter {
    private final boolean waitsAgain;

    Waiter(boolean waitsAgain) {
      this.waitsAgain = waitsAgain;
    }

    @Override
    public EventLoop loop() {
      return channel.eventLoop();
    }

    @Override
    public void released() {
      released.add(this);
      if (waitsAgain) {
        assertTrue(dials.add(SESSION, this));
      }
    }
  }

  private void pass(int millis) {
    channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
    channel.runScheduledPendingTasks();
    channel.runPendingTasks();
  }

  @Test
  void theyAreReleasedAFewAtATime() {
    channel.freezeTime();
    for (int i = 0; i < 40; i++) {
      dials.add(SESSION, new Waiter(false));
    }
    dials.release(SESSION);
    assertEquals(WaitingDials.RELEASED_AT_ONCE, released.size());
    pass(WaitingDials.RELEASE_STEP_MILLIS);
    assertEquals(2 * WaitingDials.RELEASED_AT_ONCE, released.size());
    pass(WaitingDials.RELEASE_STEP_MILLIS);
    assertEquals(40, released.size());
    assertEquals(0, dials.count());
    assertEquals(List.of(), dials.sessions());
  }

  @Test
  void thoseThatFindNoWayAndWaitAgainAreNotReleasedOverAndOver() {
    channel.freezeTime();
    for (int i = 0; i < 40; i++) {
      dials.add(SESSION, new Waiter(true));
    }
    dials.release(SESSION);
    for (int i = 0; i < 100; i++) {
      pass(WaitingDials.RELEASE_STEP_MILLIS);
    }
    assertEquals(40, released.size());
    assertEquals(40, released.stream().distinct().count());
    assertEquals(40, dials.count());
  }

  @Test
  void whoWaitsTwiceIsCountedOnce() {
    WaitingDials few = new WaitingDials(1, 1);
    Waiter waiter = new Waiter(false);
    assertTrue(few.add(SESSION, waiter));
    assertFalse(few.add(SESSION, new Waiter(false)));
    assertEquals(1, few.count());
    few.remove(SESSION, waiter);
    few.remove(SESSION, waiter);
    assertEquals(0, few.count());
    WaitingDials two = new WaitingDials(1, 2);
    assertTrue(two.add(SESSION, waiter));
    assertTrue(two.add(SESSION, waiter));
    assertEquals(1, two.count());
    two.release(SESSION);
    assertEquals(0, two.count());
  }
}

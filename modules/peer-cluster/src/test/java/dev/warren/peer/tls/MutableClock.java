package dev.warren.peer.tls;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until it is set. */
final class MutableClock implements InstantSource {
  private volatile Instant now;

  MutableClock(Instant now) {
    this.now = now;
  }

  void passes(Duration time) {
    now = now.plus(time);
  }

  @Override
  public Instant instant() {
    return now;
  }
}

package dev.warren.gateway.http;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The one time by which something must have happened on a connection. It moves with every request,
 * so the loop's timer is not moved with it: a task that finds itself too early waits for the rest.
 */
final class Deadline implements Runnable {
  private final EventLoop loop;
  private final Runnable missed;
  private boolean set;
  private long at;
  private Future<?> task;
  private long taskAt;

  /**
   * @param missed runs on the loop when the deadline has passed
   */
  Deadline(EventLoop loop, Runnable missed) {
    this.loop = loop;
    this.missed = missed;
  }

  void in(Duration wait) {
    set = true;
    at = System.nanoTime() + wait.toNanos();
    if (task == null) {
      schedule();
    } else if (at - taskAt < 0) {
      task.cancel(false);
      schedule();
    }
  }

  /** Nothing is awaited. */
  void clear() {
    set = false;
  }

  /** For good: the connection has ended. */
  void stop() {
    set = false;
    if (task != null) {
      task.cancel(false);
      task = null;
    }
  }

  private void schedule() {
    taskAt = at;
    task = loop.schedule(this, at - System.nanoTime(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void run() {
    task = null;
    if (!set) {
      return;
    }
    if (at - System.nanoTime() > 0) {
      schedule();
    } else {
      set = false;
      missed.run();
    }
  }
}

package dev.warren.agent.dial;

import io.netty.channel.EventLoop;
import java.util.function.Consumer;

/**
 * One stream's wait for a connection to its target, which it may share with other attempts of the
 * same dial. Lives on the stream's event loop.
 */
public final class TargetDial {
  private final TargetDialer dialer;
  private final DialRequest request;
  private final EventLoop loop;
  private final Consumer<DialResult> done;

  private boolean over;
  private SharedDial shared; // null before it was started

  TargetDial(TargetDialer dialer, DialRequest request, EventLoop loop, Consumer<DialResult> done) {
    this.dialer = dialer;
    this.request = request;
    this.loop = loop;
    this.done = done;
  }

  DialRequest request() {
    return request;
  }

  EventLoop loop() {
    return loop;
  }

  /**
   * The caller is gone, and is told nothing more; the dial goes on where others wait for it, else
   * nothing stays behind. To be called on the loop.
   */
  public void cancel() {
    if (over) {
      return;
    }
    over = true;
    if (shared != null) {
      shared.leave(this);
    }
  }

  void start() {
    if (over) {
      return;
    }
    TargetDialer.Entry entry = dialer.enter(this);
    if (entry.refused() != null) {
      end(entry.refused());
      return;
    }
    shared = entry.dial();
    if (entry.isNew()) {
      shared.start();
    }
  }

  /** Ends it from any loop. */
  void tell(DialResult.Refused result) {
    if (loop.inEventLoop()) {
      end(result);
    } else {
      loop.execute(() -> end(result));
    }
  }

  /** Ends it, on the loop. Says whether anybody still waited. */
  boolean end(DialResult result) {
    if (over) {
      return false;
    }
    over = true;
    done.accept(result);
    return true;
  }
}

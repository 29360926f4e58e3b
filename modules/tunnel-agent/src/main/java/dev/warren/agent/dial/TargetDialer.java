package dev.warren.agent.dial;

import dev.warren.agent.net.Names;
import dev.warren.agent.net.Transport;
import dev.warren.agent.rules.AllowRules;
import dev.warren.protocol.FaultCode;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * Dials targets for all tunnels of an agent, and knows which dials are in progress. Their number is
 * bounded: a caller that asks for targets that never answer must not use up the agent's sockets.
 */
public final class TargetDialer {
  private final Transport transport;
  private final Names names;
  private final AllowRules rules;
  private final RefusalLog refusals;
  private final Duration timeout;
  private final int maxPending;
  private final Semaphore free;
  private final ConcurrentMap<DialRequest.Key, TargetDial> inProgress = new ConcurrentHashMap<>();

  /**
   * @param timeout how long a dial may take in all; the caller's deadline may be earlier
   * @param maxPending dials in progress at once; one more is refused as overloaded
   */
  public TargetDialer(
      Transport transport,
      Names names,
      AllowRules rules,
      RefusalLog refusals,
      Duration timeout,
      int maxPending) {
    this.transport = transport;
    this.names = names;
    this.rules = rules;
    this.refusals = refusals;
    this.timeout = timeout;
    this.maxPending = maxPending;
    this.free = new Semaphore(maxPending);
  }

  /**
   * Starts a dial on {@code loop}, to be called there. {@code done} is told once, on the loop and
   * never before this method has returned, unless the dial was cancelled.
   */
  public TargetDial dial(DialRequest request, EventLoop loop, Consumer<DialResult> done) {
    TargetDial dial = new TargetDial(this, request, loop, done);
    loop.execute(dial::start);
    return dial;
  }

  /** Dials in progress. */
  public int pending() {
    return inProgress.size();
  }

  /** Null where the dial may go on, else why not. */
  DialResult.Refused enter(TargetDial dial) {
    if (!free.tryAcquire()) {
      return new DialResult.Refused(
          FaultCode.OVERLOADED, "the agent is dialling " + maxPending + " targets already");
    }
    if (inProgress.putIfAbsent(dial.request().key(), dial) != null) {
      free.release();
      return new DialResult.Refused(
          FaultCode.STREAM_PROTOCOL,
          "stream " + dial.request().key().stream() + " is being dialled already");
    }
    return null;
  }

  void leave(TargetDial dial) {
    if (inProgress.remove(dial.request().key(), dial)) {
      free.release();
    }
  }

  Transport transport() {
    return transport;
  }

  Names names() {
    return names;
  }

  AllowRules rules() {
    return rules;
  }

  RefusalLog refusals() {
    return refusals;
  }

  /** How long a dial may take in all. */
  public Duration timeout() {
    return timeout;
  }
}

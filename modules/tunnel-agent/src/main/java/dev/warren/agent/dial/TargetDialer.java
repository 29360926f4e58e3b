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
 * Dials targets for all tunnels of an agent, and knows which dials are in progress: a further
 * attempt of one joins it, and does not dial a second time. Their number is bounded: a caller that
 * asks for targets that never answer must not use up the agent's sockets.
 */
public final class TargetDialer {
  private final Transport transport;
  private final Names names;
  private final AllowRules rules;
  private final RefusalLog refusals;
  private final Duration timeout;
  private final int maxPending;
  private final Semaphore free;
  private final ConcurrentMap<DialRequest.Key, SharedDial> inProgress = new ConcurrentHashMap<>();

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
   * Starts a dial on {@code loop}, or joins the one that is in progress; to be called there. {@code
   * done} is told once, on the loop and never before this method has returned, unless the dial was
   * cancelled.
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

  /**
   * Where a stream waits now.
   *
   * @param dial null where it was refused
   * @param isNew whether the dial is to be started
   * @param refused null where it waits
   */
  record Entry(SharedDial dial, boolean isNew, DialResult.Refused refused) {
    private static Entry refused(FaultCode code, String detail) {
      return new Entry(null, false, new DialResult.Refused(code, detail));
    }
  }

  Entry enter(TargetDial attempt) {
    DialRequest.Key key = attempt.request().key();
    while (true) {
      SharedDial known = inProgress.get(key);
      if (known == null) {
        if (!free.tryAcquire()) {
          return Entry.refused(
              FaultCode.OVERLOADED, "the agent is dialling " + maxPending + " targets already");
        }
        SharedDial dial = new SharedDial(this, attempt);
        if (inProgress.putIfAbsent(key, dial) == null) {
          return new Entry(dial, true, null);
        }
        free.release();
        continue; // another tunnel was first
      }
      SharedDial.Joined joined = known.join(attempt);
      if (joined != SharedDial.Joined.TOO_LATE) {
        return entry(joined, known, key);
      }
      leave(known); // it has ended, and is about to leave by itself
    }
  }

  private static Entry entry(SharedDial.Joined joined, SharedDial known, DialRequest.Key key) {
    String dial = "stream " + key.stream();
    return switch (joined) {
      case YES -> new Entry(known, false, null);
      case NOT_HIGHER ->
          Entry.refused(FaultCode.STREAM_PROTOCOL, dial + " is being dialled already");
      case OTHER_TARGET ->
          Entry.refused(
              FaultCode.STREAM_PROTOCOL, dial + " is being dialled already, to another target");
      case FULL ->
          Entry.refused(
              FaultCode.OVERLOADED, SharedDial.MAX_WAITING + " attempts wait for " + dial);
      case TOO_LATE -> throw new IllegalStateException("a dial that has ended is not joined");
    };
  }

  void leave(SharedDial dial) {
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

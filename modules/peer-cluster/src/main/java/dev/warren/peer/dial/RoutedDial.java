package dev.warren.peer.dial;

import dev.warren.peer.dial.DialFailedException.Outcome;
import dev.warren.peer.dial.Router.Candidate;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.StreamChannel;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.frame.Frame;
import dev.warren.session.SessionStatus;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One dial, over as many holders as it takes. It may be tried elsewhere until its first OPENED:
 * after a holder that could not (not here, draining, overloaded, link lost), and beside one that
 * does not answer in time, always with the same stream id, by which the agent knows that it is the
 * same dial. What the target or the agent's rules said is final.
 *
 * <pre>
 * trying -refused, retryable-> trying the next, or waiting
 * waiting (for a session on its way back) -reachable-> trying;  -grace over-> failed
 * trying -OPENED-> opened;  -refused, final-> failed;  any -deadline, caller gone-> failed
 * </pre>
 *
 * Lives on the caller's event loop.
 */
final class RoutedDial implements WaitingDials.Waiter {
  /** More tries than this are one in a circle. */
  static final int MAX_ATTEMPTS = 16;

  private static final Duration RETRY_SOON = Duration.ofSeconds(1);
  private static final Logger log = LoggerFactory.getLogger(RoutedDial.class);

  private final Router router;
  private final Dial dial;
  private final EventLoop loop;
  private final Promise<OpenedStream> promise;
  private final long started = System.nanoTime();
  private final Set<Candidate> tried = new HashSet<>();
  private final Set<TunnelHandler> lost = new HashSet<>(); // connections of links, under this dial
  private final List<Attempt> underWay = new ArrayList<>(1);
  private Future<?> deadline;
  private Future<?> hedge;
  private Future<?> grace;
  private Future<?> askLimit;
  private boolean waiting;
  private boolean late;
  private boolean asked;
  private boolean answered; // by the control plane, or too late
  private int attempts;
  private FaultCode lastCode;
  private String lastDetail = "";
  private int lastRetryAfterMillis;
  private String via;

  RoutedDial(Router router, Dial dial, EventLoop loop, Promise<OpenedStream> promise) {
    this.router = router;
    this.dial = dial;
    this.loop = loop;
    this.promise = promise;
    this.via = router.gateway();
  }

  void start() {
    deadline = loop.schedule(this::tooLate, dial.deadline().toNanos(), TimeUnit.NANOSECONDS);
    promise.addListener(done -> settled());
    step();
  }

  @Override
  public EventLoop loop() {
    return loop;
  }

  // ---- deciding ----

  /** Tries the next way; where there is none, waits or gives up. */
  private void step() {
    if (promise.isDone()) {
      return;
    }
    RouteTable.Known known = router.table().find(dial.session());
    Candidate next = attempts < MAX_ATTEMPTS ? router.best(known, tried, lost) : null;
    if (next != null) {
      begin(next);
    } else if (!underWay.isEmpty()) {
      waitForMore(); // somebody may still answer
    } else if (lastCode == FaultCode.OVERLOADED || attempts >= MAX_ATTEMPTS) {
      giveUp();
    } else if (known.isOnline() || known.offlineFor() != null || router.paths().mayKnowMore()) {
      waitForSession(known);
    } else {
      ask();
    }
  }

  /** The session is on its way back, perhaps. */
  private void waitForSession(RouteTable.Known known) {
    if (grace == null) {
      router.count().waited.increment();
      grace =
          loop.schedule(
              this::graceOver, router.settings().reattachGrace().toNanos(), TimeUnit.NANOSECONDS);
    } else if (grace.isDone()) {
      graceOver();
      return;
    }
    if (!waitForMore()) {
      fail(
          Outcome.UNAVAILABLE,
          "session " + dial.session() + " is away, and too many dials wait for it already",
          RETRY_SOON);
      return;
    }
    // What came between the look at the table and now has been missed.
    RouteTable.Known again = router.table().find(dial.session());
    if (!again.equals(known) && router.best(again, tried, lost) != null) {
      router.waitingDials().remove(dial.session(), this);
      released();
    }
  }

  private boolean waitForMore() {
    if (!waiting) {
      waiting = router.waitingDials().add(dial.session(), this);
    }
    return waiting;
  }

  @Override
  public void released() {
    waiting = false;
    step();
  }

  private void graceOver() {
    if (promise.isDone() || !underWay.isEmpty()) {
      return;
    }
    RouteTable.Known known = router.table().find(dial.session());
    if (lastCode != null) {
      giveUp();
    } else if (known.offlineFor() != null) {
      fail(
          Outcome.UNAVAILABLE,
          "session "
              + dial.session()
              + " is offline since "
              + known.offlineFor().toSeconds()
              + " s",
          RETRY_SOON);
    } else {
      fail(
          Outcome.UNAVAILABLE,
          "session " + dial.session() + " cannot be reached from this gateway now",
          RETRY_SOON);
    }
  }

  /** Nobody here knows the session: the control plane may. */
  private void ask() {
    if (asked) {
      giveUp();
      return;
    }
    asked = true;
    if (router.presence() == PresenceLookup.NONE) {
      answer(SessionStatus.UNKNOWN);
      return;
    }
    if (!router.asks().tryAcquire()) {
      fail(
          Outcome.UNAVAILABLE,
          "session " + dial.session() + ": too many questions to the control plane",
          RETRY_SOON);
      return;
    }
    router.count().asked.increment();
    Duration within = router.settings().askWithin();
    askLimit = loop.schedule(() -> answer(null), within.toNanos(), TimeUnit.NANOSECONDS);
    CompletionStage<SessionStatus> answer;
    try {
      answer = router.presence().find(dial.session(), within);
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    answer.whenComplete(
        (found, failure) -> {
          router.asks().release();
          loop.execute(() -> answer(failure == null ? found : null));
        });
  }

  private void answer(SessionStatus found) {
    if (promise.isDone() || answered) {
      return;
    }
    answered = true;
    if (router.best(router.table().find(dial.session()), tried, lost) != null) {
      step(); // a way has turned up meanwhile
      return;
    }
    if (found == null) {
      fail(
          Outcome.UNAVAILABLE,
          "session " + dial.session() + " is not known here, and the control plane does not answer",
          RETRY_SOON);
    } else if (found == SessionStatus.UNKNOWN) {
      fail(
          Outcome.UNKNOWN_SESSION,
          "session " + dial.session() + " is unknown: no agent with this id is connected",
          Duration.ZERO);
    } else {
      fail(
          Outcome.UNAVAILABLE,
          "session "
              + dial.session()
              + (found == SessionStatus.OFFLINE
                  ? " is offline"
                  : " is at a gateway that cannot be reached from here"),
          RETRY_SOON);
    }
  }

  /** Every way has been tried. */
  private void giveUp() {
    Duration retryAfter = Duration.ofMillis(lastRetryAfterMillis);
    fail(
        Outcome.UNAVAILABLE,
        "session " + dial.session() + ", target " + dial.target() + ": " + lastDetail,
        retryAfter.isZero() ? RETRY_SOON : retryAfter);
  }

  private void tooLate() {
    late = true;
    fail(
        Outcome.TIMED_OUT,
        "session "
            + dial.session()
            + ", target "
            + dial.target()
            + ": no answer within "
            + dial.deadline().toMillis()
            + " ms",
        Duration.ZERO);
  }

  private void fail(Outcome outcome, String message, Duration retryAfter) {
    promise.tryFailure(new DialFailedException(outcome, message, retryAfter, via));
  }

  /** However it ended: timers go, and what nobody waits for is taken back. */
  private void settled() {
    deadline.cancel(false);
    if (hedge != null) {
      hedge.cancel(false);
    }
    if (grace != null) {
      grace.cancel(false);
    }
    if (askLimit != null) {
      askLimit.cancel(false);
    }
    if (waiting) {
      router.waitingDials().remove(dial.session(), this);
    }
    (promise.isSuccess() ? router.count().opened : router.count().failed).increment();
    FaultCode why =
        promise.isCancelled()
            ? FaultCode.CANCELLED
            : late ? FaultCode.DEADLINE : FaultCode.OTHER_ATTEMPT_WON;
    for (Attempt attempt : underWay) {
      attempt.takeBack(why);
    }
  }

  // ---- trying ----

  private void begin(Candidate candidate) {
    tried.add(candidate);
    TunnelHandler handler = router.handler(candidate, lost, loop);
    if (handler == null) {
      step(); // it went meanwhile
      return;
    }
    if (attempts > 0) {
      (underWay.isEmpty() ? router.count().again : router.count().hedged).increment();
    }
    via = router.via(candidate);
    Attempt attempt = new Attempt(candidate, handler, attempts++);
    underWay.add(attempt);
    if (hedge != null) {
      hedge.cancel(false);
    }
    long patience =
        Math.max(router.settings().hedgeAfter().toNanos(), 4 * router.roundTripNanos(candidate));
    hedge = loop.schedule(this::step, patience, TimeUnit.NANOSECONDS);
    attempt.start();
  }

  private void refused(
      Attempt attempt, FaultCode code, String detail, int retryAfterMillis, boolean over) {
    underWay.remove(attempt);
    if (promise.isDone()) {
      return;
    }
    log.atDebug()
        .addKeyValue("session", dial.session())
        .addKeyValue("target", dial.target())
        .addKeyValue("stream", dial.id())
        .addKeyValue("via", router.via(attempt.candidate))
        .addKeyValue("code", code)
        .addKeyValue("detail", detail)
        .log("stream.refused");
    if (code == FaultCode.OTHER_ATTEMPT_WON && !underWay.isEmpty()) {
      return;
    }
    if (code.retryable() || code == FaultCode.OTHER_ATTEMPT_WON) {
      lastCode = code;
      lastDetail = detail;
      lastRetryAfterMillis = retryAfterMillis;
      if (over && attempt.candidate instanceof Candidate.There) {
        // The link may have more connections than this one, and the holder did not answer.
        lost.add(attempt.handler);
        tried.remove(attempt.candidate);
      }
      step();
      return;
    }
    via = router.via(attempt.candidate);
    promise.tryFailure(
        new DialFailedException(
            outcome(code),
            code,
            "session " + dial.session() + ", target " + dial.target() + ": " + detail,
            Duration.ofMillis(retryAfterMillis),
            via));
  }

  private void opened(Attempt attempt, StreamChannel channel) {
    underWay.remove(attempt);
    router.began(attempt.candidate);
    loop.register(channel);
    channel.closeFuture().addListener(closed -> router.ended(attempt.candidate));
    via = router.via(attempt.candidate);
    log.atDebug()
        .addKeyValue("session", dial.session())
        .addKeyValue("target", dial.target())
        .addKeyValue("stream", dial.id())
        .addKeyValue("via", via)
        .log("stream.opened");
    if (!promise.trySuccess(
        new OpenedStream(
            channel,
            dial.id().publicId(),
            via,
            () -> router.isCurrent(dial.session(), attempt.candidate)))) {
      channel.close();
    }
  }

  /**
   * The dial over one holder. What happens on the connection's loop and on the caller's meets in
   * {@link #refused} and {@link #opened}, on the latter.
   */
  private final class Attempt implements StreamChannel.Answer {
    private final Candidate candidate;
    private final TunnelHandler handler;
    private final EventLoop handlerLoop;
    private final int number;
    private volatile boolean takenBack;
    private StreamChannel.Dialling dialling; // on the connection's loop

    Attempt(Candidate candidate, TunnelHandler handler, int number) {
      this.candidate = candidate;
      this.handler = handler;
      this.handlerLoop = handler.eventLoop();
      this.number = number;
    }

    void start() {
      if (handlerLoop.inEventLoop()) {
        send();
      } else {
        handlerLoop.execute(this::send);
      }
    }

    private void send() {
      if (takenBack) {
        return; // before it went out
      }
      boolean here = candidate instanceof Candidate.Here;
      if (!here) {
        router.count().relayed.increment();
      }
      long left = dial.deadline().toNanos() - (System.nanoTime() - started);
      Frame.Open wish =
          new Frame.Open(
              0,
              dial.id(),
              Frame.Open.BYTES,
              dial.target().toString(),
              (int) Math.max(1, Math.min(Integer.MAX_VALUE, (left + 999_999) / 1_000_000)),
              number,
              here ? 0 : 1,
              List.of(),
              0,
              dial.traceParent(),
              dial.caller(),
              here ? "" : dial.session().toString());
      dialling = StreamChannel.dial(handler, wish, loop, this);
    }

    void takeBack(FaultCode why) {
      takenBack = true;
      handlerLoop.execute(
          () -> {
            if (dialling != null) {
              dialling.cancel(why, "the caller no longer waits");
            }
          });
    }

    @Override
    public void opened(StreamChannel channel) {
      if (loop.inEventLoop()) {
        RoutedDial.this.opened(this, channel);
      } else {
        loop.execute(() -> RoutedDial.this.opened(this, channel));
      }
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      boolean over = handler.mux().isOver();
      // Never within begin(): the next step must not run inside this one.
      loop.execute(() -> RoutedDial.this.refused(this, code, detail, retryAfterMillis, over));
    }
  }

  static Outcome outcome(FaultCode code) {
    return switch (code) {
      case NOT_HERE, DRAINING, OVERLOADED, LINK_LOST, AWAY, OTHER_ATTEMPT_WON ->
          Outcome.UNAVAILABLE;
      case FORBIDDEN -> Outcome.FORBIDDEN;
      case TARGET_TIMEOUT, DEADLINE -> Outcome.TIMED_OUT;
      case UNSUPPORTED -> Outcome.UNSUPPORTED;
      default -> Outcome.REFUSED;
    };
  }
}

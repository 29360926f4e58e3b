package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.DialFailedException.Outcome;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxSettings;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dials that nobody accepts, through an agent that answers what the test says, or not at all. */
@Timeout(60)
class DialsTest {
  private static final SessionKey SESSION = SessionKey.of("raw");
  private static final Duration LONG = Duration.ofMinutes(1);

  private TunnelGateway gateway;
  private RawAgent agent;
  private EventLoopGroup others;

  @BeforeEach
  void start() throws Exception {
    gateway = TunnelGateway.start();
    Frame.Limits limits = MuxSettings.DEFAULT.limits();
    agent = RawAgent.attached(gateway.address(), new Frame.Limits(limits.maxDataBytes(), 2, 2));
    others = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  }

  @AfterEach
  void stopAndFindNothingLeft() throws Exception {
    agent.close();
    gateway.awaitNoCredit();
    gateway.close();
    others.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5_000);
  }

  private EventLoop loop(boolean same) {
    return same ? gateway.tunnelLoop(SESSION) : others.next();
  }

  private Future<OpenedStream> dial(Duration deadline, boolean same) {
    return gateway
        .opener()
        .open(
            new Dial(StreamId.random(), SESSION, new Target.Tcp("127.0.0.1", 80), deadline, "", ""),
            loop(same));
  }

  private static DialFailedException failure(Future<OpenedStream> dial) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> dial.get(20, TimeUnit.SECONDS));
    return assertInstanceOf(DialFailedException.class, failed.getCause());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aDialWithoutAnAnswerTimesOutAndIsTakenBackAtTheAgent(boolean same) throws Exception {
    Future<OpenedStream> dial = dial(Duration.ofMillis(50), same);
    Frame.Open open = agent.expect(Frame.Open.class);
    assertTrue(open.deadlineMillis() > 0 && open.deadlineMillis() <= 50, "what is left of it");
    DialFailedException failure = failure(dial);
    assertEquals(Outcome.TIMED_OUT, failure.outcome());
    assertTrue(failure.getMessage().contains("raw"), failure.getMessage());
    assertTrue(failure.getMessage().contains("127.0.0.1:80"), failure.getMessage());
    Frame.Reset reset = agent.expect(Frame.Reset.class);
    assertEquals(open.stream(), reset.stream());
    assertEquals(FaultCode.DEADLINE, reset.code());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aDialThatIsGivenUpIsTakenBackAtTheAgent(boolean same) throws Exception {
    Future<OpenedStream> dial = dial(LONG, same);
    Frame.Open open = agent.expect(Frame.Open.class);
    assertTrue(dial.cancel(false));
    Frame.Reset reset = agent.expect(Frame.Reset.class);
    assertEquals(open.stream(), reset.stream());
    assertEquals(FaultCode.CANCELLED, reset.code());
    agent.send(new Frame.Opened(open.stream(), 1_000)); // the two crossed, which does no harm
    dial(LONG, same);
    agent.expect(Frame.Open.class);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void moreStreamsThanTheAgentBearsAreRefusedHere(boolean same) throws Exception {
    Future<OpenedStream> first = dial(LONG, same);
    Future<OpenedStream> second = dial(LONG, same);
    Frame.Open open = agent.expect(Frame.Open.class);
    agent.expect(Frame.Open.class);
    DialFailedException failure = failure(dial(LONG, same));
    assertEquals(Outcome.UNAVAILABLE, failure.outcome());
    assertFalse(failure.retryAfter().isZero());
    agent.send(new Frame.Refused(open.stream(), FaultCode.TARGET_REFUSED, "nobody there", 0));
    assertEquals(Outcome.REFUSED, failure(first).outcome());
    dial(LONG, same); // there is room again
    agent.expect(Frame.Open.class);
    assertFalse(second.isDone());
  }

  @ParameterizedTest
  @CsvSource({
    "OVERLOADED, UNAVAILABLE",
    "DRAINING, UNAVAILABLE",
    "NOT_HERE, UNAVAILABLE",
    "FORBIDDEN, FORBIDDEN",
    "TARGET_REFUSED, REFUSED",
    "TARGET_UNREACHABLE, REFUSED",
    "TARGET_UNKNOWN, REFUSED",
    "TARGET_TIMEOUT, TIMED_OUT",
    "UNSUPPORTED, UNSUPPORTED"
  })
  void whatTheAgentSaysDecidesWhatTheCallerHears(FaultCode code, Outcome outcome) throws Exception {
    Future<OpenedStream> dial = dial(LONG, false);
    Frame.Open open = agent.expect(Frame.Open.class);
    agent.send(new Frame.Refused(open.stream(), code, "in its own words", 0));
    DialFailedException failure = failure(dial);
    assertEquals(outcome, failure.outcome());
    assertTrue(failure.getMessage().endsWith("in its own words"), failure.getMessage());
    assertEquals(outcome == Outcome.UNAVAILABLE, !failure.retryAfter().isZero());
  }

  @Test
  void aTunnelThatIsLostUnderTheDialIsWorthAnotherTryLater() throws Exception {
    Future<OpenedStream> dial = dial(LONG, false);
    agent.expect(Frame.Open.class);
    agent.close();
    DialFailedException failure = failure(dial);
    assertEquals(Outcome.UNAVAILABLE, failure.outcome());
    assertFalse(failure.retryAfter().isZero());
  }

  @Test
  void aTunnelThatEndsWithAFaultUnderTheDialIsWorthAnotherTryLater() throws Exception {
    Future<OpenedStream> dial = dial(LONG, false);
    agent.expect(Frame.Open.class);
    agent.send(new Frame.GoAway(FaultCode.SHUTDOWN, "the agent goes down", 0));
    assertEquals(Outcome.UNAVAILABLE, failure(dial).outcome());
  }
}

package dev.warren.protocol.remotedialer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.FrameOutput;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A gateway's multiplexer, the interpreter, and a client of which the test says each word. */
class InterpreterTest {
  private final CreditBudget budget = new CreditBudget(64L << 20);
  private final List<String> said = new ArrayList<>(); // to the client
  private final List<FaultCode> ends = new ArrayList<>();
  private final RecordingWire wire = new RecordingWire();
  private long now = 1_000_000_000_000L;
  private final Interpreter interpreter =
      Interpreter.ofClient(
          MuxSettings.DEFAULT, budget, wire, "foo", new StreamId(1, 2), "test", now);
  private final Mux gateway =
      new Mux(Mux.Side.ACCEPTED, MuxSettings.DEFAULT, budget, new Events(), now);

  InterpreterTest() {
    turn();
    turn();
    assertTrue(gateway.isRunning());
  }

  @AfterEach
  void nothingIsLeft() {
    interpreter.lost("the test is over", now);
    gateway.lost("the test is over", now);
    assertEquals(0, budget.used());
    assertEquals(0, interpreter.connections());
  }

  private final class RecordingWire implements Wire {
    private boolean writable = true;
    private long ping;

    @Override
    public boolean isWritable() {
      return writable;
    }

    @Override
    public ByteBufAllocator allocator() {
      return UnpooledByteBufAllocator.DEFAULT;
    }

    @Override
    public void send(ByteBuf head, ByteBuf bodyOrNull) {
      long[] numbers = new long[4];
      for (int i = 0; i < 3; i++) {
        numbers[i] = varint(head);
      }
      MessageType type = MessageType.of(numbers[2]);
      if (type.hasDeadline()) {
        assertEquals(15_000, varint(head));
      }
      String text = head.toString(StandardCharsets.US_ASCII);
      head.release();
      if (bodyOrNull != null) {
        text = bodyOrNull.readableBytes() + " bytes";
        bodyOrNull.release();
      }
      said.add((type + " " + numbers[1] + " " + text).strip());
    }

    private static long varint(ByteBuf in) {
      long value = 0;
      int shift = 0;
      byte next;
      do {
        next = in.readByte();
        value |= (long) (next & 0x7f) << shift;
        shift += 7;
      } while (next < 0);
      return value >>> 1 ^ -(value & 1);
    }

    @Override
    public void ping(long number) {
      ping = number;
      said.add("PING");
    }
  }

  private final class Events implements MuxEvents {
    @Override
    public void hello(Frame.Hello hello) {
      assertEquals("foo", hello.session());
      gateway.welcome("gateway", hello.session(), Frame.Rank.NONE, "test");
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {}

    @Override
    public void opening(Opening opening) {
      opening.refuse(FaultCode.UNSUPPORTED, "");
    }

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      ends.add(code);
    }
  }

  /** A caller: what it hears, and a reader that reads when it is told to. */
  private final class Caller implements StreamEnd {
    private final List<String> heard = new ArrayList<>();
    private MuxStream stream;
    private int unread;

    @Override
    public void opened() {
      heard.add("opened");
    }

    @Override
    public void refused(FaultCode code, String detail, int retryAfterMillis) {
      heard.add("refused " + code + " " + detail);
    }

    @Override
    public void data(ByteBuf bytes) {
      unread += bytes.readableBytes();
      bytes.release();
    }

    @Override
    public void finished() {
      heard.add("finished");
    }

    @Override
    public void reset(FaultCode code, String detail) {
      heard.add("reset " + code);
    }

    @Override
    public void sent(int bytes) {}

    @Override
    public void burstEnded() {}

    int read() {
      int bytes = unread;
      unread = 0;
      stream.consumed(bytes, now);
      turn();
      return bytes;
    }
  }

  // ---- the steps ----

  private Caller dial() {
    Caller caller = new Caller();
    caller.stream =
        gateway.open(
            new Frame.Open(
                0, StreamId.random(), 0, "127.0.0.1:80", 10_000, 1, 0, List.of(), 0, "", "", "foo"),
            caller,
            now);
    turn();
    return caller;
  }

  private Caller opened() {
    Caller caller = dial();
    later(Duration.ofMillis(50));
    assertEquals(List.of("opened"), caller.heard);
    caller.heard.clear();
    said.clear();
    return caller;
  }

  /** Frames pass both ways until there are none. */
  private void turn() {
    while (gateway.hasOutput() || interpreter.mux().hasOutput()) {
      interpreter.at(now);
      transfer(gateway, interpreter.mux());
      transfer(interpreter.mux(), gateway);
    }
    interpreter.writable(now);
  }

  private void transfer(Mux from, Mux to) {
    ByteBuf all = Unpooled.buffer();
    while (from.writeNext(
        new FrameOutput() {
          @Override
          public ByteBuf small() {
            return all;
          }

          @Override
          public void payload(ByteBuf bytes) {
            all.writeBytes(bytes);
            bytes.release();
          }
        },
        now)) {
      // all there is
    }
    to.received(all, now);
    to.burstEnded();
    all.release();
  }

  private void later(Duration time) {
    long until = now + time.toNanos();
    while (now < until) {
      now = Math.min(until, now + Interpreter.TICK_EVERY.toNanos());
      interpreter.graceOver(now);
      gateway.tick(now);
      interpreter.tick(now);
      turn();
    }
  }

  private void says(long id, MessageType type, String body) {
    ByteBuf message = Unpooled.buffer();
    Messages.head(message, 1, id, type);
    message.writeBytes(body.getBytes(StandardCharsets.US_ASCII));
    interpreter.received(message, true, true, now);
    message.release();
    turn();
  }

  private void sends(long id, int bytes) {
    says(id, MessageType.DATA, "x".repeat(bytes));
  }

  // ---- the tests ----

  @Test
  void aConnectionCountsAsAcceptedWhenNothingBadIsHeardForTheGrace() {
    Caller caller = dial();
    assertEquals(List.of("CONNECT 1 tcp/127.0.0.1:80"), said);
    later(Interpreter.UNMEASURED_GRACE.minusMillis(1));
    assertEquals(List.of(), caller.heard);
    later(Duration.ofMillis(1));
    assertEquals(List.of("opened"), caller.heard);
  }

  @Test
  void theGraceFollowsTheRoundTrip() {
    interpreter.tick(now);
    assertEquals(List.of("PING"), said);
    now += 20_000_000;
    interpreter.ponged(wire.ping, now);
    assertEquals(20_000_000, interpreter.roundTripNanos());
    Caller caller = dial();
    later(Duration.ofMillis(41));
    assertEquals(List.of(), caller.heard);
    later(Duration.ofMillis(1));
    assertEquals(List.of("opened"), caller.heard);
  }

  @Test
  void dataIsAnAnswer() {
    Caller caller = dial();
    sends(1, 10);
    assertEquals(List.of("opened"), caller.heard);
    assertEquals(10, caller.read());
  }

  @Test
  void anErrorWithinTheGraceIsADialThatFailed() {
    Caller refused = dial();
    says(1, MessageType.ERROR, "dial tcp 127.0.0.1:80: connect: connection refused");
    assertEquals(
        List.of("refused TARGET_REFUSED dial tcp 127.0.0.1:80: connect: connection refused"),
        refused.heard);
    Caller unknown = dial();
    says(2, MessageType.ERROR, "dial tcp: lookup x: no such host");
    assertTrue(unknown.heard.get(0).startsWith("refused TARGET_UNKNOWN"), unknown.heard.get(0));
    Caller late = dial();
    says(3, MessageType.ERROR, "dial tcp: i/o timeout");
    assertTrue(late.heard.get(0).startsWith("refused TARGET_TIMEOUT"), late.heard.get(0));
  }

  @Test
  void aTargetThatClosesAtOnceHasAccepted() {
    Caller caller = dial();
    says(1, MessageType.ERROR, "EOF");
    assertEquals(List.of("opened", "finished"), caller.heard);
    caller.stream.finish();
    later(Duration.ofSeconds(1));
    assertEquals(0, interpreter.connections());
  }

  @Test
  void pauseHoldsTheCallerAtItsWindow() {
    Caller caller = opened();
    says(1, MessageType.PAUSE, "");
    for (int i = 0; i < 100; i++) {
      caller.stream.write(Unpooled.wrappedBuffer(new byte[10_000]));
    }
    turn();
    assertEquals(List.of(), said);
    assertEquals(CreditBudget.FIRST_WINDOW, caller.stream.sentBytes());
    Caller other = dial();
    later(Duration.ofMillis(50));
    said.clear();
    other.stream.write(Unpooled.wrappedBuffer(new byte[2_000]));
    turn();
    assertEquals(List.of("DATA 2 2000 bytes"), said);
    says(1, MessageType.RESUME, "");
    turn();
    assertEquals(1_000_000, caller.stream.sentBytes());
    caller.stream.reset(FaultCode.CANCELLED, "");
    other.stream.reset(FaultCode.CANCELLED, "");
    turn();
  }

  @Test
  void aSlowCallerMakesOnePauseAndOneResume() {
    Caller caller = opened();
    int sent = 0;
    while (said.isEmpty()) {
      sends(1, 32_000);
      sent += 32_000;
    }
    assertEquals(List.of("PAUSE 1"), said);
    int room =
        CreditBudget.FIRST_WINDOW + Connection.IN_STREAM_BYTES + Connection.PAUSE_BYTES + 64_000;
    assertTrue(sent <= room, sent + " bytes before PAUSE");
    for (int i = 0; i < 20; i++) { // was under way
      sends(1, 32_000);
      sent += 32_000;
    }
    assertEquals(List.of("PAUSE 1"), said);
    int read = 0;
    for (int i = 0; i < 1_000; i++) {
      read += caller.read();
    }
    assertEquals(sent, read);
    assertEquals(List.of("PAUSE 1", "RESUME 1"), said);
    assertEquals(0, interpreter.waitingBytes());
    caller.stream.reset(FaultCode.CANCELLED, "");
    turn();
  }

  @Test
  void oneThatDoesNotStopIsEndedAtTheLimitAndNoOtherNotices() {
    Caller bystander = opened();
    Caller caller = dial();
    int sent = 0;
    while (caller.heard.stream().noneMatch(word -> word.startsWith("reset"))) {
      sends(2, 64_000);
      sent += 64_000;
      assertTrue(sent < 20 << 20, "it never ended");
    }
    assertTrue(sent > Connection.MOST_BYTES, "ended after " + sent);
    assertTrue(said.get(said.size() - 1).startsWith("ERROR 2 "), said.toString());
    assertEquals(List.of(), bystander.heard);
    assertEquals(1, interpreter.connections());
  }

  @Test
  void theEndOfACallerIsHeldBackWhileAnAnswerComes() {
    Caller caller = opened();
    caller.stream.write(Unpooled.wrappedBuffer(new byte[2_000]));
    caller.stream.finish();
    turn();
    assertEquals(List.of("DATA 1 2000 bytes"), said);
    for (int i = 0; i < 5; i++) {
      later(Connection.HOLD_END.minusSeconds(1));
      sends(1, 10);
    }
    assertFalse(said.stream().anyMatch(word -> word.startsWith("ERROR")), said.toString());
    says(1, MessageType.ERROR, "EOF");
    assertEquals(List.of("finished"), caller.heard);
    assertEquals(50, caller.read());
    later(Duration.ofSeconds(1));
    assertEquals(0, interpreter.connections());
  }

  @Test
  void withoutAnAnswerTheEndOfACallerIsToldAtLast() {
    Caller caller = opened();
    caller.stream.finish();
    turn();
    later(Connection.HOLD_END.plusSeconds(1));
    assertTrue(said.contains("ERROR 1 EOF"), said.toString());
    later(Connection.QUIET.plusSeconds(1));
    assertEquals(List.of("finished"), caller.heard); // nothing had come, so nothing is cut off
    assertEquals(0, interpreter.connections());
  }

  @Test
  void aPartOfAnAnswerIsNotMadeAWholeOne() {
    Caller caller = opened();
    caller.stream.finish();
    sends(1, 10);
    later(Connection.HOLD_END.plusSeconds(1));
    later(Connection.QUIET.plusSeconds(1));
    assertEquals(List.of("reset STALLED"), caller.heard);
  }

  @Test
  void anErrorOfAnotherTextIsAReset() {
    Caller caller = opened();
    sends(1, 10);
    says(1, MessageType.ERROR, "read tcp: connection reset by peer");
    assertEquals(List.of("reset TARGET_RESET"), caller.heard);
    assertEquals(0, interpreter.connections());
  }

  @Test
  void aCallerThatGivesUpIsToldToTheClient() {
    Caller caller = opened();
    caller.stream.reset(FaultCode.CANCELLED, "gone");
    turn();
    assertEquals(List.of("ERROR 1 gone"), said);
    sends(1, 10); // was under way
    assertEquals(List.of("ERROR 1 gone"), said);
  }

  @Test
  void whatAClientDoesNotListIsDroppedWithoutAWordButNotAtOnce() {
    Caller lost = opened();
    sends(1, 1);
    Caller unheard = dial();
    later(Duration.ofMillis(50));
    said.clear();
    says(0, MessageType.SYNC_CONNECTIONS, "");
    later(Interpreter.MISSING.minusMillis(500));
    assertEquals(List.of(), lost.heard);
    later(Duration.ofSeconds(1));
    assertEquals(List.of("reset TUNNEL_LOST"), lost.heard);
    assertEquals(List.of("opened"), unheard.heard); // its CONNECT may still be on its way
    assertFalse(said.stream().anyMatch(word -> word.startsWith("ERROR")), said.toString());
    later(Interpreter.UNHEARD.minusSeconds(1));
    interpreter.pinged(now);
    says(0, MessageType.SYNC_CONNECTIONS, "");
    later(Interpreter.MISSING.plusSeconds(1));
    assertEquals(List.of("opened", "reset TUNNEL_LOST"), unheard.heard);
  }

  @Test
  void anEndThatWasUnderWayWhenTheListWasMadeStillCounts() {
    Caller caller = opened();
    sends(1, 1);
    says(0, MessageType.SYNC_CONNECTIONS, "");
    says(1, MessageType.ERROR, "EOF");
    later(Interpreter.MISSING.plusSeconds(1));
    assertEquals(List.of("finished"), caller.heard);
    assertEquals(1, caller.read());
    caller.stream.finish();
    later(Duration.ofSeconds(1));
  }

  @Test
  void pingsGoOutEveryFiveSecondsAndSilenceEndsTheSession() {
    later(Duration.ofSeconds(26));
    assertEquals(6, said.stream().filter("PING"::equals).count());
    interpreter.pinged(now);
    later(Interpreter.SILENCE.minusSeconds(1));
    assertEquals(List.of(), ends);
    later(Duration.ofSeconds(1));
    assertEquals(List.of(FaultCode.HEARTBEAT), ends);
  }

  @Test
  void aGatewayThatGoesEndsTheSessionBehindTheLastConnection() {
    Caller caller = opened();
    gateway.drain(new Frame.Drain(1_000, "the gateway goes"));
    turn();
    assertEquals(List.of(), ends);
    caller.stream.reset(FaultCode.CANCELLED, "");
    turn();
    assertEquals(List.of(FaultCode.SHUTDOWN), ends);
  }

  @Test
  void aGatewayThatOnlyRebalancesKeepsTheSession() {
    gateway.drain(new Frame.Drain(1_000, "rebalance"));
    turn();
    assertEquals(List.of(), ends);
  }

  @Test
  void whatWaitsForTheWebSocketGoesOutInTurns() {
    Caller one = opened();
    Caller other = dial();
    later(Duration.ofMillis(50));
    said.clear();
    wire.writable = false;
    for (int i = 0; i < 4; i++) {
      one.stream.write(Unpooled.wrappedBuffer(new byte[32 * 1024]));
    }
    turn();
    other.stream.write(Unpooled.wrappedBuffer(new byte[2_000]));
    turn();
    assertEquals(List.of(), said);
    wire.writable = true;
    interpreter.writable(now);
    assertEquals("DATA 2 2000 bytes", said.get(1));
    assertEquals(5, said.size());
    one.stream.reset(FaultCode.CANCELLED, "");
    other.stream.reset(FaultCode.CANCELLED, "");
    turn();
  }

  @Test
  void aClientDialsNothingHere() {
    says(7, MessageType.CONNECT, "tcp/127.0.0.1:80");
    assertEquals(1, said.size());
    assertTrue(said.get(0).startsWith("ERROR 7 "), said.toString());
    assertEquals(List.of(), ends);
  }

  @Test
  void onlyPeersSpeakOfClients() {
    says(7, MessageType.ADD_CLIENT, "foo/1");
    assertEquals(List.of(FaultCode.PROTOCOL), ends);
    assertTrue(interpreter.isBreached());
  }
}

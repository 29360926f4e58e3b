package dev.warren.peer.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.ScriptedTunnel;
import dev.warren.peer.wire.Count;
import dev.warren.peer.wire.CountAnswer;
import dev.warren.peer.wire.CountQuestion;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.session.DuplicatePolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CountQuestionsTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private final CountQuestions questions = new CountQuestions();
  private final List<CountQuestion> asked = new ArrayList<>();
  private final RouteTable table =
      new RouteTable(
          new GatewayIdentity("g1", new Incarnation(1, 1)),
          DuplicatePolicy.POOL,
          Ranks.ofOneGateway(),
          System::nanoTime);

  private static List<SessionKey> sessions(int count) {
    List<SessionKey> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(SessionKey.of("s" + i));
    }
    return all;
  }

  private void attach(String session) {
    TunnelHandler handler =
        new TunnelHandler(
            Mux.Side.ACCEPTED, MuxSettings.DEFAULT, new CreditBudget(1 << 20), made -> null);
    ScriptedTunnel tunnel = new ScriptedTunnel(SessionKey.of(session), handler);
    assertInstanceOf(
        RouteTable.Admission.Admitted.class,
        table.admit(
            tunnel, ScriptedTunnel.hello(tunnel.session(), StreamId.random(), 1, Frame.Rank.NONE)));
    table.welcomed(tunnel);
  }

  @Test
  void whatIsAskedIsAnsweredWithTheTunnelsThatEndHere() throws Exception {
    attach("s0");
    attach("s0");
    attach("s2");
    CompletableFuture<List<TunnelCounts>> answer = questions.ask(sessions(2), asked::add, LONG);
    assertFalse(answer.isDone());
    questions.answered(CountQuestions.answer(asked.get(0), table));
    List<TunnelCounts> counts = answer.get(10, TimeUnit.SECONDS);
    assertEquals(2, counts.size());
    for (TunnelCounts each : counts) {
      assertEquals(SessionKey.of("s0"), each.tunnel().session());
      assertEquals(0, each.roundTripNanos(), "not measured yet");
    }
    assertEquals(0, questions.open());
  }

  @Test
  void manySessionsAreAskedForInSeveralQuestionsAndWhoIsSilentIsMissing() throws Exception {
    for (SessionKey session : sessions(CountQuestions.MAX_SESSIONS + 1)) {
      attach(session.toString());
    }
    CompletableFuture<List<TunnelCounts>> answer =
        questions.ask(
            sessions(CountQuestions.MAX_SESSIONS + 1), asked::add, Duration.ofMillis(100));
    assertEquals(2, asked.size());
    questions.answered(CountQuestions.answer(asked.get(0), table));
    assertEquals(CountQuestions.MAX_SESSIONS, answer.get(10, TimeUnit.SECONDS).size());
    questions.answered(CountQuestions.answer(asked.get(1), table)); // too late, for nobody
    assertEquals(0, questions.open());
  }

  @Test
  void soManyQuestionsWaitAndNoMore() {
    for (int i = 0; i < CountQuestions.MAX_OPEN; i++) {
      questions.ask(sessions(1), asked::add, LONG);
    }
    assertTrue(questions.ask(sessions(1), asked::add, LONG).isDone());
    assertEquals(CountQuestions.MAX_OPEN, asked.size());
  }

  @Test
  void answerThatWouldBeTooLongForAMessageLeavesTunnelsOut() {
    String longest = "r".repeat(63) + "/" + "s".repeat(63);
    CountQuestion.Builder question = CountQuestion.newBuilder();
    for (int i = 0; i < 3; i++) {
      String session = longest.substring(0, 126) + i;
      for (int n = 0; n < RouteTable.MAX_HELD_OF_SESSION; n++) {
        attach(session);
      }
      question.addSessions(session);
    }
    CountAnswer answer = CountQuestions.answer(question.build(), table);
    assertTrue(answer.getCountsCount() > 100, answer.getCountsCount() + " tunnels");
    assertTrue(answer.getSerializedSize() <= FrameCodec.MAX_PEERING_BYTES - 64);
  }

  @Test
  void questionThatIsTooLongAndAnswerThatIsNoneAreRefused() {
    CountQuestion.Builder question = CountQuestion.newBuilder();
    for (SessionKey session : sessions(CountQuestions.MAX_SESSIONS + 1)) {
      question.addSessions(session.toString());
    }
    assertThrows(
        IllegalArgumentException.class, () -> CountQuestions.answer(question.build(), table));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            questions.answered(
                CountAnswer.newBuilder().addCounts(Count.newBuilder().setSession("s0")).build()));
  }
}

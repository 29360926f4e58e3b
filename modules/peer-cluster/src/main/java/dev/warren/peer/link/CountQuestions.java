package dev.warren.peer.link;

import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.wire.Count;
import dev.warren.peer.wire.CountAnswer;
import dev.warren.peer.wire.CountQuestion;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.frame.FrameCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** What was asked of other gateways about their tunnels, and what they are answered. */
final class CountQuestions {
  /** Sessions of one question: with the longest names it is some 13 KiB. */
  static final int MAX_SESSIONS = 100;

  /** Tunnels of one answer. */
  static final int MAX_COUNTS = 256;

  /** ... and what they may take in it (bytes), so that it fits a PEERING frame. */
  static final int MAX_ANSWER_BYTES = FrameCodec.MAX_PEERING_BYTES - 1_024;

  /** Questions that wait for an answer; further ones are not asked. */
  static final int MAX_OPEN = 1_000;

  private final AtomicLong numbers = new AtomicLong();
  private final ConcurrentHashMap<Long, CompletableFuture<List<TunnelCounts>>> open =
      new ConcurrentHashMap<>();

  /**
   * Asks in as many questions as are needed; any thread.
   *
   * @param tell sends a question
   * @return what has been answered when the time is over, or all was
   */
  CompletableFuture<List<TunnelCounts>> ask(
      Collection<SessionKey> sessions, Consumer<CountQuestion> tell, Duration within) {
    List<SessionKey> all = List.copyOf(sessions);
    CompletableFuture<List<TunnelCounts>> answers = CompletableFuture.completedFuture(List.of());
    for (int from = 0; from < all.size() && open.size() < MAX_OPEN; from += MAX_SESSIONS) {
      long number = numbers.incrementAndGet();
      CompletableFuture<List<TunnelCounts>> answer = new CompletableFuture<>();
      open.put(number, answer);
      CountQuestion.Builder question = CountQuestion.newBuilder().setNumber(number);
      for (SessionKey session : all.subList(from, Math.min(all.size(), from + MAX_SESSIONS))) {
        question.addSessions(session.toString());
      }
      tell.accept(question.build());
      answers =
          answers.thenCombine(
              answer
                  .completeOnTimeout(List.of(), within.toMillis(), TimeUnit.MILLISECONDS)
                  .whenComplete((counts, failure) -> open.remove(number)),
              CountQuestions::both);
    }
    return answers;
  }

  private static List<TunnelCounts> both(List<TunnelCounts> some, List<TunnelCounts> more) {
    List<TunnelCounts> both = new ArrayList<>(some);
    both.addAll(more);
    return both;
  }

  /**
   * An answer; one that comes too late is for nobody.
   *
   * @throws IllegalArgumentException where it is none
   */
  void answered(CountAnswer answer) {
    List<TunnelCounts> counts =
        answer.getCountsList().stream().limit(MAX_COUNTS).map(TunnelCounts::of).toList();
    CompletableFuture<List<TunnelCounts>> waiting = open.get(answer.getNumber());
    if (waiting != null) {
      waiting.complete(counts);
    }
  }

  /** Questions that wait now. */
  int open() {
    return open.size();
  }

  /**
   * @throws IllegalArgumentException where a session is none, or there are too many
   */
  static CountAnswer answer(CountQuestion question, RouteTable table) {
    if (question.getSessionsCount() > MAX_SESSIONS) {
      throw new IllegalArgumentException(
          question.getSessionsCount() + " sessions (expected: at most " + MAX_SESSIONS + ")");
    }
    CountAnswer.Builder answer = CountAnswer.newBuilder().setNumber(question.getNumber());
    int bytes = 0;
    for (String session : question.getSessionsList()) {
      for (OwnTunnel tunnel : table.find(SessionKey.of(session)).own()) {
        Count count = TunnelCounts.of(tunnel).toWire();
        bytes += count.getSerializedSize() + 4; // with its own tag and length
        if (answer.getCountsCount() < MAX_COUNTS && bytes <= MAX_ANSWER_BYTES) {
          answer.addCounts(count);
        }
      }
    }
    return answer.build();
  }
}

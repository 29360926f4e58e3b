package dev.warren.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Callers that asked for the large file and do not read it. */
final class StoppedReaders implements AutoCloseable {
  private static final int SETTLE_SECONDS = 60;
  private static final int LOOK_MILLIS = 100;
  private static final int EQUAL_LOOKS = 5;

  private final List<RawCaller> callers = new ArrayList<>();

  /** Returns when all their streams stand still. */
  static StoppedReaders open(Stage stage, Subject subject, int count) {
    StoppedReaders readers = new StoppedReaders();
    try {
      for (int i = 0; i < count; i++) {
        readers.callers.add(RawCaller.ask(stage, subject, Stage.LARGE));
      }
      readers.awaitStandstill(subject);
      return readers;
    } catch (RuntimeException e) {
      readers.close();
      throw e;
    }
  }

  /** Stands still = each has something in its socket, and nothing has come for some looks. */
  private void awaitStandstill(Subject subject) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SETTLE_SECONDS);
    List<Integer> before = List.of();
    int equal = 0;
    while (equal < EQUAL_LOOKS) {
      if (System.nanoTime() > deadline) {
        throw new LoadException(
            subject + ": streams without readers still move after " + SETTLE_SECONDS + " s");
      }
      List<Integer> now = callers.stream().map(RawCaller::waiting).toList();
      equal = now.equals(before) && !now.contains(0) ? equal + 1 : 0;
      before = now;
      Bench.pause(LOOK_MILLIS);
    }
  }

  /** Fails where one of them was broken meanwhile. */
  void checkAlive() {
    callers.forEach(RawCaller::waiting);
  }

  @Override
  public void close() {
    callers.forEach(RawCaller::close);
  }
}

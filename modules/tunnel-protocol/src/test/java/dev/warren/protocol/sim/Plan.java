package dev.warren.protocol.sim;

import java.util.SplittableRandom;

/** What the two applications of one stream will do. Index 0 is the origin, 1 the target. */
final class Plan {
  enum Reader {
    EAGER,
    SLOW,
    STOPPING,
    BURSTY,
    NEVER
  }

  enum Answer {
    ACCEPT,
    ACCEPT_LATER,
    REFUSE,
    REFUSE_LATER
  }

  private static final long LONGEST_WRITING_NANOS = 5_000_000_000L;

  final int number;
  final long opensAt;
  final Answer answer;
  final long answerAfter;
  final long[] bytes = new long[2];
  final Reader[] reader = new Reader[2];
  final int[] largestWrite = new int[2];
  final long[] pauseBetweenWrites = new long[2];
  final long[] finishAfter = new long[2];
  final long[] resetAfter = {-1, -1}; // after the stream was opened or asked for; -1: never
  final boolean[] finishesAfterTheOther = new boolean[2];

  Plan(int number, SplittableRandom random, int mostBytes) {
    this.number = number;
    this.opensAt = random.nextInt(3) == 0 ? 0 : random.nextLong(400_000_000);
    int chance = random.nextInt(20);
    this.answer =
        chance == 0
            ? Answer.REFUSE
            : chance == 1 ? Answer.REFUSE_LATER : chance < 12 ? Answer.ACCEPT : Answer.ACCEPT_LATER;
    this.answerAfter = random.nextLong(300_000_000);
    for (int side = 0; side < 2; side++) {
      bytes[side] = random.nextInt(5) == 0 ? 0 : someBytes(random, mostBytes);
      int kind = random.nextInt(20);
      reader[side] =
          kind < 11
              ? Reader.EAGER
              : kind < 14
                  ? Reader.SLOW
                  : kind < 16 ? Reader.STOPPING : kind < 19 ? Reader.BURSTY : Reader.NEVER;
      largestWrite[side] = 1 + someInt(random, 40_000);
      long writes = 1 + 2 * bytes[side] / largestWrite[side];
      pauseBetweenWrites[side] =
          random.nextInt(4) == 0
              ? Math.min(random.nextLong(2_000_000), LONGEST_WRITING_NANOS / writes)
              : 0;
      finishAfter[side] = random.nextInt(2) == 0 ? 0 : random.nextLong(100_000_000);
      if (random.nextInt(12) == 0 || reader[side] == Reader.NEVER) {
        resetAfter[side] = random.nextLong(1_500_000_000);
      }
    }
    // At most one side waits for the other's FINISH, or both would wait for ever.
    if (random.nextInt(3) == 0) {
      finishesAfterTheOther[random.nextInt(2)] = true;
    }
  }

  boolean isReset() {
    return resetAfter[0] >= 0 || resetAfter[1] >= 0;
  }

  private static long someBytes(SplittableRandom random, int most) {
    return someInt(random, most);
  }

  /** Small numbers are as likely as large ones. */
  private static int someInt(SplittableRandom random, int most) {
    int bits = 1 + random.nextInt(32 - Integer.numberOfLeadingZeros(most));
    return Math.min(most, random.nextInt(1 << Math.min(bits, 30)));
  }

  @Override
  public String toString() {
    return "stream plan " + number + " (" + answer + ")";
  }
}

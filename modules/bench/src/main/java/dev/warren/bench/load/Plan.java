package dev.warren.bench.load;

import java.util.List;

/**
 * How much is measured.
 *
 * @param rounds in each of which every subject has its turn
 * @param downloadBytes of one download
 * @param warmUpDownloads before the first round, so that the JVMs have compiled what is hot
 * @param connections of callers that ask for 1 KiB, case by case
 * @param requestSeconds that each of these takes
 * @param stoppedReaders whose streams stand beside the measured one
 * @param firstBytes how many requests tell the time to the first byte
 * @param transferBytes of the long transfer
 * @param limitSeconds after which the run is broken off
 */
record Plan(
    int rounds,
    long downloadBytes,
    int warmUpDownloads,
    List<Integer> connections,
    int requestSeconds,
    int stoppedReaders,
    int firstBytes,
    long transferBytes,
    int limitSeconds) {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  static final Plan FULL =
      new Plan(7, 512 * MIB, 4, List.of(1, 32, 256), 5, 64, 200, 5 * GIB, 2_400);

  /** For a first look: the rounds are too few to be quoted. */
  static final Plan QUICK = new Plan(3, 512 * MIB, 2, List.of(1, 32, 256), 2, 64, 50, GIB, 600);

  Plan withRounds(int value) {
    return new Plan(
        value,
        downloadBytes,
        warmUpDownloads,
        connections,
        requestSeconds,
        stoppedReaders,
        firstBytes,
        transferBytes,
        limitSeconds);
  }
}

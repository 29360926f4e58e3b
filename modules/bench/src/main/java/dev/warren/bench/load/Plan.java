package dev.warren.bench.load;

import java.util.List;

/**
 * How much is measured.
 *
 * @param rounds in each of which every subject has its turn
 * @param downloadBytes of one download or upload
 * @param warmUpDownloads before the first round, so that the JVMs have compiled what is hot
 * @param streams how many downloads run side by side, case by case
 * @param connections of callers that ask for 1 KiB, case by case
 * @param requestSeconds that each of these takes
 * @param newStreamSeconds for which streams are opened one after the other
 * @param pings to and fro
 * @param idleStreams that stand open and carry nothing
 * @param stoppedReaders whose streams stand beside the measured one
 * @param firstBytes how many requests tell the time to the first byte
 * @param transferBytes of the long transfer
 * @param limitSeconds after which the run is broken off
 */
record Plan(
    int rounds,
    long downloadBytes,
    int warmUpDownloads,
    List<Integer> streams,
    List<Integer> connections,
    int requestSeconds,
    int newStreamSeconds,
    int pings,
    int idleStreams,
    int stoppedReaders,
    int firstBytes,
    long transferBytes,
    int limitSeconds) {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  static final Plan FULL =
      new Plan(
          11,
          512 * MIB,
          4,
          List.of(1, 8, 64),
          List.of(1, 32, 256),
          5,
          10,
          2_000,
          1_000,
          64,
          200,
          5 * GIB,
          7_200);

  /** For a first look: the rounds are too few to be quoted. */
  static final Plan QUICK =
      new Plan(
          3,
          256 * MIB,
          2,
          List.of(1, 8, 64),
          List.of(1, 32, 256),
          2,
          4,
          500,
          500,
          64,
          50,
          GIB,
          1_200);

  Plan withRounds(int value) {
    return new Plan(
        value,
        downloadBytes,
        warmUpDownloads,
        streams,
        connections,
        requestSeconds,
        newStreamSeconds,
        pings,
        idleStreams,
        stoppedReaders,
        firstBytes,
        transferBytes,
        limitSeconds);
  }
}

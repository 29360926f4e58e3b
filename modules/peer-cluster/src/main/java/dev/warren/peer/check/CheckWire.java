package dev.warren.peer.check;

import com.google.protobuf.ByteString;
import dev.warren.peer.wire.Checks;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.List;

/** The form of results between gateways. */
public final class CheckWire {
  private CheckWire() {}

  /** What a result takes on the wire at most (bytes). */
  public static int weight(CheckResult result) {
    // Characters of texts may take three bytes each.
    return 96
        + 3
            * (result.session().toString().length()
                + result.target().length()
                + result.reason().length());
  }

  public static Checks toWire(List<CheckResult> results) {
    Checks.Builder checks = Checks.newBuilder();
    for (CheckResult result : results) {
      checks.addResults(
          dev.warren.peer.wire.CheckResult.newBuilder()
              .setSession(result.session().toString())
              .setTarget(result.target())
              .setRound(result.round())
              .setChecker(ByteString.copyFrom(result.checker().toBytes()))
              .setGood(result.good())
              .setSinceMillis(result.sinceMillis())
              .setAtMillis(result.atMillis())
              .setLatencyNanos(result.latencyNanos())
              .setReason(result.reason())
              .setIntervalMillis(result.interval().toMillis()));
    }
    return checks.build();
  }

  /**
   * Reads what a peer tells.
   *
   * @throws IllegalArgumentException where something in it is none of ours; the message says what
   */
  public static List<CheckResult> fromWire(Checks checks) {
    return checks.getResultsList().stream()
        .map(
            result ->
                new CheckResult(
                    SessionKey.of(result.getSession()),
                    result.getTarget(),
                    result.getRound(),
                    Incarnation.of(result.getChecker().toByteArray()),
                    result.getGood(),
                    result.getSinceMillis(),
                    result.getAtMillis(),
                    result.getLatencyNanos(),
                    result.getReason(),
                    Duration.ofMillis(result.getIntervalMillis())))
        .toList();
  }
}

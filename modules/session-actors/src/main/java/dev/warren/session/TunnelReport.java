package dev.warren.session;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.StreamId;
import java.util.Objects;

/**
 * A tunnel as the gateway that holds it reports it.
 *
 * @param holder the id of the gateway that holds it
 * @param incarnation which life of that gateway
 * @param instance the agent's process
 * @param connection the agent's connection number; within an instance at one gateway the larger one
 *     replaces
 * @param epoch the first part of the instance's rank, fixed at its first admission
 * @param rankIncarnation the second part of the rank
 * @param sinceMillis the holder's wall clock when it accepted the tunnel, for people only
 * @param remote where the agent dialled in from, {@code HOST:PORT}; may be empty
 * @param software what the agent says that it is; may be empty
 * @param principal as whom it was admitted; may be empty
 */
public record TunnelReport(
    String holder,
    Incarnation incarnation,
    StreamId instance,
    long connection,
    long epoch,
    long rankIncarnation,
    long sinceMillis,
    String remote,
    String software,
    String principal) {
  /** Longer texts are cut to so many characters: an agent chooses what it calls itself. */
  public static final int MAX_TEXT = 256;

  public TunnelReport {
    Objects.requireNonNull(holder, "holder");
    Objects.requireNonNull(incarnation, "incarnation");
    Objects.requireNonNull(instance, "instance");
    remote = cut(Objects.requireNonNull(remote, "remote"));
    software = cut(Objects.requireNonNull(software, "software"));
    principal = cut(Objects.requireNonNull(principal, "principal"));
  }

  private static String cut(String text) {
    if (text.length() <= MAX_TEXT) {
      return text;
    }
    boolean inPair = Character.isHighSurrogate(text.charAt(MAX_TEXT - 1));
    return text.substring(0, inPair ? MAX_TEXT - 1 : MAX_TEXT);
  }

  /** Which tunnel this is about. */
  public TunnelIdentity identity() {
    return new TunnelIdentity(incarnation, instance, connection);
  }

  /**
   * Below 0 where this one's instance yields to the other's: by epoch, then by the rank's
   * incarnation, then by the instance as unsigned bytes (PROTOCOL.md of tunnel-protocol, section
   * 6). No clock has a part in it.
   */
  int compareRank(TunnelReport other) {
    int byEpoch = Long.compare(epoch, other.epoch);
    if (byEpoch != 0) {
      return byEpoch;
    }
    int byIncarnation = Long.compare(rankIncarnation, other.rankIncarnation);
    if (byIncarnation != 0) {
      return byIncarnation;
    }
    int byHigh = Long.compareUnsigned(instance.high(), other.instance.high());
    return byHigh != 0 ? byHigh : Long.compareUnsigned(instance.low(), other.instance.low());
  }

  /** Whether both are in the same place of the record, where only one of them can be. */
  boolean sharesPlaceWith(TunnelIdentity other) {
    return incarnation.equals(other.incarnation()) && instance.equals(other.instance());
  }
}

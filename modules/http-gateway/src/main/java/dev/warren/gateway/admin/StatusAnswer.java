package dev.warren.gateway.admin;

import dev.warren.peer.control.ControlStatus;
import dev.warren.peer.dial.DialCounters;
import dev.warren.peer.link.Links;
import dev.warren.peer.tls.HandshakeRefusals;
import dev.warren.peer.tls.RefusalReason;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a gateway is doing. The names of the components are those of the JSON, and stay; what is not
 * known is left out. Sizes are in bytes.
 */
public record StatusAnswer(
    Gateway gateway,
    Control control,
    List<Link> links,
    Sessions sessions,
    Dials dials,
    RefusedHandshakes refusedHandshakes,
    Memory memory) {

  /**
   * @param since when the process began
   * @param listen where agents and callers connect
   * @param link where the other gateways' links come in
   * @param cluster where its actor system listens
   */
  public record Gateway(
      String id,
      String incarnation,
      String version,
      Instant since,
      boolean ready,
      boolean draining,
      String listen,
      String link,
      String cluster) {}

  /**
   * @param state none, starting, joining, member, split, restarting or stopped
   * @param since when it came into that state
   * @param restarts since the start of the process
   * @param lastReason of the last restart
   */
  public record Control(
      String state,
      String clusterId,
      List<Member> members,
      long restarts,
      String lastReason,
      Instant since) {
    static final Control NONE = new Control("none", null, List.of(), 0, null, null);

    static Control of(ControlStatus status) {
      return new Control(
          status.state().name().toLowerCase(Locale.ROOT),
          status.clusterId().map(Object::toString).orElse(null),
          status.members().stream().map(Member::of).toList(),
          status.restarts(),
          status.lastReason().isEmpty() ? null : status.lastReason(),
          Instant.ofEpochMilli(status.sinceMillis()));
    }
  }

  /**
   * @param uid of its actor system, as text, since many readers of JSON have no 64-bit integers
   */
  public record Member(
      String id,
      String incarnation,
      String address,
      String uid,
      String status,
      boolean reachable,
      boolean oldest) {
    private static Member of(ControlStatus.Member member) {
      return new Member(
          member.id(),
          member.incarnation().map(Object::toString).orElse(null),
          member.address(),
          Long.toString(member.uid()),
          member.status(),
          member.reachable(),
          member.oldest());
    }
  }

  /**
   * @param id of the peer
   * @param up whether it has a connection
   * @param roundTripMillis smoothed; left out before the first measurement
   * @param complete whether all tunnels of the peer are known
   * @param answeredLately whether dials prefer it
   */
  public record Link(
      String id,
      String incarnation,
      String address,
      boolean up,
      int connections,
      int streams,
      Double roundTripMillis,
      boolean complete,
      boolean answeredLately,
      Instant since,
      long bytesSent,
      long bytesReceived) {
    static List<Link> of(List<Links.Status> all) {
      return all.stream()
          .map(Link::of)
          .sorted(Comparator.comparing(Link::id).thenComparing(Link::incarnation))
          .toList();
    }

    private static Link of(Links.Status link) {
      return new Link(
          link.peer().id(),
          link.peer().incarnation().toString(),
          link.address(),
          link.up(),
          link.connections(),
          link.streams(),
          link.roundTripNanos() == 0 ? null : Math.round(link.roundTripNanos() / 1e3) / 1e3,
          link.complete(),
          link.answeredLately(),
          Instant.ofEpochMilli(link.sinceMillis()),
          link.bytesSent(),
          link.bytesReceived());
    }
  }

  /**
   * @param online in the whole cluster, as this gateway's route table has it
   * @param ownTunnels tunnels that end here
   * @param waitingDials dials that wait for their session to come back
   * @param entitiesHere sessions, online or offline, whose entity lives here
   */
  public record Sessions(int online, int ownTunnels, int waitingDials, int entitiesHere) {}

  /** The counts of {@link DialCounters.Snapshot}. */
  public record Dials(
      long dials,
      long opened,
      long failed,
      long again,
      long hedged,
      long waited,
      long askedControlPlane,
      long viaPeers) {
    static Dials of(DialCounters.Snapshot counters) {
      return new Dials(
          counters.dials(),
          counters.opened(),
          counters.failed(),
          counters.again(),
          counters.hedged(),
          counters.waited(),
          counters.askedControlPlane(),
          counters.viaPeers());
    }
  }

  /**
   * @param byReason every reason, with 0 where there was none
   */
  public record RefusedHandshakes(long total, Map<String, Long> byReason) {
    static RefusedHandshakes of(HandshakeRefusals.Snapshot refusals) {
      Map<String, Long> byReason = new TreeMap<>();
      for (RefusalReason reason : RefusalReason.values()) {
        byReason.put(reason.text(), refusals.byReason().getOrDefault(reason, 0L));
      }
      return new RefusedHandshakes(refusals.total(), byReason);
    }
  }

  /**
   * @param creditInUse what is promised to senders now, of {@code creditLimit}
   * @param relayInUse what streams that only pass through may hold now, of {@code relayLimit}
   */
  public record Memory(
      long heapUsed,
      long heapMax,
      long creditInUse,
      long creditLimit,
      long relayInUse,
      long relayLimit) {}
}

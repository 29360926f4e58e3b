package dev.warren.peer.control;

import dev.warren.protocol.Incarnation;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The control plane at one moment, for status pages, metrics and links.
 *
 * @param state what it is doing
 * @param cluster where its actor system listens, HOST:PORT; empty while it has none
 * @param uid of the actor system; 0 while there is none
 * @param clusterId of the cluster it is a member of; empty while it is none
 * @param members all members that it knows, itself included, the oldest first
 * @param restarts how often it was restarted since the process started
 * @param lastReason of the last restart; empty where there was none
 * @param sinceMillis wall clock since when it is in this state
 */
public record ControlStatus(
    State state,
    Optional<String> cluster,
    long uid,
    Optional<ClusterId> clusterId,
    List<Member> members,
    long restarts,
    String lastReason,
    long sinceMillis) {

  public ControlStatus {
    members = List.copyOf(members);
  }

  /** What a control plane is doing. */
  public enum State {
    /** The actor system is being made. */
    STARTING,
    /** It looks for its cluster, or waits to be let in. */
    JOINING,
    /** An Up member of its cluster. */
    MEMBER,
    /** A member, but it sees another cluster that it cannot become one with. */
    SPLIT,
    /** The old actor system is being ended and a new one follows. */
    RESTARTING,
    /** Over for good. */
    STOPPED
  }

  /**
   * One member of the cluster.
   *
   * @param id of the gateway; empty where it does not tell
   * @param incarnation of the gateway; empty where it does not tell
   * @param address HOST:PORT of its actor system
   * @param uid of its actor system
   * @param status as Pekko names it, in lower case: joining, weaklyup, up, leaving, exiting, down
   * @param reachable whether nobody misses its heartbeats
   * @param oldest whether it is the oldest member
   * @param roles as the member announces them
   */
  public record Member(
      String id,
      Optional<Incarnation> incarnation,
      String address,
      long uid,
      String status,
      boolean reachable,
      boolean oldest,
      Set<String> roles) {
    public Member {
      roles = Set.copyOf(roles);
    }
  }
}

package dev.warren.peer.control;

import com.google.protobuf.ByteString;
import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.util.Optional;

/**
 * How one gateway stands with its control plane, as it tells its neighbours over links (the message
 * Standing of peering.proto).
 *
 * @param gateway whose standing it is; on the wire it is the link's other end
 * @param cluster where its actor system listens, HOST:PORT; empty while it has none
 * @param uid of that actor system; 0 while there is none
 * @param clusterId of the cluster that it is an Up member of; empty while it is none
 * @param oldest the incarnation of that cluster's oldest member; empty where unknown
 * @param members of that cluster, itself included; 0 while it is none
 * @param split whether it sees another cluster that it should join and cannot
 * @param draining whether it is about to leave
 * @param version of its software
 * @param sinceMillis wall clock of the sender since when its control plane is in this state; for
 *     people only
 */
public record Standing(
    GatewayIdentity gateway,
    Optional<String> cluster,
    long uid,
    Optional<ClusterId> clusterId,
    Optional<Incarnation> oldest,
    int members,
    boolean split,
    boolean draining,
    String version,
    long sinceMillis) {

  /** A gateway that has no control plane now. */
  public static Standing none(GatewayIdentity gateway, String version) {
    return new Standing(
        gateway,
        Optional.empty(),
        0,
        Optional.empty(),
        Optional.empty(),
        0,
        false,
        false,
        version,
        0);
  }

  /** Whether it is a member of a cluster that others can join through it. */
  public boolean inCluster() {
    return cluster.isPresent() && clusterId.isPresent();
  }

  /**
   * As it goes over a link.
   *
   * @param link where the gateway takes links, HOST:PORT; may be empty
   */
  public dev.warren.peer.wire.Standing toWire(String link) {
    return dev.warren.peer.wire.Standing.newBuilder()
        .setLink(link)
        .setCluster(cluster.orElse(""))
        .setUid(uid)
        .setClusterId(
            clusterId.map(id -> ByteString.copyFrom(id.toBytes())).orElse(ByteString.EMPTY))
        .setOldest(oldest.map(life -> ByteString.copyFrom(life.toBytes())).orElse(ByteString.EMPTY))
        .setMembers(members)
        .setDraining(draining)
        .setVersion(version)
        .setSplit(split)
        .setSinceMillis(sinceMillis)
        .build();
  }

  /**
   * Reads what came over a link.
   *
   * @param gateway the link's other end
   * @throws IllegalArgumentException where an id has the wrong length
   */
  public static Standing of(GatewayIdentity gateway, dev.warren.peer.wire.Standing wire) {
    return new Standing(
        gateway,
        wire.getCluster().isEmpty() ? Optional.empty() : Optional.of(wire.getCluster()),
        wire.getUid(),
        wire.getClusterId().isEmpty()
            ? Optional.empty()
            : Optional.of(ClusterId.of(wire.getClusterId().toByteArray())),
        wire.getOldest().isEmpty()
            ? Optional.empty()
            : Optional.of(Incarnation.of(wire.getOldest().toByteArray())),
        wire.getMembers(),
        wire.getSplit(),
        wire.getDraining(),
        wire.getVersion(),
        wire.getSinceMillis());
  }
}

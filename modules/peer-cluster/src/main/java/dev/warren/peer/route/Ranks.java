package dev.warren.peer.route;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The fencing rank of an agent's instance, under a MAC of the gateways, so that it can present it
 * again and choose none (PROTOCOL.md, section 6).
 */
public final class Ranks {
  private final Supplier<List<byte[]>> keys;
  private final long incarnation;

  /**
   * @param keys the first makes ranks, all are honoured; asked anew each time
   * @param incarnation of this gateway
   */
  public Ranks(Supplier<List<byte[]>> keys, long incarnation) {
    this.keys = keys;
    this.incarnation = incarnation >>> 1; // 63 bits on the wire
  }

  /**
   * Ranks of a gateway by itself. The key lives as long as this process: after a restart every
   * instance is admitted for the first time again.
   */
  public static Ranks ofOneGateway() {
    SecureRandom random = new SecureRandom();
    byte[] key = new byte[32];
    random.nextBytes(key);
    List<byte[]> only = List.of(key);
    return new Ranks(() -> only, random.nextLong());
  }

  /** The rank of an instance that comes for the first time. */
  Frame.Rank first(SessionKey session, StreamId instance, long epoch) {
    return new Frame.Rank(
        epoch, incarnation, mac(keys.get().get(0), session, instance, epoch, incarnation));
  }

  /** Whether this rank was given to this instance by a gateway that has one of our keys. */
  boolean isOurs(SessionKey session, StreamId instance, Frame.Rank rank) {
    if (rank.mac().length == 0) {
      return false;
    }
    boolean ours = false;
    for (byte[] key : keys.get()) {
      byte[] mac = mac(key, session, instance, rank.epoch(), rank.incarnation());
      ours |= MessageDigest.isEqual(rank.mac(), mac);
    }
    return ours;
  }

  private static byte[] mac(
      byte[] key, SessionKey session, StreamId instance, long epoch, long of) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      mac.update(instance.toBytes());
      mac.update(ByteBuffer.allocate(16).putLong(epoch).putLong(of).array());
      mac.update((session.realm() + "/" + session.id()).getBytes(StandardCharsets.UTF_8));
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HmacSHA256, which every Java platform has", e);
    }
  }

  /**
   * Below 0 where the first yields to the second. Ties of equal epochs: the larger incarnation,
   * then the larger instance.
   */
  static int compare(
      long oneEpoch,
      long oneIncarnation,
      StreamId one,
      long otherEpoch,
      long otherIncarnation,
      StreamId other) {
    int byEpoch = Long.compare(oneEpoch, otherEpoch);
    if (byEpoch != 0) {
      return byEpoch;
    }
    int byIncarnation = Long.compare(oneIncarnation, otherIncarnation);
    if (byIncarnation != 0) {
      return byIncarnation;
    }
    int byHigh = Long.compareUnsigned(one.high(), other.high());
    return byHigh != 0 ? byHigh : Long.compareUnsigned(one.low(), other.low());
  }
}

package dev.warren.peer.tunnel;

import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs the fencing rank that an instance gets at its first admission, so that it can present it
 * again and choose none (PROTOCOL.md, section 6). The key lives as long as this process: after a
 * restart every instance is admitted for the first time again.
 */
final class Ranks {
  private final SecretKeySpec key;
  private final long incarnation;

  Ranks() {
    SecureRandom random = new SecureRandom();
    byte[] bytes = new byte[32];
    random.nextBytes(bytes);
    key = new SecretKeySpec(bytes, "HmacSHA256");
    incarnation = random.nextLong() >>> 1;
  }

  /** The rank of an instance that comes for the first time. */
  Frame.Rank first(SessionKey session, StreamId instance, long epoch) {
    return new Frame.Rank(epoch, incarnation, mac(session, instance, epoch, incarnation));
  }

  /** Whether this rank was given to this instance by us. */
  boolean isOurs(SessionKey session, StreamId instance, Frame.Rank rank) {
    return MessageDigest.isEqual(
        rank.mac(), mac(session, instance, rank.epoch(), rank.incarnation()));
  }

  private byte[] mac(SessionKey session, StreamId instance, long epoch, long of) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(instance.toBytes());
      mac.update(ByteBuffer.allocate(16).putLong(epoch).putLong(of).array());
      mac.update((session.realm() + "/" + session.id()).getBytes(StandardCharsets.UTF_8));
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("HmacSHA256, which every Java platform has", e);
    }
  }

  /**
   * Below 0 where {@code one} yields to {@code other}. Ties of equal ranks: the larger instance.
   */
  static int compare(
      Frame.Rank one, StreamId oneInstance, Frame.Rank other, StreamId otherInstance) {
    int byEpoch = Long.compare(one.epoch(), other.epoch());
    if (byEpoch != 0) {
      return byEpoch;
    }
    int byIncarnation = Long.compare(one.incarnation(), other.incarnation());
    if (byIncarnation != 0) {
      return byIncarnation;
    }
    int byHigh = Long.compareUnsigned(oneInstance.high(), otherInstance.high());
    return byHigh != 0 ? byHigh : Long.compareUnsigned(oneInstance.low(), otherInstance.low());
  }
}

package dev.warren.peer.discovery;

import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Says how many agents a gateway should ask now to move a tunnel elsewhere: slowly, with jitter,
 * and only while it holds clearly more than its share and nothing has changed for a while. Who was
 * asked counts as gone for a time, so that nobody is asked twice for one move. Not safe for use by
 * several threads.
 */
public final class Rebalancing {
  /** A gateway with at most this many times its share asks nobody. */
  public static final double TOLERATED = 1.1;

  /** ... nor one that holds only so many more than its share: moving a handful gains nothing. */
  public static final int TOLERATED_TUNNELS = 12;

  /** The gateways must have been the same for so long: one that restarts is not to be refilled. */
  public static final Duration SETTLED = Duration.ofSeconds(10);

  /** So long after it was asked an agent should have moved. */
  public static final Duration MOVING = Duration.ofSeconds(15);

  /** Agents that are asked within a second, at most. */
  public static final int PER_SECOND = 10;

  private final RandomGenerator random;
  private int gateways;
  private long since;
  private long nextAt;
  private int asked; // and have not left yet
  private int before; // what was held at the last look
  private long askedUntil;
  private boolean started;

  public Rebalancing(RandomGenerator random) {
    this.random = random;
  }

  /**
   * @param own tunnels held here, those that drain already not among them
   * @param others tunnels of each other gateway that is not draining
   * @param now nanoseconds; only differences matter
   * @return how many agents to ask now
   */
  public int ask(int own, List<Integer> others, long now) {
    if (!started || gateways != others.size()) {
      started = true;
      gateways = others.size();
      since = now;
      asked = 0;
      before = own;
      nextAt = now;
      return 0;
    }
    asked = now - askedUntil >= 0 ? 0 : Math.max(0, asked - Math.max(0, before - own));
    before = own;
    if (others.isEmpty() || now - since < SETTLED.toNanos() || now - nextAt < 0) {
      return 0;
    }
    long all = own;
    for (int tunnels : others) {
      all += tunnels;
    }
    double share = (double) all / (others.size() + 1);
    double limit = Math.max(share * TOLERATED, share + TOLERATED_TUNNELS);
    int surplus = (int) Math.floor(own - asked - share);
    if (own - asked <= limit || surplus < 1) {
      return 0;
    }
    int count = Math.min(surplus, Math.max(1, PER_SECOND / 2 + random.nextInt(PER_SECOND / 2 + 1)));
    nextAt = now + Duration.ofMillis(900 + random.nextInt(200)).toNanos();
    asked += count;
    askedUntil = now + MOVING.toNanos();
    return count;
  }
}

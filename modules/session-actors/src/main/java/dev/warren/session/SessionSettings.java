package dev.warren.session;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.Objects;

/**
 * How sessions are kept.
 *
 * @param duplicatePolicy what becomes of two instances of an agent with one id
 * @param forgetAfter how long a session without a tunnel is remembered
 * @param askTimeout how long a holder waits for an entity's verdict before it counts as a failure
 * @param retryFirst the pause after a holder's first failed report; it doubles
 * @param retryLast ... up to this
 * @param orderRetry how often an order is repeated to a holder that has not acknowledged it
 * @param numberOfShards the same on every node, or they refuse each other; 10 for each of the nodes
 *     that there may be, at the least
 */
public record SessionSettings(
    DuplicatePolicy duplicatePolicy,
    Duration forgetAfter,
    Duration askTimeout,
    Duration retryFirst,
    Duration retryLast,
    Duration orderRetry,
    int numberOfShards) {
  public static final SessionSettings DEFAULT =
      new SessionSettings(
          DuplicatePolicy.NEWEST,
          Duration.ofMinutes(10),
          Duration.ofSeconds(2),
          Duration.ofMillis(500),
          Duration.ofSeconds(2), // it is waited for once more after a shard has found a home
          Duration.ofSeconds(1),
          60);

  public SessionSettings {
    Objects.requireNonNull(duplicatePolicy, "duplicatePolicy");
    positive("forget-after", forgetAfter);
    positive("ask-timeout", askTimeout);
    positive("retry-first", retryFirst);
    positive("retry-last", retryLast);
    positive("order-retry", orderRetry);
    if (retryLast.compareTo(retryFirst) < 0) {
      throw new IllegalArgumentException(
          "retry-last: " + retryLast + " (expected: at least retry-first, " + retryFirst + ")");
    }
    if (numberOfShards < 1) {
      throw new IllegalArgumentException(
          "number-of-shards: " + numberOfShards + " (expected: at least 1)");
    }
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: above 0)");
    }
  }

  public SessionSettings withDuplicatePolicy(DuplicatePolicy policy) {
    return new SessionSettings(
        policy, forgetAfter, askTimeout, retryFirst, retryLast, orderRetry, numberOfShards);
  }

  public SessionSettings withForgetAfter(Duration duration) {
    return new SessionSettings(
        duplicatePolicy, duration, askTimeout, retryFirst, retryLast, orderRetry, numberOfShards);
  }

  /** How long closing a session can take until every holder has answered or is given up. */
  Duration closeTimeout() {
    return orderRetry.multipliedBy(Session.ORDER_ATTEMPTS).plus(askTimeout);
  }

  /**
   * What Pekko's sharding must be set to, for whoever builds the actor system: to be put in front
   * of {@code ConfigFactory.load()}. It is no part of {@code reference.conf}, because which of two
   * such files wins depends on their order on the class path. {@link SessionDirectory#start}
   * refuses a system where it is missing.
   */
  public static Config shardingConfig() {
    return ConfigFactory.parseResourcesAnySyntax(
            SessionSettings.class.getClassLoader(), "warren-sharding.conf")
        .resolve();
  }
}

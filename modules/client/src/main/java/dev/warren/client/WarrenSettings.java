package dev.warren.client;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * How a program reaches gateways. {@link #of} has the defaults; {@code with...} changes one of
 * them.
 *
 * @param gateways {@code http://HOST:PORT} or {@code https://HOST:PORT}; the next one is tried
 *     where one cannot be reached
 * @param token the caller's
 * @param ca CA certificates (PEM) for {@code https} gateways; without, those that the JVM trusts
 * @param connectTimeout how long one gateway may take to let the program in
 * @param dialTimeout how long a target may take to accept; the gateway's own limit holds as well
 * @param idle how long a line without streams is kept
 * @param software how the program calls itself, for the gateway's log
 */
public record WarrenSettings(
    List<String> gateways,
    CallerToken token,
    Optional<Path> ca,
    Duration connectTimeout,
    Duration dialTimeout,
    Duration idle,
    String software) {
  public WarrenSettings {
    gateways = List.copyOf(gateways);
    if (gateways.isEmpty()) {
      throw new IllegalArgumentException("no gateway (expected: one or more)");
    }
    gateways.forEach(GatewayUrl::parse);
    Objects.requireNonNull(token, "token");
    Objects.requireNonNull(ca, "ca");
    Objects.requireNonNull(software, "software");
    positive("connectTimeout", connectTimeout);
    positive("dialTimeout", dialTimeout);
    positive("idle", idle);
  }

  private static void positive(String name, Duration value) {
    if (value.toMillis() < 1 || value.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException(
          name + ": " + value + " (expected: 1 millisecond to 1 day)");
    }
  }

  /**
   * The defaults: no token, 10 s to connect, 30 s to dial, a line kept for 60 s.
   *
   * @param gateways one or more, with commas between them
   * @throws IllegalArgumentException where one is no address
   */
  public static WarrenSettings of(String gateways) {
    return new WarrenSettings(
        List.of(gateways.split(",", -1)),
        CallerToken.NONE,
        Optional.empty(),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60),
        "warren-client");
  }

  /** With this token. */
  public WarrenSettings withToken(CallerToken value) {
    return new WarrenSettings(gateways, value, ca, connectTimeout, dialTimeout, idle, software);
  }

  /** With these CA certificates. */
  public WarrenSettings withCa(Path value) {
    return new WarrenSettings(
        gateways, token, Optional.of(value), connectTimeout, dialTimeout, idle, software);
  }

  /** With this time for one gateway. */
  public WarrenSettings withConnectTimeout(Duration value) {
    return new WarrenSettings(gateways, token, ca, value, dialTimeout, idle, software);
  }

  /** With this time for a target. */
  public WarrenSettings withDialTimeout(Duration value) {
    return new WarrenSettings(gateways, token, ca, connectTimeout, value, idle, software);
  }

  /** With lines that are kept so long. */
  public WarrenSettings withIdle(Duration value) {
    return new WarrenSettings(gateways, token, ca, connectTimeout, dialTimeout, value, software);
  }

  /** With this name for logs. */
  public WarrenSettings withSoftware(String value) {
    return new WarrenSettings(gateways, token, ca, connectTimeout, dialTimeout, idle, value);
  }
}

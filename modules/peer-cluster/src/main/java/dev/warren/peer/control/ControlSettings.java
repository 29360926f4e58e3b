package dev.warren.peer.control;

import dev.warren.peer.GatewayIdentity;
import dev.warren.session.SessionSettings;
import java.time.Duration;

/**
 * What the control plane is told at its start.
 *
 * @param identity who this gateway is
 * @param version of its software
 * @param listenHost the address that its actor system binds to
 * @param listenPort ... and the port; 0 for any, which later actor systems keep
 * @param advertiseHost under which the other gateways reach it; IPv6 literals in brackets
 * @param advertisePort ... and the port; 0 for the one that is bound
 * @param aloneAfter how long a gateway without links waits for some before it forms a cluster of
 *     one
 * @param sessions how sessions are kept
 */
public record ControlSettings(
    GatewayIdentity identity,
    String version,
    String listenHost,
    int listenPort,
    String advertiseHost,
    int advertisePort,
    Duration aloneAfter,
    SessionSettings sessions) {
  /** The default of {@code aloneAfter}. */
  public static final Duration ALONE_AFTER = Duration.ofSeconds(2);

  public ControlSettings {
    port("listen port", listenPort);
    port("advertised port", advertisePort);
    if (aloneAfter.isNegative()) {
      throw new IllegalArgumentException("alone-after: " + aloneAfter + " (expected: 0 or more)");
    }
  }

  private static void port(String name, int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException(name + " " + port + " (expected: 0 to 65535)");
    }
  }
}

package dev.warren.gateway.http;

import dev.warren.gateway.access.Authorizer;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.peer.dial.StreamOpener;
import java.util.Objects;

/**
 * What every connection of the front shares. One instance serves all event loops.
 *
 * @param gateway the gateway's name, for {@code Warren-Via}
 * @param opener opens streams to targets
 * @param authorizer judges callers
 * @param settings limits and times
 * @param readiness whether the gateway is ready or about to go
 * @param connect takes connections to {@code /connect} over
 * @param dial takes connections to {@code /dial} over
 * @param proxies whose {@code X-Forwarded-*} is believed
 * @param targetTls how https targets are verified
 * @param callers how much each caller has under way
 * @param idle the streams that wait to be used again
 */
public record HttpServices(
    String gateway,
    StreamOpener opener,
    Authorizer authorizer,
    HttpSettings settings,
    Readiness readiness,
    ConnectHandler connect,
    ConnectHandler dial,
    TrustedProxies proxies,
    TargetTls targetTls,
    CallerLimits callers,
    IdleStreams idle) {
  public HttpServices {
    Objects.requireNonNull(gateway, "gateway");
    Objects.requireNonNull(opener, "opener");
    Objects.requireNonNull(authorizer, "authorizer");
    Objects.requireNonNull(settings, "settings");
    Objects.requireNonNull(readiness, "readiness");
    Objects.requireNonNull(connect, "connect");
    Objects.requireNonNull(dial, "dial");
    Objects.requireNonNull(proxies, "proxies");
    Objects.requireNonNull(targetTls, "targetTls");
    Objects.requireNonNull(callers, "callers");
    Objects.requireNonNull(idle, "idle");
  }

  /**
   * With counters and idle streams of its own, and without {@code /dial}: such connections are
   * closed.
   */
  public HttpServices(
      String gateway,
      StreamOpener opener,
      Authorizer authorizer,
      HttpSettings settings,
      Readiness readiness,
      ConnectHandler connect,
      TrustedProxies proxies,
      TargetTls targetTls) {
    this(
        gateway,
        opener,
        authorizer,
        settings,
        readiness,
        connect,
        (channel, head) -> channel.close(),
        proxies,
        targetTls,
        new CallerLimits(settings));
  }

  /** With idle streams of its own. */
  public HttpServices(
      String gateway,
      StreamOpener opener,
      Authorizer authorizer,
      HttpSettings settings,
      Readiness readiness,
      ConnectHandler connect,
      ConnectHandler dial,
      TrustedProxies proxies,
      TargetTls targetTls,
      CallerLimits callers) {
    this(
        gateway,
        opener,
        authorizer,
        settings,
        readiness,
        connect,
        dial,
        proxies,
        targetTls,
        callers,
        new IdleStreams(settings));
  }
}

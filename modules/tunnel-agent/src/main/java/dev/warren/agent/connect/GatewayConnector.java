package dev.warren.agent.connect;

import dev.warren.agent.net.HostText;
import dev.warren.agent.net.Names;
import dev.warren.agent.net.Transport;
import dev.warren.protocol.SessionKey;
import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Opens connections to gateways.
 *
 * @param session named in {@code X-Tunnel-ID}
 * @param limit how long all of it may take: name, TCP, proxy, TLS and upgrade
 * @param userAgent of the HTTP request
 * @param upgrade what else it says
 */
public record GatewayConnector(
    Transport transport,
    Names names,
    ProxyRules proxies,
    ClientTls tls,
    SessionKey session,
    TokenSource token,
    Duration limit,
    String userAgent,
    Upgrade upgrade) {
  /** More than any handshake needs. */
  public static final Duration DEFAULT_LIMIT = Duration.ofSeconds(15);

  /** One that speaks with gateways of ours. */
  public GatewayConnector(
      Transport transport,
      Names names,
      ProxyRules proxies,
      ClientTls tls,
      SessionKey session,
      TokenSource token,
      Duration limit,
      String userAgent) {
    this(transport, names, proxies, tls, session, token, limit, userAgent, Upgrade.DEFAULT);
  }

  /**
   * Starts a try on {@code loop}, to be called there. {@code done} is told once, on the loop and
   * never before this method has returned, unless the try was cancelled.
   */
  public ConnectAttempt connect(
      GatewayAddress gateway, EventLoop loop, Consumer<ConnectOutcome> done) {
    return start(new ConnectAttempt(this, gateway, gateway, address -> true, loop, done));
  }

  /**
   * The same, but TCP goes to an address that a gateway advertised. TLS name, Host and path stay
   * those of {@code gateway}.
   *
   * @param rules judge what the address's name stands for
   */
  public ConnectAttempt connect(
      GatewayAddress gateway,
      DirectAddress direct,
      GatewayRules rules,
      EventLoop loop,
      Consumer<ConnectOutcome> done) {
    HostText host = HostText.of(direct.host());
    return start(
        new ConnectAttempt(
            this,
            gateway,
            new GatewayAddress(gateway.uri(), gateway.tls(), direct.host(), direct.port()),
            address -> rules.mayDial(gateway.tls(), host, address),
            loop,
            done));
  }

  private static ConnectAttempt start(ConnectAttempt attempt) {
    EventLoop loop = attempt.loop();
    loop.execute(attempt::start);
    return attempt;
  }
}

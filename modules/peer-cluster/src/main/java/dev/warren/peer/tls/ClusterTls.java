package dev.warren.peer.tls;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.token.ClusterAuthority;
import dev.warren.peer.token.ClusterTokens;
import dev.warren.peer.watch.FileWatch;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import org.apache.pekko.remote.artery.tcp.SSLEngineProviderSetup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mutual TLS 1.3 between gateways that share a token. The token file is re-read when it changes,
 * and the certificate is minted anew every day; either way, connections made from then on use what
 * is new, and open ones go on.
 *
 * <p>Resuming a session would pass by the check of the certificate, so sessions are not resumed:
 * every connection is a full handshake.
 */
public final class ClusterTls implements AutoCloseable {
  /** How long a peer may take for a handshake. */
  public static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(10);

  /** How often it is looked whether the certificate is due; the clock may have been set. */
  static final Duration LOOK_EVERY = Duration.ofMinutes(1);

  static final String FLAG = "--cluster-token-file";
  static final String PROTOCOL = "TLSv1.3";

  private static final Logger log = LoggerFactory.getLogger(ClusterTls.class);

  private final GatewayIdentity identity;
  private final InstantSource clock;
  private final HandshakeRefusals refusals;
  private final Duration handshakeTimeout;
  private final SslProvider provider;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService thread;
  private volatile Material material;

  /** All that a new connection needs, of one moment. */
  private record Material(
      List<ClusterAuthority> authorities,
      NodeCertificate certificate,
      SslContext server,
      SslContext client,
      SSLContext jdk) {}

  /**
   * Reads the token file, derives (a third of a second for each token) and mints.
   *
   * @param tokenFile see {@link ClusterTokens}
   * @param identity what the certificate says
   * @param clock for the dates of certificates, ours and the peers'
   * @throws IllegalArgumentException where the file cannot be read or has no good token
   */
  public static ClusterTls start(
      Path tokenFile,
      GatewayIdentity identity,
      FileWatch watch,
      InstantSource clock,
      HandshakeRefusals refusals) {
    return new ClusterTls(
        tokenFile, identity, watch, clock, refusals, HANDSHAKE_TIMEOUT, provider());
  }

  ClusterTls(
      Path tokenFile,
      GatewayIdentity identity,
      FileWatch watch,
      InstantSource clock,
      HandshakeRefusals refusals,
      Duration handshakeTimeout,
      SslProvider provider) {
    this.identity = identity;
    this.clock = clock;
    this.refusals = refusals;
    this.handshakeTimeout = handshakeTimeout;
    this.provider = provider;
    var unused =
        watch.watch(
            FLAG,
            List.of(tokenFile),
            ClusterTokens.MAX_FILE_BYTES,
            contents -> {
              ClusterTokens tokens = ClusterTokens.parse(tokenFile, contents.get(0));
              adopt(tokens.authorities());
              return tokens;
            });
    thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread made = new Thread(task, "warren-certificates");
              made.setDaemon(true);
              return made;
            });
    thread.scheduleWithFixedDelay(
        this::look, LOOK_EVERY.toMillis(), LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** BoringSSL where it loads, because it encrypts in place in direct memory; else the JDK. */
  private static SslProvider provider() {
    return OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK;
  }

  private void adopt(List<ClusterAuthority> authorities) {
    Material before;
    synchronized (this) {
      before = material;
      material = make(authorities);
    }
    if (before != null && !before.authorities().equals(authorities)) {
      log.atInfo()
          .addKeyValue("presented", authorities.get(0))
          .addKeyValue("trusted", authorities.size())
          .log("cluster.token-changed");
      for (Runnable listener : listeners) {
        try {
          listener.run();
        } catch (RuntimeException e) {
          log.atError().setCause(e).log("cluster.token-listener-failed");
        }
      }
    }
  }

  /** Mints the next certificate where it is due. */
  synchronized void look() {
    try {
      if (material.certificate().isDue(clock.instant())) {
        material = make(material.authorities());
        log.atInfo()
            .addKeyValue("until", material.certificate().certificate().getNotAfter().toInstant())
            .log("cluster.certificate-minted");
      }
    } catch (RuntimeException e) {
      // The old one is good for days; a thrown exception would end the looking for ever.
      log.atError().setCause(e).log("cluster.certificate-not-minted");
    }
  }

  private Material make(List<ClusterAuthority> authorities) {
    NodeCertificate minted = NodeCertificate.mint(authorities.get(0), identity, clock.instant());
    PeerTrust trust = new PeerTrust(authorities, clock);
    try {
      return new Material(
          authorities,
          minted,
          common(SslContextBuilder.forServer(minted.key(), minted.certificate()), trust)
              .clientAuth(ClientAuth.REQUIRE)
              .build(),
          common(
                  SslContextBuilder.forClient().keyManager(minted.key(), minted.certificate()),
                  trust)
              .endpointIdentificationAlgorithm(null) // PeerTrust does it, see there
              .build(),
          jdk(minted, trust));
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("TLS between gateways cannot be set up: " + e, e);
    }
  }

  private SslContextBuilder common(SslContextBuilder builder, PeerTrust trust) {
    return builder
        .sslProvider(provider)
        .protocols(PROTOCOL)
        .trustManager(trust)
        .sessionCacheSize(1)
        .sessionTimeout(1);
  }

  private static SSLContext jdk(NodeCertificate minted, PeerTrust trust)
      throws GeneralSecurityException, IOException {
    char[] password = new char[0]; // the store never leaves this method
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, password);
    store.setKeyEntry(
        "gateway", minted.key(), password, new X509Certificate[] {minted.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    SSLContext context = SSLContext.getInstance(PROTOCOL);
    context.init(keys.getKeyManagers(), new TrustManager[] {trust}, null);
    forget(context.getServerSessionContext());
    forget(context.getClientSessionContext());
    return context;
  }

  /** One second is the shortest; zero would stand for ever. */
  private static void forget(SSLSessionContext sessions) {
    sessions.setSessionTimeout(1);
    sessions.setSessionCacheSize(1);
  }

  /**
   * For a link that a peer opened. {@link #linkWatch} goes right behind it; who the peer is, {@link
   * PeerCertificate#identityOf} says after the handshake.
   */
  public SslHandler serverHandler(Channel channel) {
    return timed(material.server().newHandler(channel.alloc()));
  }

  /** For a link to a peer. {@link #linkWatch} goes right behind it. */
  public SslHandler clientHandler(Channel channel, InetSocketAddress peer) {
    return timed(
        material.client().newHandler(channel.alloc(), peer.getHostString(), peer.getPort()));
  }

  private SslHandler timed(SslHandler handler) {
    handler.setHandshakeTimeoutMillis(handshakeTimeout.toMillis());
    return handler;
  }

  /**
   * Counts and logs a failed handshake of a link and closes its connection; stands right behind the
   * handler of TLS, and removes itself.
   *
   * @param port {@link PeerPort#LINK_IN} or {@link PeerPort#LINK_OUT}
   */
  public ChannelHandler linkWatch(PeerPort port) {
    return new HandshakeWatch(refusals, port);
  }

  /** What the cluster's actor system needs beside {@code pekko.remote.artery.transport=tls-tcp}. */
  public SSLEngineProviderSetup arterySetup() {
    return SSLEngineProviderSetup.create(system -> new ArteryEngines(this));
  }

  SSLEngine engine(String host, int port, boolean client) {
    SSLEngine engine = material.jdk().createSSLEngine(host, port);
    engine.setUseClientMode(client);
    engine.setEnabledProtocols(new String[] {PROTOCOL});
    if (!client) {
      engine.setNeedClientAuth(true);
    }
    return new WatchedEngine(
        engine,
        host,
        port,
        cause ->
            refusals.refused(
                client ? PeerPort.CLUSTER_OUT : PeerPort.CLUSTER_IN,
                client ? InetSocketAddress.createUnresolved(host, port) : null,
                cause),
        thread,
        handshakeTimeout);
  }

  /**
   * The secret keys of a purpose, of all trusted tokens: make with the first, take any.
   *
   * @see ClusterAuthority#key
   */
  public List<byte[]> keys(String purpose) {
    return material.authorities().stream().map(authority -> authority.key(purpose)).toList();
  }

  /**
   * Runs the listener after every change of the tokens, on the thread that watches files; what it
   * calls here answers with the new ones.
   */
  public void onTokensChanged(Runnable listener) {
    listeners.add(listener);
  }

  public GatewayIdentity identity() {
    return identity;
  }

  public HandshakeRefusals refusals() {
    return refusals;
  }

  /** What is presented now. */
  X509Certificate certificate() {
    return material.certificate().certificate();
  }

  /** Ends the minting; what was made stays good until it expires. */
  @Override
  public void close() {
    thread.shutdownNow();
  }
}

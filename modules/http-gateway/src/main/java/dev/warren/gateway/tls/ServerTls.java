package dev.warren.gateway.tls;

import dev.warren.peer.watch.FileWatch;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/**
 * TLS 1.2 and 1.3 with a certificate from two PEM files, which are read anew when their content
 * changes: new connections use the new certificate, open ones go on with theirs. A new pair that is
 * wrong (or half written) is logged, and the old one stays.
 */
public final class ServerTls {
  /** A chain with dozens of certificates is far below this. */
  static final int MAX_FILE_BYTES = 1 << 20;

  private static final List<String> PROTOCOLS = List.of("TLSv1.3", "TLSv1.2");

  /** Forward secrecy and authenticated encryption only: everything a client of today offers. */
  private static final List<String> CIPHERS =
      List.of(
          "TLS_AES_128_GCM_SHA256",
          "TLS_AES_256_GCM_SHA384",
          "TLS_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
          "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
          "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
          "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

  private final Supplier<SslContext> context;
  private final Duration handshakeTimeout;

  private ServerTls(Supplier<SslContext> context, Duration handshakeTimeout) {
    this.context = context;
    this.handshakeTimeout = handshakeTimeout;
  }

  /**
   * @param certificate the chain, the server's own certificate first
   * @param key its key: PKCS#8, not encrypted
   * @param handshakeTimeout how long a client may take for the handshake
   * @throws IllegalArgumentException where a file cannot be read, is wrong, or does not fit the
   *     other
   */
  public static ServerTls of(
      Path certificate, Path key, Duration handshakeTimeout, FileWatch watch) {
    Supplier<SslContext> context =
        watch.watch(
            "--tls-cert/--tls-key",
            List.of(certificate, key),
            MAX_FILE_BYTES,
            contents -> context(KeyPair.parse(certificate, contents.get(0), key, contents.get(1))));
    return new ServerTls(context, handshakeTimeout);
  }

  /** BoringSSL where it loads, because it encrypts in place in direct memory; else the JDK. */
  static SslProvider provider() {
    return OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK;
  }

  private static SslContext context(KeyPair pair) {
    try {
      return SslContextBuilder.forServer(pair.key(), pair.chain())
          .sslProvider(provider())
          .protocols(PROTOCOLS)
          .ciphers(CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
          .applicationProtocolConfig(
              new ApplicationProtocolConfig(
                  Protocol.ALPN,
                  SelectorFailureBehavior.NO_ADVERTISE,
                  SelectedListenerFailureBehavior.ACCEPT,
                  ApplicationProtocolNames.HTTP_1_1))
          .build();
    } catch (SSLException e) {
      throw new IllegalArgumentException(
          "certificate and key cannot be used: " + e.getMessage(), e);
    }
  }

  /** The handler for one new connection; it stands before everything but the PROXY header. */
  public SslHandler newHandler(ByteBufAllocator allocator) {
    SslHandler handler = context.get().newHandler(allocator);
    handler.setHandshakeTimeout(handshakeTimeout.toMillis(), TimeUnit.MILLISECONDS);
    return handler;
  }
}

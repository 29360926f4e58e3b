package dev.warren.gateway.http;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * TLS towards https targets: the gateway is the client, the tunnel carries the ciphertext, and the
 * agent sees none of the content. OpenSSL (BoringSSL) where it loads, the JDK's TLS elsewhere.
 */
public final class TargetTls {
  private final SslContext context;

  private TargetTls(SslContextBuilder builder, boolean verifyName) {
    try {
      context =
          builder
              .sslProvider(OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK)
              .endpointIdentificationAlgorithm(verifyName ? "HTTPS" : null)
              .build();
    } catch (SSLException e) {
      throw new IllegalStateException("TLS towards targets cannot be set up: " + e.getMessage(), e);
    }
  }

  /** Certificates must be signed by somebody whom the JVM trusts, and name the target's host. */
  public static TargetTls trustingTheJvm() {
    return new TargetTls(SslContextBuilder.forClient(), true);
  }

  /**
   * Certificates must be signed by one of these authorities, and name the target's host.
   *
   * @param file PEM
   * @throws IllegalArgumentException where the file holds no certificate that can be read
   */
  public static TargetTls trusting(Path file) {
    try {
      return new TargetTls(SslContextBuilder.forClient().trustManager(file.toFile()), true);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "certificate authorities for targets: "
              + file
              + " (expected: a file of PEM certificates; "
              + e.getMessage()
              + ")",
          e);
    }
  }

  /** Certificates are not looked at: whoever is in the way can read along. */
  public static TargetTls insecure() {
    return new TargetTls(
        SslContextBuilder.forClient().trustManager(InsecureTrustManagerFactory.INSTANCE), false);
  }

  /** A client's handler for one stream, with SNI where {@code host} is a name. */
  SslHandler newHandler(ByteBufAllocator allocator, String host, int port) {
    SslHandler handler = context.newHandler(allocator, host, port);
    if (host.indexOf('.') < 0 && host.indexOf(':') < 0) {
      // Netty sends no SNI for a name without a dot; where services find each other by short names,
      // targets choose their certificate by it all the same.
      SSLParameters parameters = handler.engine().getSSLParameters();
      try {
        parameters.setServerNames(List.of(new SNIHostName(host)));
        handler.engine().setSSLParameters(parameters);
      } catch (IllegalArgumentException notAName) {
        // then nobody can expect it in SNI
      }
    }
    return handler;
  }
}

package dev.warren.client;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * TLS towards gateways: the certificate must be valid for the host of the address. By tcnative
 * where it is on the class path, else by the JDK. On the event loop only.
 */
final class ClientTls {
  private final Optional<Path> ca;
  private SslContext context;

  ClientTls(Optional<Path> ca) {
    this.ca = ca;
  }

  SslHandler handler(ByteBufAllocator allocator, GatewayUrl gateway) throws IOException {
    if (context == null) {
      SslContextBuilder builder =
          SslContextBuilder.forClient()
              .sslProvider(OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK)
              .protocols("TLSv1.3", "TLSv1.2")
              .endpointIdentificationAlgorithm("HTTPS");
      try {
        ca.ifPresent(file -> builder.trustManager(file.toFile()));
        context = builder.build();
      } catch (IllegalArgumentException | SSLException e) {
        throw new IOException(
            "CA certificates in " + ca.map(Path::toString).orElse("the JVM") + ": none in PEM", e);
      }
    }
    SslHandler handler = context.newHandler(allocator, gateway.host(), gateway.port());
    handler.setHandshakeTimeoutMillis(0); // the whole connect has one limit
    return handler;
  }
}

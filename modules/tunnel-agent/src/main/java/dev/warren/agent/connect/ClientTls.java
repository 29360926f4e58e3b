package dev.warren.agent.connect;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * TLS towards gateways: the certificate must be valid for the host of the {@code --connect}
 * address, under the CAs of a PEM file or, without one, those that the JVM trusts. By tcnative
 * where it loads, else by the JDK. Nothing of it is loaded before the first {@code wss://} connect.
 */
public final class ClientTls {
  private final Optional<Path> caFile;

  private SslContext context;
  private FileTime caModified;

  public ClientTls(Optional<Path> caFile) {
    this.caFile = caFile;
  }

  /**
   * Reads the CA file, at the start and when it has changed.
   *
   * @throws IOException where it cannot be read or used; the message names it
   */
  public synchronized void load() throws IOException {
    FileTime modified = null;
    if (caFile.isPresent()) {
      if (!Files.isReadable(caFile.get())) {
        throw new IOException("--ca " + caFile.get() + " cannot be read");
      }
      modified = Files.getLastModifiedTime(caFile.get());
    }
    if (context != null && (modified == null || modified.equals(caModified))) {
      return;
    }
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2")
            .endpointIdentificationAlgorithm("HTTPS");
    try {
      caFile.ifPresent(file -> builder.trustManager(file.toFile()));
      context = builder.build();
    } catch (IllegalArgumentException | SSLException e) {
      throw new IOException(
          "--ca "
              + caFile.map(Path::toString).orElse("(the JVM's)")
              + ": no CA certificates in PEM form",
          e);
    }
    caModified = modified;
  }

  /** The handler names the host in SNI, where it is a name, and verifies it. */
  SslHandler handler(ByteBufAllocator allocator, GatewayAddress gateway) throws IOException {
    load();
    SslHandler handler = context.newHandler(allocator, gateway.host(), gateway.port());
    // The whole handshake has one limit.
    handler.setHandshakeTimeoutMillis(0);
    return handler;
  }
}

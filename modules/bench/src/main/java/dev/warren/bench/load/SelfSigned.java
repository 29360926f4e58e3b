package dev.warren.bench.load;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;

/**
 * A certificate for the gateways of one run, made by the JDK's keytool, and clients that take any:
 * what TLS costs is measured here, not whom it trusts.
 *
 * @param certificate in PEM
 * @param key in PEM, of the curve P-256
 */
record SelfSigned(Path certificate, Path key) {
  private static final int SECONDS = 30;
  private static final String NAME = "bench";
  private static final String PASSWORD = "not a secret";

  static SelfSigned make(Bench bench) {
    Path store = bench.directory().resolve("tls.p12");
    bench
        .children()
        .run(
            "keytool",
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                NAME,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=" + FreePorts.HOST,
                "-ext",
                "SAN=IP:" + FreePorts.HOST,
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD),
            SECONDS);
    try (InputStream in = Files.newInputStream(store)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(in, PASSWORD.toCharArray());
      Path certificate = bench.directory().resolve("tls.pem");
      Path key = bench.directory().resolve("tls.key");
      Files.writeString(certificate, pem("CERTIFICATE", keys.getCertificate(NAME).getEncoded()));
      Files.writeString(
          key, pem("PRIVATE KEY", keys.getKey(NAME, PASSWORD.toCharArray()).getEncoded()));
      return new SelfSigned(certificate, key);
    } catch (IOException | GeneralSecurityException e) {
      throw new LoadException("no certificate: " + e.getMessage(), e);
    }
  }

  private static String pem(String what, byte[] bytes) {
    return "-----BEGIN "
        + what
        + "-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes)
        + "\n-----END "
        + what
        + "-----\n";
  }

  /** As an agent's: by BoringSSL where it loads. */
  static SslContext client() {
    try {
      return SslContextBuilder.forClient()
          .sslProvider(OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK)
          .protocols("TLSv1.3", "TLSv1.2")
          .trustManager(InsecureTrustManagerFactory.INSTANCE)
          .build();
    } catch (IOException e) {
      throw new LoadException("no TLS: " + e.getMessage(), e);
    }
  }

  /** For callers' sockets; https:// URLs of this JVM use it, too. */
  static SSLSocketFactory callers() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
      HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
      HttpsURLConnection.setDefaultHostnameVerifier((host, session) -> true);
      return context.getSocketFactory();
    } catch (GeneralSecurityException e) {
      throw new LoadException("no TLS: " + e.getMessage(), e);
    }
  }
}

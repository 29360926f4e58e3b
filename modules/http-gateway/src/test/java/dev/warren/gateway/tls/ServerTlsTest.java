package dev.warren.gateway.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.watch.FileWatch;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerTlsTest {
  private final FileWatch watch = FileWatch.manual();

  @TempDir Path directory;
  private Path certificate;
  private Path key;

  @BeforeEach
  void names() {
    certificate = directory.resolve("chain.pem");
    key = directory.resolve("key.pem");
  }

  private static X509Bundle bundle(String name, CertificateBuilder.Algorithm algorithm)
      throws Exception {
    return new CertificateBuilder()
        .subject("CN=" + name)
        .addSanDnsName(name)
        .setIsCertificateAuthority(true)
        .algorithm(algorithm)
        .buildSelfSigned();
  }

  private static X509Bundle bundle(String name) throws Exception {
    return bundle(name, CertificateBuilder.Algorithm.ecp256);
  }

  private void write(X509Bundle bundle) throws IOException {
    Files.writeString(certificate, bundle.getCertificatePathPEM());
    Files.writeString(key, bundle.getPrivateKeyPEM());
  }

  private ServerTls start() {
    return ServerTls.of(certificate, key, Duration.ofSeconds(15), watch);
  }

  private String refusal() {
    return assertThrows(IllegalArgumentException.class, this::start).getMessage();
  }

  /** What a client sees that offers only this version, after bytes have gone both ways. */
  private static SSLSession handshake(ServerTls tls, String protocol) throws Exception {
    SslContext trusting =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.JDK)
            .trustManager(InsecureTrustManagerFactory.INSTANCE)
            .protocols(protocol)
            .build();
    SslHandler clientTls = trusting.newHandler(ByteBufAllocator.DEFAULT);
    EmbeddedChannel client = new EmbeddedChannel(clientTls);
    EmbeddedChannel server = new EmbeddedChannel(tls.newHandler(ByteBufAllocator.DEFAULT));
    try {
      client.writeOneOutbound(Unpooled.copiedBuffer("hello", StandardCharsets.US_ASCII));
      client.flush();
      ByteBuf received = null;
      while (received == null) {
        boolean moved = move(client, server) | move(server, client);
        received = server.readInbound();
        if (!moved && received == null) {
          clientTls.handshakeFuture().sync();
          throw new AssertionError("nothing moves any more, and nothing has arrived");
        }
      }
      assertEquals("hello", received.toString(StandardCharsets.US_ASCII));
      received.release();
      return clientTls.engine().getSession();
    } finally {
      client.finishAndReleaseAll();
      server.finishAndReleaseAll();
    }
  }

  private static boolean move(EmbeddedChannel from, EmbeddedChannel to) {
    boolean moved = false;
    for (Object bytes = from.readOutbound(); bytes != null; bytes = from.readOutbound()) {
      to.writeInbound(bytes);
      moved = true;
    }
    return moved;
  }

  private static String subject(SSLSession session) throws Exception {
    X509Certificate first = (X509Certificate) session.getPeerCertificates()[0];
    return first.getSubjectX500Principal().getName();
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void certificateServesBothVersions(String version) throws Exception {
    write(bundle("one.example.org"));
    SSLSession session = handshake(start(), version);
    assertEquals("CN=one.example.org", subject(session));
    assertEquals(version, session.getProtocol());
  }

  @ParameterizedTest
  @EnumSource(
      value = CertificateBuilder.Algorithm.class,
      names = {"rsa2048", "ecp384"})
  void otherKindsOfKeysServe(CertificateBuilder.Algorithm algorithm) throws Exception {
    write(bundle("one.example.org", algorithm));
    assertEquals("CN=one.example.org", subject(handshake(start(), "TLSv1.3")));
  }

  @Test
  void changedPairServesNewConnectionsAndABrokenOneDoesNot() throws Exception {
    write(bundle("one.example.org"));
    ServerTls tls = start();
    X509Bundle two = bundle("two.example.org");
    Files.writeString(certificate, two.getCertificatePathPEM());
    watch.look();
    assertEquals("CN=one.example.org", subject(handshake(tls, "TLSv1.3")), "half a change");
    Files.writeString(key, two.getPrivateKeyPEM());
    watch.look();
    assertEquals("CN=two.example.org", subject(handshake(tls, "TLSv1.3")));
    Files.writeString(certificate, "nonsense");
    watch.look();
    assertEquals("CN=two.example.org", subject(handshake(tls, "TLSv1.3")));
  }

  @Test
  void keyOfAnotherCertificateStopsTheStart() throws Exception {
    write(bundle("one.example.org"));
    Files.writeString(key, bundle("one.example.org").getPrivateKeyPEM());
    assertTrue(refusal().contains("does not belong to the first certificate"), refusal());
  }

  @Test
  void keyOfAnotherKindStopsTheStart() throws Exception {
    write(bundle("one.example.org"));
    Files.writeString(
        key, bundle("one.example.org", CertificateBuilder.Algorithm.rsa2048).getPrivateKeyPEM());
    assertTrue(refusal().contains("does not belong to the first certificate"), refusal());
  }

  @Test
  void oldFormOfAKeyIsRefusedWithTheCommandThatConvertsIt() throws Exception {
    write(bundle("one.example.org"));
    Files.writeString(
        key, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    String message = refusal();
    assertTrue(message.startsWith("--tls-cert/--tls-key: " + key), message);
    assertTrue(message.contains("openssl pkcs8 -topk8 -nocrypt"), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"
      })
  void wrongFilesStopTheStart(String content) throws Exception {
    write(bundle("one.example.org"));
    String good = Files.readString(certificate);
    Files.writeString(certificate, content);
    assertTrue(refusal().contains(certificate.toString()), refusal());
    Files.writeString(certificate, good);
    Files.writeString(key, content);
    assertTrue(refusal().contains(key.toString()), refusal());
  }

  @Test
  void expiredCertificateStillServes() throws Exception {
    Instant now = Instant.now();
    write(
        new CertificateBuilder()
            .subject("CN=old.example.org")
            .setIsCertificateAuthority(true)
            .ecp256()
            .notBefore(now.minus(Duration.ofDays(10)))
            .notAfter(now.minus(Duration.ofDays(1)))
            .buildSelfSigned());
    assertEquals("CN=old.example.org", subject(handshake(start(), "TLSv1.3")));
  }

  @Test
  void boringSslIsUsedWhereItLoads() {
    assertEquals(
        OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK, ServerTls.provider());
  }
}

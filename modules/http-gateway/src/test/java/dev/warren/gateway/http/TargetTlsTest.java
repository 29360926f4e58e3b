package dev.warren.gateway.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** https targets: who is trusted, and what a caller reads where nobody is. */
class TargetTlsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  @TempDir private static Path directory;
  private static Path authorityFile;
  private static SSLContext good;
  private static SSLContext otherName;

  @BeforeAll
  static void makeCertificates() throws Exception {
    X509Bundle authority =
        new CertificateBuilder()
            .subject("CN=Test Authority")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    authorityFile = directory.resolve("ca.pem");
    Files.writeString(authorityFile, authority.getCertificatePEM());
    good = context(certificate("localhost").buildIssuedBy(authority));
    otherName = context(certificate("example.test").buildIssuedBy(authority));
  }

  private static CertificateBuilder certificate(String name) {
    return new CertificateBuilder().subject("CN=" + name).addSanDnsName(name);
  }

  private static SSLContext context(X509Bundle bundle) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(bundle.toKeyManagerFactory().getKeyManagers(), null, null);
    return context;
  }

  private static Origin start(SSLContext context, Origin.Script script) throws IOException {
    SSLServerSocket listener =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 100, InetAddress.getLoopbackAddress());
    return Origin.start(listener, script);
  }

  private static Gateway gateway(TargetTls tls) {
    Gateway.Options options = new Gateway.Options();
    options.tls = tls;
    options.loops = 1;
    options.settings(
        s ->
            s.withDialTimeout(Duration.ofSeconds(20))
                .withReuse(new HttpSettings.Reuse(8, 8, Duration.ofMinutes(1))));
    return new Gateway(options);
  }

  private static Response get(Gateway gateway, Origin origin) throws IOException {
    try (Caller caller = gateway.caller()) {
      return caller
          .head("GET /client/foo/https/localhost:" + origin.port() + "/ HTTP/1.1", "Host: gw")
          .response();
    }
  }

  @Test
  void aTargetOfATrustedAuthorityIsReachedWithItsNameAndUsedAgain() throws Exception {
    try (Gateway gateway = gateway(TargetTls.trusting(authorityFile));
        Origin origin =
            start(
                good,
                connection -> {
                  while (true) {
                    Response request = connection.request();
                    SSLSocket socket = (SSLSocket) connection.socket;
                    ExtendedSSLSession session = (ExtendedSSLSession) socket.getSession();
                    connection
                        .origin()
                        .tell(session.getRequestedServerNames() + " " + request.header("host"));
                    connection.send(OK);
                  }
                })) {
      for (int i = 0; i < 3; i++) {
        assertEquals("ok", get(gateway, origin).text());
        assertEquals(
            List.of(new SNIHostName("localhost")) + " localhost:" + origin.port(), origin.told());
        Eventually.holds(() -> gateway.services.idle().size() == 1);
      }
      assertEquals(1, origin.connections());
    }
  }

  @Test
  void largeBodiesPassThroughTls() throws Exception {
    byte[] body = new byte[3 << 20];
    new SplittableRandom(3).nextBytes(body);
    try (Gateway gateway = gateway(TargetTls.trusting(authorityFile));
        Origin origin =
            start(
                good,
                connection -> {
                  byte[] request = connection.request().body();
                  connection.send(
                      "HTTP/1.1 200 OK\r\nContent-Length: " + request.length + "\r\n\r\n");
                  connection.send(request);
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller
          .head(
              "POST /client/foo/https/localhost:" + origin.port() + "/ HTTP/1.1",
              "Host: gw",
              "Content-Length: " + body.length)
          .send(body);
      assertArrayEquals(body, caller.response().body());
    }
  }

  @Test
  void anUnknownAuthorityIsBadGatewayWithTheReason() throws Exception {
    try (Gateway gateway = gateway(TargetTls.trustingTheJvm());
        Origin origin = start(good, Origin.Connection::request)) {
      assertFailure(gateway, origin);
    }
  }

  @Test
  void aCertificateForAnotherNameIsBadGatewayWithTheReason() throws Exception {
    try (Gateway gateway = gateway(TargetTls.trusting(authorityFile));
        Origin origin = start(otherName, Origin.Connection::request)) {
      String text = assertFailure(gateway, origin);
      assertTrue(text.contains("localhost"), text);
    }
  }

  private static String assertFailure(Gateway gateway, Origin origin) throws IOException {
    Response response = get(gateway, origin);
    assertEquals(502, response.status());
    String start = "session foo, target localhost:" + origin.port() + ": TLS: ";
    assertTrue(response.text().startsWith(start), response.text());
    assertTrue(response.text().length() > start.length() + 10, response.text());
    return response.text().substring(start.length());
  }

  @Test
  void whereNothingIsVerifiedAnyCertificateDoes() throws Exception {
    try (Gateway gateway = gateway(TargetTls.insecure());
        Origin origin =
            start(
                otherName,
                connection -> {
                  connection.request();
                  connection.send(OK);
                })) {
      assertEquals("ok", get(gateway, origin).text());
    }
  }

  @Test
  void aTargetThatSpeaksNoTlsIsBadGateway() throws Exception {
    try (Gateway gateway = gateway(TargetTls.insecure());
        Origin origin =
            Origin.start(
                connection -> {
                  connection.in.read();
                  connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
                  connection.awaitEnd();
                })) {
      Response response = get(gateway, origin);
      assertEquals(502, response.status());
      assertEquals(
          "session foo, target localhost:"
              + origin.port()
              + ": TLS: the target does not speak TLS\n",
          response.text());
    }
  }

  @Test
  void aTargetThatHangsUpInTheHandshakeIsBadGateway() throws Exception {
    try (Gateway gateway = gateway(TargetTls.insecure());
        Origin origin = Origin.start(connection -> connection.in.read())) {
      assertEquals(502, get(gateway, origin).status());
    }
  }

  /** Without close_notify anybody on the way could have cut the body. */
  @Test
  void aBodyThatOnlyTheEndDelimitsNeedsTheEndOfTls() throws Exception {
    try (Gateway gateway = gateway(TargetTls.trusting(authorityFile));
        Origin origin =
            start(
                good,
                connection -> {
                  connection.request();
                  connection.send("HTTP/1.0 200 OK\r\n\r\nwhole");
                  // returns, and so closes with close_notify
                })) {
      assertEquals("whole", get(gateway, origin).text());
    }
    try (Gateway gateway = gateway(TargetTls.trusting(authorityFile));
        CuttingRelay relay = new CuttingRelay();
        Origin origin =
            start(
                good,
                connection -> {
                  connection.request();
                  connection.send("HTTP/1.0 200 OK\r\n\r\nhello");
                  connection.awaitEnd();
                })) {
      relay.to(origin.port());
      try (Caller caller = gateway.caller()) {
        caller.head("GET /client/foo/https/localhost:" + relay.port() + "/ HTTP/1.1", "Host: gw");
        Response.head(caller.in());
        assertArrayEquals("hello".getBytes(US_ASCII), Response.chunk(caller.in()));
        relay.cut();
        assertThrows(IOException.class, () -> Response.chunk(caller.in()));
      }
    }
  }

  @Test
  void aFileWithoutCertificatesIsRefusedByName() throws IOException {
    Path empty = Files.writeString(directory.resolve("empty.pem"), "nothing\n");
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> TargetTls.trusting(empty));
    assertTrue(refused.getMessage().contains(empty.toString()), refused.getMessage());
  }
}

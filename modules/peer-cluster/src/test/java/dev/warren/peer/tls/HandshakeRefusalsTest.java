package dev.warren.peer.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

class HandshakeRefusalsTest {
  private final MutableClock clock = new MutableClock(Node.NOW);
  private final HandshakeRefusals refusals = new HandshakeRefusals(clock, 3);
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(HandshakeRefusals.class);

  @BeforeEach
  void listen() {
    logger.setLevel(Level.INFO);
    logged.start();
    logger.addAppender(logged);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(logged);
  }

  private void garbageFrom(String host, int port) {
    refusals.refused(
        PeerPort.LINK_IN,
        new InetSocketAddress(host, port),
        new NotSslRecordException("not an SSL/TLS record: 47455420"));
  }

  private Map<String, String> last() {
    ILoggingEvent event = logged.list.get(logged.list.size() - 1);
    assertEquals(Level.WARN, event.getLevel());
    assertEquals("peer.handshake-refused", event.getMessage());
    return event.getKeyValuePairs().stream()
        .collect(Collectors.toMap(pair -> pair.key, pair -> String.valueOf(pair.value)));
  }

  @Test
  void oneAddressIsLoggedOnceAMinuteWithWhatWasPassedOver() {
    for (int port = 1; port <= 10; port++) {
      garbageFrom("10.0.0.1", port);
    }
    assertEquals(1, logged.list.size());
    assertEquals("0", last().get("suppressed"));
    clock.passes(Duration.ofMinutes(1).minusMillis(1));
    garbageFrom("10.0.0.1", 11);
    assertEquals(1, logged.list.size());
    clock.passes(Duration.ofMillis(1));
    garbageFrom("10.0.0.1", 12);
    assertEquals(2, logged.list.size());
    assertEquals("10", last().get("suppressed"));
    assertEquals("10.0.0.1", last().get("remote"));
    assertEquals("link", last().get("port"));
    assertEquals("not-tls", last().get("reason"));
    assertFalse(last().get("detail").contains("47455420"), "what came is not repeated");
    assertEquals(12, refusals.snapshot().total());
    assertEquals(12, refusals.snapshot().byReason().get(RefusalReason.NOT_TLS));
    assertEquals(RefusalReason.values().length, refusals.snapshot().byReason().size());
  }

  @Test
  void addressesAreToldApartUpToALimit() {
    for (int host = 1; host <= 100; host++) {
      garbageFrom("10.0.0." + host, 1);
    }
    assertEquals(4, refusals.addresses(), "three, and one for all further ones");
    assertEquals(4, logged.list.size());
    clock.passes(Duration.ofMinutes(1));
    garbageFrom("10.0.0.200", 1);
    assertEquals("10.0.0.200", last().get("remote"), "old ones make room");
    assertEquals(100 + 1, refusals.snapshot().total());
  }

  @Test
  void clockThatIsSetBackDoesNotSilenceTheLog() {
    garbageFrom("10.0.0.1", 1);
    clock.passes(Duration.ofHours(-1));
    garbageFrom("10.0.0.1", 1);
    assertEquals(2, logged.list.size());
  }

  @Test
  void unknownAddressIsSaidToBeUnknown() {
    refusals.refused(PeerPort.CLUSTER_IN, null, new SSLHandshakeException("odd"));
    assertEquals("unknown", last().get("remote"));
    assertEquals("cluster", last().get("port"));
    assertEquals("odd", last().get("detail"));
  }

  @Test
  void detailIsOneShortLine() {
    refusals.refused(
        PeerPort.LINK_IN, null, new SSLException("a\nb\u001b[31m\u0000" + "x".repeat(10_000)));
    String detail = last().get("detail");
    assertEquals(HandshakeRefusals.MAX_DETAIL_CHARS, detail.length());
    assertTrue(detail.startsWith("a?b?[31m?x"), detail);
  }

  @Test
  void ourOwnCheckOfACertificateSaysTheReason() {
    SSLException wrapped = new SSLHandshakeException("General OpenSslEngine problem");
    wrapped.initCause(
        new CertificateRefused(RefusalReason.NOT_VALID_NOW, "the clock may be wrong", null));
    refusals.refused(PeerPort.LINK_OUT, null, wrapped);
    assertEquals("not-valid-now", last().get("reason"));
    assertEquals("the clock may be wrong", last().get("detail"));
    assertEquals("out", last().get("direction"));
  }

  @ParameterizedTest
  @CsvSource({
    "Received fatal alert: certificate_unknown, WRONG_TOKEN",
    "Received fatal alert: bad_certificate, WRONG_TOKEN",
    "error:10000416:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN, WRONG_TOKEN",
    "error:10000418:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA, WRONG_TOKEN",
    "Received fatal alert: certificate_expired, NOT_VALID_NOW",
    "error:10000415:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED, NOT_VALID_NOW",
    "Received fatal alert: certificate_required, NO_CERTIFICATE",
    "Empty client certificate chain, NO_CERTIFICATE",
    "OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE, NO_CERTIFICATE",
    "Unsupported or unrecognized SSL message, NOT_TLS",
    "closing inbound before receiving peer's close_notify, STOPPED",
    "no cipher suites in common, OTHER",
  })
  void textsOfTheTlsStacksAreUnderstood(String text, RefusalReason reason) {
    assertEquals(reason, HandshakeRefusals.reasonOf(new SSLException(text)));
  }

  @Test
  void brokenConnectionIsAStop() {
    List.of(
            new IOException("Connection reset by peer"),
            new java.nio.channels.ClosedChannelException(),
            new java.io.EOFException())
        .forEach(cause -> assertEquals(RefusalReason.STOPPED, HandshakeRefusals.reasonOf(cause)));
  }
}

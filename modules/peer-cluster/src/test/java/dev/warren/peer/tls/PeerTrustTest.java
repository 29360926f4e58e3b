package dev.warren.peer.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.token.ClusterAuthority;
import dev.warren.peer.token.ClusterToken;
import dev.warren.protocol.Incarnation;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeerTrustTest {
  private static final ClusterAuthority AUTHORITY =
      ClusterAuthority.of(ClusterToken.parse(Node.TOKEN));
  private static final GatewayIdentity GATEWAY =
      new GatewayIdentity("first", new Incarnation(1, 2));
  private static final String SUBJECT = "CN=first,SERIALNUMBER=00000000000000010000000000000002";

  private final PeerTrust trust = new PeerTrust(List.of(AUTHORITY), new MutableClock(Node.NOW));

  private void isRefused(RefusalReason reason, String expected, X509Certificate... chain) {
    for (boolean client : new boolean[] {true, false}) {
      CertificateException refused =
          assertThrows(
              CertificateException.class,
              () -> {
                if (client) {
                  trust.checkClientTrusted(chain, "EC");
                } else {
                  trust.checkServerTrusted(chain, "EC");
                }
              });
      assertEquals(reason, HandshakeRefusals.reasonOf(refused));
      assertTrue(refused.getMessage().contains(expected), refused.getMessage());
    }
  }

  private static X509Certificate made(String subject, PrivateKey signer, KeyPurposeId... purposes)
      throws Exception {
    KeyPair pair = KeyPairGenerator.getInstance("EC").generateKeyPair();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(AUTHORITY.name().getEncoded()),
            BigInteger.TEN,
            Date.from(Node.NOW.minus(Duration.ofHours(1))),
            Date.from(Node.NOW.plus(Duration.ofHours(1))),
            new X500Name(subject),
            pair.getPublic());
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, NodeCertificate.SAN)));
    if (purposes.length > 0) {
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
    }
    byte[] encoded =
        builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer)).getEncoded();
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(encoded));
  }

  @Test
  void mintedCertificateIsTaken() throws Exception {
    X509Certificate minted = NodeCertificate.mint(AUTHORITY, GATEWAY, Node.NOW).certificate();
    trust.checkClientTrusted(new X509Certificate[] {minted}, "EC");
    trust.checkServerTrusted(new X509Certificate[] {minted}, "EC");
    assertEquals(GATEWAY, PeerCertificate.identityOf(minted));
  }

  @Test
  void chainMustBeOneCertificate() {
    X509Certificate minted = NodeCertificate.mint(AUTHORITY, GATEWAY, Node.NOW).certificate();
    isRefused(RefusalReason.NO_CERTIFICATE, "no certificate");
    isRefused(RefusalReason.OTHER, "2 certificates", minted, minted);
  }

  @Test
  void gatewaysKeySignsForNobody() throws Exception {
    PrivateKey gateways = NodeCertificate.mint(AUTHORITY, GATEWAY, Node.NOW).key();
    isRefused(
        RefusalReason.WRONG_TOKEN,
        "another cluster token",
        made(SUBJECT, gateways, KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth));
  }

  @Test
  void purposeMustBeThatOfTheRole() throws Exception {
    isRefused(RefusalReason.OTHER, "purposes", made(SUBJECT, AUTHORITY.privateKey()));
    X509Certificate client = made(SUBJECT, AUTHORITY.privateKey(), KeyPurposeId.id_kp_clientAuth);
    trust.checkClientTrusted(new X509Certificate[] {client}, "EC");
    assertThrows(
        CertificateException.class,
        () -> trust.checkServerTrusted(new X509Certificate[] {client}, "EC"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CN=first",
        "SERIALNUMBER=00000000000000010000000000000002",
        "CN=first,CN=second,SERIALNUMBER=00000000000000010000000000000002",
        "CN=first,SERIALNUMBER=12",
        "CN=not an id,SERIALNUMBER=00000000000000010000000000000002",
      })
  void subjectMustBeAGateway(String subject) throws Exception {
    X509Certificate odd =
        made(
            subject,
            AUTHORITY.privateKey(),
            KeyPurposeId.id_kp_clientAuth,
            KeyPurposeId.id_kp_serverAuth);
    isRefused(RefusalReason.OTHER, "", odd);
  }

  @Test
  void dateIsCheckedAtBothEnds() {
    for (Duration off : List.of(Duration.ofDays(-8), Duration.ofDays(2))) {
      isRefused(
          RefusalReason.NOT_VALID_NOW,
          "clock",
          NodeCertificate.mint(AUTHORITY, GATEWAY, Node.NOW.plus(off)).certificate());
    }
  }

  @Test
  void sessionWithoutAPeerHasNoIdentity(@TempDir Path directory) {
    try (Node node = new Node(directory, "first", SslProvider.JDK, Node.NOW, Node.TOKEN)) {
      EmbeddedChannel channel = new EmbeddedChannel();
      var session = node.tls.serverHandler(channel).engine().getSession();
      assertThrows(SSLPeerUnverifiedException.class, () -> PeerCertificate.identityOf(session));
      channel.finishAndReleaseAll();
    }
  }
}

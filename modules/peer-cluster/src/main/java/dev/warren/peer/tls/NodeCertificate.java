package dev.warren.peer.tls;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.token.ClusterAuthority;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * The certificate that a gateway shows its peers, and its key, which is fresh and never stored. The
 * subject is the gateway ({@code CN}: its id) and its life ({@code serialNumber}: the incarnation);
 * the one alternative name is {@value #SAN} for all, because gateways come and go under any
 * address.
 *
 * @param mintedAt by the clock of this gateway
 */
record NodeCertificate(X509Certificate certificate, PrivateKey key, Instant mintedAt) {
  /** Says: this certificate is one of a gateway among its peers. */
  static final String SAN = "cluster.warren.internal";

  /** How far back a certificate is valid: a peer's clock may be late by so much. */
  static final Duration VALID_BEFORE = Duration.ofHours(24);

  /** How long a certificate is valid: a peer's clock may be ahead by so much, less a day. */
  static final Duration VALID_AFTER = Duration.ofDays(7);

  /** How long one is used until the next is minted. */
  static final Duration USED_FOR = Duration.ofDays(1);

  /** RFC 5280, section 4.1.2.2, allows 20 bytes; one less keeps the number positive in them. */
  private static final int SERIAL_BITS = 152;

  private static final SecureRandom RANDOM = new SecureRandom();

  static NodeCertificate mint(ClusterAuthority authority, GatewayIdentity identity, Instant now) {
    return mint(authority, identity, now, SAN);
  }

  static NodeCertificate mint(
      ClusterAuthority authority, GatewayIdentity identity, Instant now, String san) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair pair = generator.generateKeyPair();
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              X500Name.getInstance(authority.name().getEncoded()),
              new BigInteger(SERIAL_BITS, RANDOM).setBit(SERIAL_BITS - 1),
              Date.from(now.minus(VALID_BEFORE)),
              Date.from(now.plus(VALID_AFTER)),
              new X500NameBuilder(BCStyle.INSTANCE)
                  .addRDN(BCStyle.CN, identity.id())
                  .addRDN(BCStyle.SERIALNUMBER, identity.incarnation().toString())
                  .build(),
              pair.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage,
          false,
          new ExtendedKeyUsage(
              new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.dNSName, san)));
      byte[] encoded =
          builder
              .build(new JcaContentSignerBuilder("SHA256withECDSA").build(authority.privateKey()))
              .getEncoded();
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(encoded));
      return new NodeCertificate(certificate, pair.getPrivate(), now);
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException("cannot mint a certificate for " + identity + ": " + e, e);
    }
  }

  /**
   * Whether the next one should be minted: after a day, and also where the clock went back behind
   * the minting, because what was wrong then was the clock.
   */
  boolean isDue(Instant now) {
    return now.isBefore(mintedAt) || !now.isBefore(mintedAt.plus(USED_FOR));
  }

  /** Without the key. */
  @Override
  public String toString() {
    return "NodeCertificate(" + certificate.getSubjectX500Principal() + ", " + mintedAt + ")";
  }
}

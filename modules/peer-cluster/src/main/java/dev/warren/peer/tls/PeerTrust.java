package dev.warren.peer.tls;

import dev.warren.peer.token.ClusterAuthority;
import io.netty.handler.ssl.OpenSslCertificateException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Takes the certificates of gateways and nothing else: one certificate, signed by the authority of
 * a trusted token, valid now (PKIX, RFC 5280, by the JDK), made for peers ({@link
 * NodeCertificate#SAN}) and for the role its owner plays in the handshake, with a gateway's
 * identity. The addresses do not matter: who has the token is a peer wherever it runs.
 */
final class PeerTrust extends X509ExtendedTrustManager {
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  /** The type of a DNS name in RFC 5280, section 4.2.1.6. */
  private static final Integer DNS_NAME = 2;

  private final List<ClusterAuthority> authorities;
  private final Set<TrustAnchor> anchors;
  private final InstantSource clock;

  PeerTrust(List<ClusterAuthority> authorities, InstantSource clock) {
    this.authorities = List.copyOf(authorities);
    this.anchors =
        authorities.stream().map(ClusterAuthority::trustAnchor).collect(Collectors.toSet());
    this.clock = clock;
  }

  private void check(X509Certificate[] chain, String purpose) throws CertificateException {
    try {
      examine(chain, purpose);
    } catch (CertificateRefused e) {
      // BoringSSL tells the peer the reason by the code; the JDK says certificate_unknown to all.
      throw new OpenSslCertificateException(e.getMessage(), e, e.errorCode());
    }
  }

  private void examine(X509Certificate[] chain, String purpose) throws CertificateRefused {
    if (chain == null || chain.length == 0) {
      throw new CertificateRefused(
          RefusalReason.NO_CERTIFICATE, "the peer showed no certificate", null);
    }
    if (chain.length != 1) {
      throw new CertificateRefused(
          RefusalReason.OTHER,
          "the peer showed " + chain.length + " certificates (expected: 1)",
          null);
    }
    X509Certificate certificate = chain[0];
    // Before PKIX, which looks at the dates first: who has no token learns and says nothing of
    // clocks.
    if (authorities.stream().noneMatch(authority -> isSignedBy(certificate, authority))) {
      throw new CertificateRefused(
          RefusalReason.WRONG_TOKEN,
          "the peer's certificate comes from another cluster token: its issuer is "
              + certificate.getIssuerX500Principal()
              + " (trusted: "
              + authorities
              + ")",
          null);
    }
    checkPath(certificate);
    checkRole(certificate, purpose);
  }

  private static boolean isSignedBy(X509Certificate certificate, ClusterAuthority authority) {
    try {
      certificate.verify(authority.publicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private void checkPath(X509Certificate certificate) throws CertificateRefused {
    Instant now = clock.instant();
    try {
      PKIXParameters parameters = new PKIXParameters(anchors);
      parameters.setRevocationEnabled(false); // there is none: a token is changed instead
      parameters.setDate(Date.from(now));
      CertPathValidator.getInstance("PKIX")
          .validate(
              CertificateFactory.getInstance("X.509").generateCertPath(List.of(certificate)),
              parameters);
    } catch (CertPathValidatorException e) {
      if (e.getReason() == BasicReason.EXPIRED || e.getReason() == BasicReason.NOT_YET_VALID) {
        throw new CertificateRefused(
            RefusalReason.NOT_VALID_NOW,
            "the certificate of "
                + certificate.getSubjectX500Principal()
                + " is valid from "
                + certificate.getNotBefore().toInstant()
                + " to "
                + certificate.getNotAfter().toInstant()
                + ", and here it is "
                + now
                + ": the clock of that gateway or of this one may be wrong",
            e);
      }
      throw new CertificateRefused(
          RefusalReason.OTHER, "the peer's certificate is not valid: " + e.getMessage(), e);
    } catch (InvalidAlgorithmParameterException
        | NoSuchAlgorithmException
        | CertificateException e) {
      throw new CertificateRefused(
          RefusalReason.OTHER, "the peer's certificate cannot be checked: " + e, e);
    }
  }

  private static void checkRole(X509Certificate certificate, String purpose)
      throws CertificateRefused {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names == null || !names.contains(List.of(DNS_NAME, NodeCertificate.SAN))) {
        throw new CertificateRefused(
            RefusalReason.OTHER,
            "the peer's certificate is for "
                + (names == null ? "no name" : names)
                + " (expected: "
                + NodeCertificate.SAN
                + ")",
            null);
      }
      List<String> purposes = certificate.getExtendedKeyUsage();
      if (purposes == null || !purposes.contains(purpose)) {
        throw new CertificateRefused(
            RefusalReason.OTHER,
            "the peer's certificate is for the purposes "
                + purposes
                + " (expected: "
                + purpose
                + ")",
            null);
      }
      PeerCertificate.identityOf(certificate);
    } catch (IllegalArgumentException e) {
      throw new CertificateRefused(RefusalReason.OTHER, e.getMessage(), e);
    } catch (CertificateRefused e) {
      throw e;
    } catch (CertificateException e) {
      throw new CertificateRefused(
          RefusalReason.OTHER, "the peer's certificate cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, CLIENT_AUTH);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    check(chain, CLIENT_AUTH);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    check(chain, CLIENT_AUTH);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, SERVER_AUTH);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    check(chain, SERVER_AUTH);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    check(chain, SERVER_AUTH);
  }

  /**
   * None are announced: a peer whose certificate comes from elsewhere would show none at all, and
   * nobody could tell a wrong token from a missing one.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}

package dev.warren.peer.tls;

import java.security.cert.CertificateException;

/** A certificate that {@link PeerTrust} does not take, with the class of the reason. */
final class CertificateRefused extends CertificateException {
  /** X509_V_ERR_CERT_HAS_EXPIRED, sent as certificate_expired. */
  private static final int EXPIRED = 10;

  /** X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, sent as unknown_ca. */
  private static final int UNKNOWN_ISSUER = 20;

  /** X509_V_ERR_CERT_UNTRUSTED, sent as bad_certificate. */
  private static final int UNTRUSTED = 27;

  private final RefusalReason reason;

  /**
   * @param cause may be null
   */
  CertificateRefused(RefusalReason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  RefusalReason reason() {
    return reason;
  }

  /** By which BoringSSL chooses the alert that the peer gets. */
  int errorCode() {
    return switch (reason) {
      case WRONG_TOKEN -> UNKNOWN_ISSUER;
      // RFC 8446, section 6.2: "expired or is not currently valid".
      case NOT_VALID_NOW -> EXPIRED;
      default -> UNTRUSTED;
    };
  }
}

package dev.warren.peer.tls;

import java.security.cert.CertificateException;

/** A certificate that {@link PeerTrust} does not take, with the class of the reason. */
final class CertificateRefused extends CertificateException {
  private final transient RefusalReason reason;

  /**
   * @param cause may be null; TLS stacks choose their alert by it
   */
  CertificateRefused(RefusalReason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  RefusalReason reason() {
    return reason;
  }
}

package dev.warren.peer.tls;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x500.style.IETFUtils;

/** Who a peer is, by the certificate that it showed. */
public final class PeerCertificate {
  private PeerCertificate() {}

  /**
   * Who the peer of a connection is.
   *
   * @param session of a finished handshake
   * @throws SSLPeerUnverifiedException where the peer showed no certificate, or one that is no
   *     gateway's; after a handshake of {@link ClusterTls} neither happens
   */
  public static GatewayIdentity identityOf(SSLSession session) throws SSLPeerUnverifiedException {
    Certificate[] chain = session.getPeerCertificates();
    if (chain.length == 0 || !(chain[0] instanceof X509Certificate certificate)) {
      throw new SSLPeerUnverifiedException("the peer showed no X.509 certificate");
    }
    try {
      return identityOf(certificate);
    } catch (IllegalArgumentException e) {
      SSLPeerUnverifiedException unverified = new SSLPeerUnverifiedException(e.getMessage());
      unverified.initCause(e);
      throw unverified;
    }
  }

  /**
   * @throws IllegalArgumentException where the subject is not that of a gateway
   */
  static GatewayIdentity identityOf(X509Certificate certificate) {
    X500Name subject = X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
    return new GatewayIdentity(
        only(subject, BCStyle.CN, "CN"),
        Incarnation.parse(only(subject, BCStyle.SERIALNUMBER, "serialNumber")));
  }

  private static String only(X500Name subject, ASN1ObjectIdentifier attribute, String name) {
    RDN[] found = subject.getRDNs(attribute);
    if (found.length != 1 || found[0].isMultiValued()) {
      throw new IllegalArgumentException(
          "the certificate's subject has "
              + found.length
              + " attributes "
              + name
              + " (expected: one; it is no gateway's)");
    }
    return IETFUtils.valueToString(found[0].getFirst().getValue());
  }
}

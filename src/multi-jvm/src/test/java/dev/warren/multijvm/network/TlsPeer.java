package dev.warren.multijvm.network;

import dev.warren.peer.token.ClusterAuthority;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Somebody who speaks TLS 1.3 with gateways as a peer would, and is none. Trusts everybody. */
public final class TlsPeer {
  private static final int CONNECT_MILLIS = 5_000;
  private static final char[] NO_PASSWORD = {};

  private final SSLContext context;

  private TlsPeer(KeyManager[] keys) throws GeneralSecurityException {
    context = SSLContext.getInstance("TLSv1.3");
    context.init(keys, new TrustManager[] {new TrustsAll()}, null);
  }

  /** One that has no certificate to show. */
  public static TlsPeer withoutCertificate() throws GeneralSecurityException {
    return new TlsPeer(new KeyManager[0]);
  }

  /** One whose certificate is as good as a gateway's, but for its dates. */
  public static TlsPeer withCertificate(ClusterAuthority authority, Instant from, Instant to)
      throws GeneralSecurityException, IOException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = generator.generateKeyPair();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "peer",
        pair.getPrivate(),
        NO_PASSWORD,
        new Certificate[] {certificate(authority, pair, from, to)});
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, NO_PASSWORD);
    return new TlsPeer(keys.getKeyManagers());
  }

  private static X509Certificate certificate(
      ClusterAuthority authority, KeyPair pair, Instant from, Instant to)
      throws GeneralSecurityException, IOException {
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(authority.name().getEncoded()),
            BigInteger.ONE,
            Date.from(from),
            Date.from(to),
            new X500Name("CN=outsider, SERIALNUMBER=000102030405060708090a0b0c0d0e0f"),
            pair.getPublic());
    builder.addExtension(
        Extension.extendedKeyUsage,
        false,
        new ExtendedKeyUsage(
            new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(new GeneralName(GeneralName.dNSName, "cluster.warren.internal")));
    try {
      byte[] encoded =
          builder
              .build(new JcaContentSignerBuilder("SHA256withECDSA").build(authority.privateKey()))
              .getEncoded();
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(encoded));
    } catch (OperatorCreationException e) {
      throw new GeneralSecurityException(e);
    }
  }

  /**
   * Connects, shakes hands as far as it gets, and waits for a first byte. In TLS 1.3 a client is
   * done before its certificate was looked at.
   *
   * @param from the address that it has for the gateway, one of 127/8
   * @return why nothing came: the alert, or that the connection was closed
   * @throws AssertionError where a byte came, or nothing at all in time
   */
  public String refusal(String from, InetSocketAddress gateway, Duration within)
      throws IOException {
    try (Socket plain = connect(from, gateway, within);
        SSLSocket socket =
            (SSLSocket)
                context
                    .getSocketFactory()
                    .createSocket(plain, gateway.getHostString(), gateway.getPort(), true)) {
      try {
        socket.startHandshake();
        int first = socket.getInputStream().read();
        if (first >= 0) {
          throw new AssertionError(gateway + " sent a byte to a stranger: " + first);
        }
        return "closed";
      } catch (SocketTimeoutException e) {
        throw new AssertionError(gateway + " neither refuses nor closes within " + within, e);
      } catch (SSLException | java.net.SocketException e) {
        return String.valueOf(e.getMessage());
      }
    }
  }

  /**
   * Connects, says its whole first message, hears the answer, and says nothing more.
   *
   * @return the open connection; whatever it reads is ciphertext
   */
  public Socket stopsWithinTheHandshake(String from, InetSocketAddress gateway, Duration within)
      throws IOException {
    SSLEngine engine = context.createSSLEngine(gateway.getHostString(), gateway.getPort());
    engine.setUseClientMode(true);
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), hello);
    Socket socket = connect(from, gateway, within);
    socket.getOutputStream().write(hello.array(), 0, hello.position());
    if (socket.getInputStream().read() < 0) {
      throw new AssertionError(gateway + " does not answer a ClientHello");
    }
    return socket;
  }

  private static Socket connect(String from, InetSocketAddress gateway, Duration within)
      throws IOException {
    Socket socket = new Socket();
    socket.bind(new InetSocketAddress(from, 0));
    socket.connect(gateway, CONNECT_MILLIS);
    socket.setSoTimeout((int) within.toMillis());
    return socket;
  }

  private static final class TrustsAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}

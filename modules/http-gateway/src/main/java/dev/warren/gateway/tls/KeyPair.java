package dev.warren.gateway.tls;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A certificate chain and the key that fits its first certificate, as two PEM files have them. */
record KeyPair(X509Certificate[] chain, PrivateKey key) {
  private static final Logger log = LoggerFactory.getLogger(KeyPair.class);

  private static final Pattern PEM =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  /**
   * @throws IllegalArgumentException where a file is wrong, or the key belongs to another
   *     certificate
   */
  static KeyPair parse(Path certificate, byte[] chainBytes, Path keyFile, byte[] keyBytes) {
    X509Certificate[] chain = chain(certificate, chainBytes);
    PrivateKey key = key(keyFile, keyBytes);
    if (!fits(key, chain[0])) {
      throw new IllegalArgumentException(
          "the key in "
              + keyFile
              + " does not belong to the first certificate in "
              + certificate
              + " ("
              + chain[0].getSubjectX500Principal()
              + ")");
    }
    try {
      chain[0].checkValidity();
    } catch (CertificateException e) {
      // Better served than nothing: the clocks may be wrong, and clients decide for themselves.
      log.atWarn()
          .addKeyValue("file", certificate)
          .addKeyValue("notBefore", chain[0].getNotBefore().toInstant())
          .addKeyValue("notAfter", chain[0].getNotAfter().toInstant())
          .log("tls.certificate-not-valid-now");
    }
    return new KeyPair(chain, key);
  }

  private static X509Certificate[] chain(Path file, byte[] content) {
    try {
      X509Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(content))
              .stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
      if (chain.length > 0) {
        return chain;
      }
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          file + " has a certificate that cannot be read: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(
        file + " has no certificate (expected: -----BEGIN CERTIFICATE-----)");
  }

  private static PrivateKey key(Path file, byte[] content) {
    Matcher pem = PEM.matcher(new String(content, StandardCharsets.ISO_8859_1));
    String found = "";
    while (pem.find()) {
      found = pem.group(1);
      if (found.equals("PRIVATE KEY")) {
        return pkcs8(file, pem.group(2));
      }
    }
    throw new IllegalArgumentException(
        file
            + (found.isEmpty() ? " has no key" : " has \"" + found + "\"")
            + " (expected: -----BEGIN PRIVATE KEY-----, PKCS#8 without a password; `openssl pkcs8"
            + " -topk8 -nocrypt -in OLD -out NEW` makes it)");
  }

  private static PrivateKey pkcs8(Path file, String base64) {
    byte[] der;
    try {
      der = Base64.getMimeDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + " has a key that is no base 64", e);
    }
    // The encoding names its algorithm, but Java wants to be asked for the right one.
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (InvalidKeySpecException e) {
        continue;
      } catch (GeneralSecurityException e) {
        throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
      }
    }
    throw new IllegalArgumentException(
        file + " has a key of an unknown kind (expected: RSA, EC, Ed25519 or Ed448)");
  }

  /** Java would take any key with any certificate, and every handshake would fail. */
  private static boolean fits(PrivateKey key, X509Certificate certificate) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "EdDSA";
        };
    try {
      byte[] message = "warren".getBytes(StandardCharsets.US_ASCII);
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(key);
      signer.update(message);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(certificate.getPublicKey());
      verifier.update(message);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}

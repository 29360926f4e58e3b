package dev.warren.peer.token;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.TrustAnchor;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.generators.SCrypt;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;

/**
 * What follows from one cluster token, the same on every gateway and in every version: the key pair
 * of a certificate authority (P-256), and secret keys for other purposes. The token is stretched by
 * scrypt, and HKDF gives each purpose bytes of its own, so that one key tells nothing of another.
 *
 * <p>The authority has a name and a key but no certificate: a trust anchor needs none, and so has
 * no dates that could be wrong. Changing anything in the derivation makes gateways strangers to
 * those of the release before.
 */
public final class ClusterAuthority {
  /** The length of {@link #key}, in bytes. */
  public static final int KEY_BYTES = 32;

  /** How many derivations are remembered, so that re-reading a file does not repeat them. */
  static final int MAX_REMEMBERED = 2 * ClusterTokens.MAX_TOKENS;

  private static final int SCRYPT_COST = 1 << 15;
  private static final int SCRYPT_BLOCK = 8;
  private static final int SCRYPT_PARALLEL = 1;
  private static final byte[] SALT = ascii("warren cluster token 1");
  private static final String AUTHORITY_INFO = "warren cluster authority 1";
  private static final String KEY_INFO = "warren cluster key 1 ";

  /** 128 bits more than the group's order has, so that the remainder favours no number. */
  private static final int SCALAR_BYTES = 48;

  private static final Pattern PURPOSE = Pattern.compile("[a-z][a-z0-9-]{0,62}");

  private static final Map<ClusterToken, ClusterAuthority> remembered =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<ClusterToken, ClusterAuthority> eldest) {
          return size() > MAX_REMEMBERED;
        }
      };

  private final byte[] stretched;
  private final PrivateKey privateKey;
  private final PublicKey publicKey;
  private final X500Principal name;

  private ClusterAuthority(ClusterToken token) {
    stretched =
        SCrypt.generate(
            token.secret(), SALT, SCRYPT_COST, SCRYPT_BLOCK, SCRYPT_PARALLEL, KEY_BYTES);
    try {
      X9ECParameters curve = CustomNamedCurves.getByName("P-256");
      BigInteger scalar =
          new BigInteger(1, expand(AUTHORITY_INFO, SCALAR_BYTES))
              .mod(curve.getN().subtract(BigInteger.ONE))
              .add(BigInteger.ONE);
      ECPoint point = new FixedPointCombMultiplier().multiply(curve.getG(), scalar).normalize();
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
      parameters.init(new ECGenParameterSpec("secp256r1"));
      ECParameterSpec spec = parameters.getParameterSpec(ECParameterSpec.class);
      KeyFactory keys = KeyFactory.getInstance("EC");
      privateKey = keys.generatePrivate(new ECPrivateKeySpec(scalar, spec));
      publicKey =
          keys.generatePublic(
              new ECPublicKeySpec(
                  new java.security.spec.ECPoint(
                      point.getAffineXCoord().toBigInteger(),
                      point.getAffineYCoord().toBigInteger()),
                  spec));
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(publicKey.getEncoded());
      name = new X500Principal("CN=warren cluster " + HexFormat.of().formatHex(digest, 0, 8));
    } catch (GeneralSecurityException impossible) {
      throw new AssertionError(impossible); // every Java platform has P-256 and SHA-256
    }
  }

  /**
   * Derives it, or remembers what was derived before. Takes about a third of a second and 32 MiB:
   * not for an event loop.
   */
  public static ClusterAuthority of(ClusterToken token) {
    synchronized (remembered) {
      return remembered.computeIfAbsent(token, ClusterAuthority::new);
    }
  }

  /**
   * The secret key of a purpose, as for a MAC.
   *
   * @param purpose a name in small letters, as in {@code ranks}; other names give unrelated keys
   * @return a new array of {@value #KEY_BYTES} bytes
   */
  public byte[] key(String purpose) {
    if (!PURPOSE.matcher(purpose).matches()) {
      throw new IllegalArgumentException(
          "purpose of a key: \"" + purpose + "\" (expected: " + PURPOSE + ")");
    }
    return expand(KEY_INFO + purpose, KEY_BYTES);
  }

  private byte[] expand(String info, int bytes) {
    HKDFBytesGenerator hkdf = new HKDFBytesGenerator(new SHA256Digest());
    hkdf.init(new HKDFParameters(stretched, SALT, ascii(info)));
    byte[] out = new byte[bytes];
    hkdf.generateBytes(out, 0, bytes);
    return out;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The key that signs certificates. It must not leave the process. */
  public PrivateKey privateKey() {
    return privateKey;
  }

  public PublicKey publicKey() {
    return publicKey;
  }

  /** The issuer of its certificates; it has the beginning of the public key's hash in it. */
  public X500Principal name() {
    return name;
  }

  public TrustAnchor trustAnchor() {
    return new TrustAnchor(name, publicKey, null);
  }

  /** Its name, without a secret. */
  @Override
  public String toString() {
    return name.getName();
  }
}

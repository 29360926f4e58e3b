package dev.warren.peer.token;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.Signature;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClusterAuthorityTest {
  private static final String TEXT = "8f14e45fceea167a5a36dedd4bea2543";
  private static final ClusterAuthority AUTHORITY = ClusterAuthority.of(ClusterToken.parse(TEXT));

  /** Gateways of different releases must agree: these values never change. */
  @Test
  void derivationIsWhatItWas() {
    assertEquals(
        List.of(
            "3059301306072a8648ce3d020106082a8648ce3d03010703420004684290d739177841a4d8252be8cbac78934b41f70add5032c8ad203ad6b3a0f3611e7953688ef605e5ee7347cdaa6443b2d43cad04760e3f69f77d16801ed02c",
            "CN=warren cluster 06930f9add0240d7",
            "3fd6667c82beac5fd0c8a4d35d852d4320dd3c789d0fb541da1d97f12569526d"),
        List.of(
            HexFormat.of().formatHex(AUTHORITY.publicKey().getEncoded()),
            AUTHORITY.toString(),
            HexFormat.of().formatHex(AUTHORITY.key("ranks"))));
  }

  @Test
  void keysBelongTogether() throws Exception {
    Signature signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(AUTHORITY.privateKey());
    signer.update(new byte[] {1, 2, 3});
    byte[] signature = signer.sign();
    signer.initVerify(AUTHORITY.publicKey());
    signer.update(new byte[] {1, 2, 3});
    assertTrue(signer.verify(signature));
  }

  @Test
  void derivationIsRemembered() {
    assertSame(AUTHORITY, ClusterAuthority.of(ClusterToken.parse(TEXT)));
  }

  @Test
  void otherTokenGivesOtherKeys() {
    ClusterAuthority other =
        ClusterAuthority.of(ClusterToken.parse("c9f0f895fb98ab9159f51fd0297e236d"));
    assertNotEquals(AUTHORITY.publicKey(), other.publicKey());
    assertNotEquals(AUTHORITY.name(), other.name());
    assertFalse(Arrays.equals(AUTHORITY.key("ranks"), other.key("ranks")));
  }

  @Test
  void everyPurposeHasAKeyOfItsOwn() {
    byte[] key = AUTHORITY.key("ranks");
    assertEquals(ClusterAuthority.KEY_BYTES, key.length);
    assertFalse(Arrays.equals(key, AUTHORITY.key("other")));
    key[0]++;
    assertFalse(Arrays.equals(key, AUTHORITY.key("ranks")), "callers get copies");
    assertArrayEquals(AUTHORITY.key("a"), AUTHORITY.key("a"));
    assertThrows(IllegalArgumentException.class, () -> AUTHORITY.key("Ranks"));
    assertThrows(IllegalArgumentException.class, () -> AUTHORITY.key(""));
  }

  @Test
  void textShowsNoSecret() {
    assertTrue(AUTHORITY.toString().startsWith("CN=warren cluster "));
  }
}

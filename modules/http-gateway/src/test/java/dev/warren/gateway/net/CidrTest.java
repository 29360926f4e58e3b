package dev.warren.gateway.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.255.255, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.0.0.0/8, ::ffff:10.1.2.3, true",
    "10.0.0.0/8, ::1, false",
    "0.0.0.0/0, 203.0.113.9, true",
    "0.0.0.0/0, 2001:db8::1, false",
    "::/0, 2001:db8::1, true",
    "::/0, 10.0.0.1, false",
    "fd00::/8, fdff::1, true",
    "fd00::/8, fe00::1, false",
    "192.0.2.7, 192.0.2.7, true",
    "192.0.2.7, 192.0.2.6, false",
    "2001:db8::1, 2001:db8::1, true",
    "::ffff:192.0.2.7, 192.0.2.7, true",
  })
  void blockContainsItsAddresses(String block, String address, boolean contains)
      throws UnknownHostException {
    assertEquals(contains, Cidr.parse(block).contains(InetAddress.getByName(address)));
  }

  @Test
  void blockContainsWhatSharesItsFirstBits() throws UnknownHostException {
    long seed = Long.getLong("warren.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      int width = random.nextBoolean() ? 32 : 128;
      int bits = random.nextInt(width + 1);
      BigInteger network = shifted(new BigInteger(width, random), width, bits);
      BigInteger other =
          new BigInteger(width, random).xor(network.shiftRight(random.nextInt(width)));
      Cidr block = Cidr.parse(address(network, width).getHostAddress() + "/" + bits);
      String what = block + " and " + other.toString(16) + ", -Dwarren.seed=" + seed;
      assertEquals(block, Cidr.parse(block.toString()), what);
      assertTrue(block.contains(address(network, width)), what);
      InetAddress probe = address(other, width);
      if (probe.getAddress().length * 8 == width) {
        assertEquals(shifted(other, width, bits).equals(network), block.contains(probe), what);
      }
    }
  }

  private static BigInteger shifted(BigInteger number, int width, int bits) {
    return number.shiftRight(width - bits).shiftLeft(width - bits);
  }

  private static InetAddress address(BigInteger number, int width) throws UnknownHostException {
    byte[] bytes = new byte[width / 8];
    byte[] digits = number.toByteArray();
    int length = Math.min(digits.length, bytes.length);
    System.arraycopy(digits, digits.length - length, bytes, bytes.length - length, length);
    return InetAddress.getByAddress(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.1/8",
        "::/129",
        "10.0.0/8",
        "example.org",
        "example.org/8",
        "[::1]",
        "fe80::1%eth0",
      })
  void whatIsNoBlockIsRefusedWithItsName(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> Cidr.parse(text));
    assertTrue(refused.getMessage().contains("\"" + text + "\""), refused.getMessage());
    assertTrue(refused.getMessage().contains("expected"), refused.getMessage());
  }
}

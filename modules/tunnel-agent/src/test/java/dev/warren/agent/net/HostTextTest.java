package dev.warren.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostTextTest {

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, 127.0.0.1",
    "0.0.0.0, 0.0.0.0",
    "255.255.255.255, 255.255.255.255",
    "::1, ::1",
    "::, ::",
    "::ffff:127.0.0.1, 127.0.0.1",
    "::FFFF:7f00:1, 127.0.0.1",
    "0:0:0:0:0:ffff:a9fe:a9fe, 169.254.169.254",
    "fe80::1, fe80::1",
    "2001:DB8::1, 2001:db8::1",
  })
  void plainAddressesAreAddressesAndMappedOnesAreIpv4(String host, String address) {
    HostText.Address literal = assertInstanceOf(HostText.Address.class, HostText.of(host));
    assertEquals(address, HostText.shown(literal.address()));
  }

  /** Every one of these is 127.0.0.1 or another address to some resolver. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.1", "127.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f.0.0.1", "0x7f000001",
        "0X7F000001", "127.0.0.01", "127.0.0.1.", "017700000001", "127.0.0.0x1", "0", "00.0.0.0",
        "1", "0x", "256.0.0.1", "127.0.0.256", "1.2.3.4.5", "127.0.0.4294967297", "foo.1",
        "127.0.0.1.2130706433", "99999999999999999999", "a.0x7f", "1.0xg.2"
      })
  void oddSpellingsOfAddressesAreNeitherAddressNorName(String host) {
    assertInstanceOf(HostText.Malformed.class, HostText.of(host));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fe80::1%1",
        "fe80::1%eth0",
        ":::",
        "1:2:3:4:5:6:7:8:9",
        "::127.1",
        "::ffff:0177.0.0.1",
        "::ffff:127.0.0.1.",
        "::gg",
        "1::2::3",
        ":1"
      })
  void whatIsNoIpv6AddressIsNotDialled(String host) {
    assertInstanceOf(HostText.Malformed.class, HostText.of(host));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "..", "a..b", ".a", "-a", "a-", "a b", "a+b", "a*", "a!b", "(a)", "a=b"})
  void whatIsNoNameIsNotResolved(String host) {
    assertInstanceOf(HostText.Malformed.class, HostText.of(host));
  }

  @ParameterizedTest
  @CsvSource({
    "localhost, localhost",
    "LOCALHOST., localhost",
    "_srv.Example.COM, _srv.example.com",
    "1.2.3.4.example, 1.2.3.4.example",
    "1e100, 1e100",
    "0xg, 0xg",
    "xn--nxasmq6b, xn--nxasmq6b",
    "a--b, a--b",
  })
  void namesAreInLowerCaseWithoutTheLastDot(String host, String name) {
    assertEquals(new HostText.Name(name), HostText.of(host));
  }

  @Test
  void namesAreBoundedInLabelAndLength() {
    String label = "a".repeat(63);
    assertInstanceOf(HostText.Name.class, HostText.of(label));
    assertInstanceOf(HostText.Malformed.class, HostText.of(label + "a"));
    String longest = (label + ".").repeat(3) + "a".repeat(61);
    assertEquals(HostText.MAX_NAME_CHARS, longest.length());
    assertInstanceOf(HostText.Name.class, HostText.of(longest));
    assertInstanceOf(HostText.Name.class, HostText.of(longest + "."));
    assertInstanceOf(HostText.Malformed.class, HostText.of(longest + "a"));
  }

  @Test
  void onlyLocalhostAndWhatIsBelowItIsLocalhost() {
    assertTrue(((HostText.Name) HostText.of("localhost")).isLocalhost());
    assertTrue(((HostText.Name) HostText.of("a.Localhost.")).isLocalhost());
    assertFalse(((HostText.Name) HostText.of("alocalhost")).isLocalhost());
    assertFalse(((HostText.Name) HostText.of("localhost.example")).isLocalhost());
  }

  /** Whatever a name is made of, the JDK does not read it as an address: it is looked up. */
  @Test
  void noNameIsAnAddressToTheJdk() throws Exception {
    long seed = Long.getLong("warren.test.seed", new Random().nextLong());
    Random random = new Random(seed);
    String alphabet = "0123456789abcdefxX.:-";
    for (int i = 0; i < 50_000; i++) {
      StringBuilder host = new StringBuilder();
      for (int length = 1 + random.nextInt(16); length > 0; length--) {
        host.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      HostText text = HostText.of(host.toString());
      String where = "seed " + seed + ": " + host;
      if (text instanceof HostText.Name name) {
        String last = name.name().substring(name.name().lastIndexOf('.') + 1);
        assertFalse(last.matches("[0-9]+|0x[0-9a-f]*"), where);
        assertFalse(name.name().contains(":"), where);
      } else if (text instanceof HostText.Address literal) {
        assertEquals(InetAddress.getByName(host.toString()), literal.address(), where);
      }
    }
  }

  /** Every number of every classic form is the plain form of an address or is not dialled. */
  @Test
  void everySpellingOfARandomAddressIsPlainOrRefused() {
    long seed = Long.getLong("warren.test.seed", new Random().nextLong());
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      long address = random.nextLong(1L << 32);
      int parts = 1 + random.nextInt(4);
      StringBuilder host = new StringBuilder();
      boolean odd = parts < 4;
      for (int part = 0; part < parts; part++) {
        boolean last = part == parts - 1;
        long tail = address & ((1L << (32 - 8 * part)) - 1);
        long value = last ? tail : (address >>> (24 - 8 * part)) & 0xff;
        int radix = random.nextInt(3);
        odd |= radix > 0;
        host.append(part == 0 ? "" : ".")
            .append(radix == 0 ? "" : radix == 1 ? "0" : "0x")
            .append(Long.toString(value, radix == 0 ? 10 : radix == 1 ? 8 : 16));
      }
      HostText text = HostText.of(host.toString());
      String where = "seed " + seed + ": " + host + " is " + text;
      assertEquals(odd, text instanceof HostText.Malformed, where);
      assertEquals(!odd, text instanceof HostText.Address, where);
    }
  }
}

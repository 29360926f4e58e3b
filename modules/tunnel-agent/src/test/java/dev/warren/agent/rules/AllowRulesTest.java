package dev.warren.agent.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import dev.warren.protocol.Target;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AllowRulesTest {

  @ParameterizedTest(name = "{0} lets {1}, which is {2}, pass: {3}")
  @CsvSource(
      delimiter = '|',
      value = {
        "127.0.0.0/8          | localhost:80      | 127.0.0.1       | true",
        "127.0.0.0/8          | 127.255.255.255:1 | 127.255.255.255 | true",
        "127.0.0.0/8          | [::1]:80          | ::1             | false",
        "127.0.0.0/8          | [::ffff:127.0.0.1]:80 | ::ffff:127.0.0.1 | true",
        "127.0.0.0/8          | db.internal:80    | 128.0.0.0       | false",
        "[::1]:*              | localhost:65535   | ::1             | true",
        "[::1]:*              | localhost:80      | ::2             | false",
        "::1                  | localhost:80      | ::1             | true",
        "10.1.0.0/16:443,8443 | x:443             | 10.1.255.1      | true",
        "10.1.0.0/16:443,8443 | x:8443            | 10.1.0.0        | true",
        "10.1.0.0/16:443,8443 | x:444             | 10.1.0.1        | false",
        "10.1.0.0/16:443,8443 | x:443             | 10.2.0.0        | false",
        "10.1.2.3             | 10.1.2.3:1        | 10.1.2.3        | true",
        "10.1.2.3             | 10.1.2.3:1        | 10.1.2.4        | false",
        "[fd00::/8]:443       | x:443             | fdff::1         | true",
        "[fd00::]/8:443       | x:443             | fdff::1         | true",
        "[fd00::/8]:443       | x:443             | fe00::1         | false",
        "fd00::/8             | x:1               | fd00::1         | true",
        "0.0.0.0/0            | x:1               | 8.8.8.8         | true",
        "0.0.0.0/0            | x:1               | 2001:db8::1     | false",
        "::/0                 | x:1               | 2001:db8::1     | true",
        "::/0                 | x:1               | 127.0.0.1       | false",
        "::ffff:10.0.0.0/104  | x:1               | 10.9.9.9        | true",
        "::ffff:10.0.0.0/104  | x:1               | 11.0.0.0        | false",
        "*.svc.local:80-90    | a.svc.local:80    | 10.0.0.1        | true",
        "*.svc.local:80-90    | a.b.SVC.local.:90 | 127.0.0.1       | true",
        "*.svc.local:80-90    | svc.local:80      | 10.0.0.1        | false",
        "*.svc.local:80-90    | asvc.local:80     | 10.0.0.1        | false",
        "*.svc.local:80-90    | a.svc.local.evil.com:80 | 10.0.0.1  | false",
        "*.svc.local:80-90    | a.svc.local:91    | 10.0.0.1        | false",
        "*.svc.local:80-90    | 10.0.0.1:80       | 10.0.0.1        | false",
        "DB.internal.:5432    | db.INTERNAL:5432  | 10.0.0.1        | true",
        "db.internal          | xdb.internal:1    | 10.0.0.1        | false",
        "db.internal          | db.internal:1     | 169.254.169.254 | false",
        "db.internal          | db.internal:1     | ::ffff:169.254.169.254 | false",
        "db.internal          | db.internal:1     | 0.0.0.0         | false",
        "*                    | x:1               | 10.0.0.1        | true",
        "*                    | 10.0.0.1:1        | 10.0.0.1        | true",
        "*                    | [2001:db8::1]:1   | 2001:db8::1     | true",
        "*:443                | 10.0.0.1:443      | 10.0.0.1        | true",
        "*:443                | 10.0.0.1:442      | 10.0.0.1        | false",
      })
  void eachFormOfAnEntryMeansWhatItSays(
      String entry, String target, String address, boolean allowed) throws UnknownHostException {
    assertEquals(allowed, allows(rules(entry), target, address));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "fe80::1",
        "febf:ffff::1",
        "fd00:ec2::254",
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "255.255.255.255",
        "::169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:a9fe:a9fe::1",
        "2002:7f00:1::",
        "::ffff:0:169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0"
      })
  void specialAddressesAreAllowedOnlyByARuleThatNamesThem(String address)
      throws UnknownHostException {
    AllowRules wide =
        AllowRules.parse(List.of("*", "0.0.0.0/0", "::/0", "sneaky.example", "*.example"));
    assertEquals(false, allows(wide, "sneaky.example:80", address));
    assertEquals(false, allows(wide, "[" + "::" + "]:80", address));
    assertEquals(false, allows(AllowRules.LOOPBACK, "sneaky.example:80", address));
    assertTrue(allows(AllowRules.parse(List.of(address)), "sneaky.example:80", address));
  }

  @Test
  void aRuleOfASpecialRangeOpensIt() throws UnknownHostException {
    assertTrue(allows(rules("169.254.0.0/16:80"), "169.254.169.254:80", "169.254.169.254"));
    assertTrue(allows(rules("fe80::/10"), "x:80", "fe80::1"));
    assertEquals(false, allows(rules("169.0.0.0/8"), "169.254.169.254:80", "169.254.169.254"));
  }

  @Test
  void theDefaultIsLoopbackOnAnyPortAndNoSocket() throws UnknownHostException {
    assertTrue(allows(AllowRules.LOOPBACK, "localhost:1", "127.0.0.1"));
    assertTrue(allows(AllowRules.LOOPBACK, "localhost:65535", "::1"));
    assertEquals(false, allows(AllowRules.LOOPBACK, "localhost:80", "192.168.0.1"));
    assertEquals(false, allows(AllowRules.LOOPBACK, "localhost:80", "128.0.0.1"));
    assertEquals(false, allows(AllowRules.LOOPBACK, "localhost:80", "126.255.255.255"));
    assertEquals(false, allowsSocket(AllowRules.LOOPBACK, "/run/docker.sock"));
    assertEquals("127.0.0.0/8:* [::1]:*", AllowRules.LOOPBACK.toString());
  }

  @ParameterizedTest(name = "{0} lets {1} pass: {2}")
  @CsvSource({
    "unix//run/app.sock, /run/app.sock, true",
    "unix//run/app.sock, /run/appXsock, false",
    "unix//run/*.sock, /run/a.sock, true",
    "unix//run/*.sock, /run/.sock, true",
    "unix//run/*.sock, /run/a/b.sock, false",
    "unix//run/*.sock, /run/../etc/x.sock, false",
    "unix//run/*/x, /run/../x, false",
    "unix//run/*/x, /run/./x, false",
    "unix//run/*/x, /run//x, false",
    "unix//run/*, /run/a.sock, true",
    "unix//*, /a, true",
    "*, /run/app.sock, false",
    "0.0.0.0/0, /run/app.sock, false",
  })
  void socketsOfTheUnixDomainNeedAnEntryOfTheirOwn(String entry, String path, boolean allowed) {
    assertEquals(allowed, allowsSocket(rules(entry), path));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        ":80",
        "host:",
        "host:0",
        "host:65536",
        "host:80-79",
        "host:80,",
        "host:-1",
        "host:+1",
        "host:http",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/08x",
        "10.1.2.3/8",
        "fd00::1/8",
        "::1/129",
        "[::1",
        "[::1]80",
        "[10.0.0.1]:80",
        "[]:80",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.256",
        "10.*",
        "a.*.b",
        "**",
        "*x",
        "*.",
        "*.10",
        "a..b",
        "-a",
        "fe80::1%eth0",
        "[fe80::1%eth0]:80",
        "unix/",
        "unix/run",
        "unix//run//x",
        "unix//run/../x",
        "unix//",
        "::ffff:10.0.0.0/95",
        "name/8",
        "a b",
        "a\tb"
      })
  void whatIsNoEntryIsNamedWithWhatWasExpected(String entry) {
    IllegalArgumentException wrong =
        assertThrows(IllegalArgumentException.class, () -> rules(entry));
    assertTrue(wrong.getMessage().startsWith("--allow \""), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("(expected: "), wrong.getMessage());
  }

  @Test
  void bitsBehindThePrefixAreShownAsTheBlockThatWasMeant() {
    IllegalArgumentException wrong =
        assertThrows(IllegalArgumentException.class, () -> rules("10.1.2.3/8"));
    assertEquals(
        "--allow \"10.1.2.3/8\" (expected: no bits behind the prefix, as in 10.0.0.0/8)",
        wrong.getMessage());
  }

  @Test
  void theNumberOfEntriesIsBounded() {
    AllowRules.parse(Collections.nCopies(AllowRules.MAX_RULES, "10.0.0.1"));
    assertThrows(
        IllegalArgumentException.class,
        () -> AllowRules.parse(Collections.nCopies(AllowRules.MAX_RULES + 1, "10.0.0.1")));
    assertThrows(IllegalArgumentException.class, () -> AllowRules.parse(List.of()));
  }

  @Test
  void aRefusalNamesTargetAddressAndTheRuleThatIsNeeded() throws UnknownHostException {
    assertEquals(
        "the agent does not allow db.internal:5432, which is 10.0.0.7 (needed there: --allow"
            + " 10.0.0.7:5432 or --allow db.internal:5432)",
        refusal(AllowRules.LOOPBACK, "db.internal:5432", "10.0.0.7"));
    assertEquals(
        "the agent does not allow 169.254.169.254:80, a link-local address (needed there: --allow"
            + " 169.254.169.254:80)",
        refusal(AllowRules.LOOPBACK, "169.254.169.254:80", "169.254.169.254"));
    assertEquals(
        "the agent does not allow [fd00::1]:80 (needed there: --allow [fd00::1]:80)",
        refusal(AllowRules.LOOPBACK, "[fd00::1]:80", "fd00::1"));
    Verdict socket = AllowRules.LOOPBACK.judge(new Target.Unix("/run/x.sock"));
    assertEquals(
        "the agent does not allow unix//run/x.sock (needed there: --allow unix//run/x.sock)",
        assertInstanceOf(Verdict.Forbidden.class, socket).reason());
  }

  @Test
  void theRuleThatARefusalAsksForAllowsTheTarget() throws UnknownHostException {
    long seed = seed();
    Random random = new Random(seed);
    for (int i = 0; i < 5_000; i++) {
      InetAddress address = randomAddress(random);
      String text = HostText.shown(address);
      Target.Tcp target = new Target.Tcp(text, 1 + random.nextInt(65_535));
      Verdict verdict = AllowRules.LOOPBACK.judge(target, new HostText.Address(address), address);
      if (verdict instanceof Verdict.Forbidden forbidden) {
        String reason = forbidden.reason();
        String rule = reason.substring(reason.indexOf("--allow ") + 8, reason.length() - 1);
        assertEquals(
            Verdict.ALLOWED,
            rules(rule).judge(target, new HostText.Address(address), address),
            () -> "seed " + seed + ": " + reason);
      }
    }
  }

  @Test
  void rangesAgreeWithArithmeticOnTheirBits() throws UnknownHostException {
    long seed = seed();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      InetAddress network = randomAddress(random);
      int width = network.getAddress().length * 8;
      int bits = random.nextInt(width + 1);
      InetAddress start = withBits(network, bits, random, false);
      AddressRange range = AddressRange.parse(HostText.shown(start) + "/" + bits);
      String where = "seed " + seed + ": " + range;
      assertTrue(range.contains(withBits(network, bits, random, true)), where);
      if (bits > 0) {
        InetAddress outside = flipped(start, random.nextInt(bits));
        assertEquals(false, range.contains(outside), where + " " + outside);
      }
      if (bits < width) {
        AddressRange inner = AddressRange.of(flipped(start, bits));
        assertTrue(range.contains(inner) && !inner.contains(range), where);
      }
    }
  }

  @Test
  void entriesSurviveBeingShownAndReadAgain() {
    List<String> entries =
        List.of(
            "127.0.0.0/8:*",
            "[::1]:*",
            "10.1.0.0/16:443,8000-8080",
            "*.svc.local:80-90",
            "db.internal:5432",
            "*:443",
            "unix//run/*.sock");
    assertEquals(String.join(" ", entries), AllowRules.parse(entries).toString());
  }

  private static long seed() {
    return Long.getLong("warren.test.seed", new Random().nextLong());
  }

  private static InetAddress randomAddress(Random random) throws UnknownHostException {
    byte[] bytes = new byte[random.nextBoolean() ? 4 : 16];
    random.nextBytes(bytes);
    return InetAddress.getByAddress(bytes);
  }

  /** The address with the bits behind the prefix cleared, or filled at random. */
  private static InetAddress withBits(InetAddress address, int prefix, Random random, boolean fill)
      throws UnknownHostException {
    byte[] bytes = address.getAddress();
    for (int bit = prefix; bit < bytes.length * 8; bit++) {
      int mask = 0x80 >> bit % 8;
      bytes[bit / 8] &= (byte) ~mask;
      if (fill && random.nextBoolean()) {
        bytes[bit / 8] |= (byte) mask;
      }
    }
    return InetAddress.getByAddress(bytes);
  }

  private static InetAddress flipped(InetAddress address, int bit) throws UnknownHostException {
    byte[] bytes = address.getAddress();
    bytes[bit / 8] ^= (byte) (0x80 >> bit % 8);
    return InetAddress.getByAddress(bytes);
  }

  private static AllowRules rules(String entry) {
    List<String> entries = new ArrayList<>();
    entries.add(entry);
    return AllowRules.parse(entries);
  }

  private static boolean allows(AllowRules rules, String target, String address)
      throws UnknownHostException {
    return judged(rules, target, address) instanceof Verdict.Allowed;
  }

  private static String refusal(AllowRules rules, String target, String address)
      throws UnknownHostException {
    return assertInstanceOf(Verdict.Forbidden.class, judged(rules, target, address)).reason();
  }

  private static Verdict judged(AllowRules rules, String target, String address)
      throws UnknownHostException {
    Target.Tcp tcp = (Target.Tcp) Target.parse(target);
    return rules.judge(tcp, HostText.of(tcp.host()), InetAddress.getByName(address));
  }

  private static boolean allowsSocket(AllowRules rules, String path) {
    return rules.judge(new Target.Unix(path)) instanceof Verdict.Allowed;
  }
}

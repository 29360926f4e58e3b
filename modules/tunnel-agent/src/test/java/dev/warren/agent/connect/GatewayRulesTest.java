package dev.warren.agent.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.net.HostText;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an agent makes of the addresses that gateways advertise. */
class GatewayRulesTest {
  private static GatewayRules.Judgement judge(String connect, String advertised) {
    GatewayAddress address = GatewayAddress.parse(connect);
    return GatewayRules.near(List.of(address)).judge(advertised, address);
  }

  @ParameterizedTest
  @CsvSource({
    // ws: only what is near the host of --connect
    "ws://10.1.2.3/connect,     10.1.2.200:8123,          true",
    "ws://10.1.2.3/connect,     10.1.3.1:8123,            false",
    "ws://10.1.2.3/connect,     ws://10.1.2.4:8123/other, true",
    "ws://10.1.2.3/connect,     wss://10.1.2.4:8123,      false",
    "ws://10.1.2.3/connect,     gw.example.org:80,        false",
    "ws://gw.example.org,       gw.example.org:8123,      true",
    "ws://gw.example.org,       a.gw.example.org:8123,    true",
    "ws://gw.example.org,       evilgw.example.org:8123,  false",
    "ws://gw.example.org,       10.0.0.1:8123,            false",
    "ws://gw.example.org,       127.0.0.1:8123,           false",
    "ws://127.0.0.1:8123,       127.0.0.2:8123,           true",
    "ws://127.0.0.1:8123,       0.0.0.0:8123,             false",
    "ws://127.0.0.1:8123,       127.1:8123,               false",
    "ws://localhost:8123,       127.0.0.1:8124,           true",
    "ws://localhost:8123,       127.0.1.1:8124,           false",
    "ws://[2001:db8::1],        [2001:db8::2]:8123,       true",
    "ws://[2001:db8::1],        [2001:db8:0:1::2]:8123,   false",
    // wss: the certificate decides, but not on this machine and not on this wire
    "wss://gw.example.org,      10.0.0.1:8123,            true",
    "wss://gw.example.org,      192.0.2.1:8123,           true",
    "wss://gw.example.org,      other.example.net:8123,   true",
    "wss://gw.example.org,      ws://192.0.2.1:8123,      false",
    "wss://gw.example.org,      127.0.0.1:8123,           false",
    "wss://gw.example.org,      [::1]:8123,               false",
    "wss://gw.example.org,      [::ffff:127.0.0.1]:8123,  false",
    "wss://gw.example.org,      169.254.169.254:80,       false",
    "wss://gw.example.org,      [fe80::1]:8123,           false",
    "wss://gw.example.org,      224.0.0.1:8123,           false",
    "wss://gw.example.org,      0.0.0.0:8123,             false",
    // no address at all
    "wss://gw.example.org,      192.0.2.1,                false",
    "wss://gw.example.org,      192.0.2.1:0,              false",
    "wss://gw.example.org,      192.0.2.1:99999,          false",
    "wss://gw.example.org,      user@192.0.2.1:80,        false",
    "wss://gw.example.org,      'a b:80',                 false",
    "wss://gw.example.org,      0x7f.1:80,                false",
  })
  void anAdvertisedAddressIsJudged(String connect, String advertised, boolean allowed) {
    GatewayRules.Judgement judgement = judge(connect, advertised);
    assertEquals(
        allowed ? GatewayRules.Allowed.class : GatewayRules.Refused.class,
        judgement.getClass(),
        judgement::toString);
  }

  @Test
  void whatANameStandsForIsJudgedAgain() throws Exception {
    GatewayRules near = GatewayRules.near(List.of(GatewayAddress.parse("wss://gw.example.org")));
    HostText name = HostText.of("a.gw.example.org");
    assertTrue(near.mayDial(true, name, InetAddress.getByName("10.0.0.1")));
    assertTrue(near.mayDial(false, name, InetAddress.getByName("10.0.0.1")));
    assertFalse(near.mayDial(true, name, InetAddress.getByName("127.0.0.1")));
    assertFalse(near.mayDial(false, name, InetAddress.getByName("169.254.169.254")));
    assertFalse(near.mayDial(true, name, InetAddress.getByName("::")));
  }

  @Test
  void rulesThatAreGivenTakeThePlaceOfTheDefault() {
    GatewayAddress connect = GatewayAddress.parse("ws://10.1.2.3");
    GatewayRules rules = GatewayRules.parse(List.of("10.9.0.0/16", "gw.example.org", "::1"));
    assertInstanceOf(GatewayRules.Allowed.class, rules.judge("10.9.1.1:80", connect));
    assertInstanceOf(GatewayRules.Allowed.class, rules.judge("b.gw.example.org:80", connect));
    assertInstanceOf(GatewayRules.Allowed.class, rules.judge("[::1]:80", connect));
    assertInstanceOf(GatewayRules.Refused.class, rules.judge("10.1.2.3:80", connect));
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> GatewayRules.parse(List.of("10.9.0.1/16")))
            .getMessage();
    assertTrue(message.startsWith("--allow-gateways \"10.9.0.1/16\" (expected: "), message);
  }
}

package dev.warren.gateway.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.net.TrustedProxies.Origin;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrustedProxiesTest {
  private static final TrustedProxies TENS = TrustedProxies.parse("10.0.0.0/8, fd00::/8");
  private static final InetSocketAddress PROXY = new InetSocketAddress("10.0.0.1", 4711);
  private static final InetSocketAddress STRANGER = new InetSocketAddress("192.0.2.1", 4711);

  private static HttpHeaders headers(String... pairs) {
    HttpHeaders headers = new DefaultHttpHeaders();
    for (int i = 0; i < pairs.length; i += 2) {
      headers.add(pairs[i], pairs[i + 1]);
    }
    return headers;
  }

  private static String remote(String... forwardedFor) {
    HttpHeaders headers = headers();
    for (String value : forwardedFor) {
      headers.add("X-Forwarded-For", value);
    }
    InetSocketAddress remote = TENS.originOf(PROXY, false, headers).remote();
    return remote.getAddress().getHostAddress()
        + (remote.getPort() == 0 ? "" : ":" + remote.getPort());
  }

  @Test
  void strangerIsBelievedNothing() {
    HttpHeaders lies =
        headers(
            "X-Forwarded-For", "127.0.0.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "h");
    assertEquals(new Origin(STRANGER, false, null), TENS.originOf(STRANGER, false, lies));
    assertEquals(new Origin(PROXY, true, null), TrustedProxies.NONE.originOf(PROXY, true, lies));
  }

  @Test
  void proxyIsBelieved() {
    Origin origin =
        TENS.originOf(
            PROXY,
            false,
            headers(
                "X-Forwarded-For", "198.51.100.7",
                "X-Forwarded-Proto", "HTTPS",
                "X-Forwarded-Host", "warren.example.org"));
    assertEquals("198.51.100.7", origin.remote().getAddress().getHostAddress());
    assertTrue(origin.secure());
    assertEquals("warren.example.org", origin.host());
  }

  @Test
  void whatTheProxyDoesNotSayIsAsTheConnectionIs() {
    assertEquals(new Origin(PROXY, true, null), TENS.originOf(PROXY, true, headers()));
    assertFalse(TENS.originOf(PROXY, true, headers("X-Forwarded-Proto", "http")).secure());
  }

  @Test
  void whatStandsBeforeTheTrustedPeersOwnWordIsTheClients() {
    Origin origin =
        TENS.originOf(
            PROXY,
            false,
            headers(
                "X-Forwarded-Proto", "https, http",
                "X-Forwarded-Host", "forged.example.org",
                "X-Forwarded-Host", "real.example.org"));
    assertFalse(origin.secure());
    assertEquals("real.example.org", origin.host());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "198.51.100.7 | 198.51.100.7",
        "127.0.0.1, 198.51.100.7 | 198.51.100.7",
        "198.51.100.7, 10.1.1.1, 10.2.2.2 | 198.51.100.7",
        "10.1.1.1, 10.2.2.2 | 10.1.1.1",
        "198.51.100.7:555 | 198.51.100.7:555",
        "[2001:db8::7]:555 | 2001:db8:0:0:0:0:0:7:555",
        "[2001:db8::7] | 2001:db8:0:0:0:0:0:7",
        "2001:db8::7 | 2001:db8:0:0:0:0:0:7",
        "unknown | 10.0.0.1:4711",
        "198.51.100.7, unknown, 10.2.2.2 | 10.2.2.2",
        "198.51.100.7, _hidden | 10.0.0.1:4711",
        "198.51.100.7:99999 | 10.0.0.1:4711",
        "[2001:db8::7 | 10.0.0.1:4711",
        "[2001:db8::7]x | 10.0.0.1:4711",
        "example.org | 10.0.0.1:4711",
        "', ,' | 10.0.0.1:4711",
      })
  void addressIsTheFirstFromTheRightThatNoProxyHas(String forwardedFor, String expected) {
    assertEquals(expected, remote(forwardedFor));
  }

  @Test
  void severalHeadersAreOneList() {
    assertEquals("198.51.100.7", remote("198.51.100.9, 198.51.100.7", "10.1.1.1"));
  }

  /** Whatever a client puts to the left cannot change what is found. */
  @Test
  void nothingToTheLeftMatters() {
    long seed = Long.getLong("warren.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 5_000; i++) {
      List<String> hops = new ArrayList<>();
      for (int n = random.nextInt(4); n > 0; n--) {
        hops.add(random.nextBoolean() ? "10.0.0." + n : "203.0.113." + n);
      }
      String client = "198.51.100." + random.nextInt(256);
      hops.add(client);
      for (int n = random.nextInt(4); n > 0; n--) {
        hops.add("10.1.0." + random.nextInt(256));
      }
      assertEquals(client, remote(String.join(",", hops)), hops + ", -Dwarren.seed=" + seed);
    }
  }

  @Test
  void wrongBlockIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> TrustedProxies.parse(""));
    assertThrows(IllegalArgumentException.class, () -> TrustedProxies.parse("10.0.0.0/8,"));
  }
}

package dev.warren.agent.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyRulesTest {
  private static final GatewayAddress PLAIN = GatewayAddress.parse("ws://gateway.example");
  private static final GatewayAddress TLS = GatewayAddress.parse("wss://gateway.example");

  @ParameterizedTest(name = "{0}: ws by {1}, wss by {2}")
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "                                        | -             | -",
        "HTTP_PROXY=p:1                          | http://p:1    | -",
        "http_proxy=p:1                          | http://p:1    | -",
        "HTTPS_PROXY=p:1                         | -             | http://p:1",
        "https_proxy=p:1                         | -             | http://p:1",
        "ALL_PROXY=p:1                           | http://p:1    | http://p:1",
        "all_proxy=p:1                           | http://p:1    | http://p:1",
        "HTTPS_PROXY=a:1 https_proxy=b:2         | -             | http://b:2",
        "HTTPS_PROXY=a:1 https_proxy=            | -             | -",
        "HTTPS_PROXY=a:1 ALL_PROXY=b:2           | http://b:2    | http://a:1",
        "HTTPS_PROXY= ALL_PROXY=b:2              | http://b:2    | -",
        "ALL_PROXY=socks5://p:1                  | socks5://p:1  | socks5://p:1",
        "ALL_PROXY=socks5h://u:p@p:1/            | socks5://p:1  | socks5://p:1",
        "ALL_PROXY=http://p                      | http://p:1080 | http://p:1080",
        "ALL_PROXY=HTTP://[::1]:3128/x           | http://[::1]:3128 | http://[::1]:3128",
        "ALL_PROXY=p:1 NO_PROXY=*                | -             | -",
        "ALL_PROXY=p:1 no_proxy=gateway.example  | -             | -",
      })
  void variablesMeanWhatTheyMeanToCurl(String variables, String plain, String tls) {
    ProxyRules rules = ProxyRules.of(environment(variables));
    assertEquals(Optional.ofNullable(plain), rules.proxyFor(PLAIN).map(Proxy::toString));
    assertEquals(Optional.ofNullable(tls), rules.proxyFor(TLS).map(Proxy::toString));
  }

  @ParameterizedTest(name = "NO_PROXY={0} makes {1} direct: {2}")
  @CsvSource(
      delimiter = '|',
      value = {
        "example            | gateway.example  | true",
        ".example           | gateway.example  | true",
        ".gateway.example   | gateway.example  | true",
        "EXAMPLE.           | Gateway.example. | true",
        "way.example        | gateway.example  | false",
        "*.example          | gateway.example  | false",
        "a, example         | gateway.example  | true",
        "a example          | gateway.example  | true",
        "a,,b               | gateway.example  | false",
        "localhost          | localhost        | true",
        "localhost          | 127.0.0.1        | false",
        "127.0.0.1          | 127.0.0.1        | true",
        "127.0.0.0/8        | 127.9.9.9        | true",
        "127.0.0.0/8        | 128.0.0.1        | false",
        "10.0.0.1           | 10.0.0.10        | false",
        "[::1]              | [::1]            | true",
        "::1                | [::1]            | true",
        "fd00::/8           | [fd00::1]        | true",
        "fd00::/8           | [fe00::1]        | false",
        "10                 | 10.0.0.1         | false",
      })
  void whatNoProxyNamesIsReachedDirectly(String list, String host, boolean direct) {
    ProxyRules rules = ProxyRules.of(Map.of("ALL_PROXY", "p:1", "NO_PROXY", list));
    assertEquals(direct, rules.proxyFor(GatewayAddress.parse("ws://" + host + ":8123")).isEmpty());
  }

  @Test
  void userAndPasswordAreDecodedAndNeverShown() {
    Proxy proxy = Proxy.parse("ALL_PROXY", "http://us%40er:p%3Aw%2F+@proxy:3128");
    assertEquals("us@er", proxy.login().get().user());
    assertEquals("p:w/+", proxy.login().get().password());
    assertFalse((proxy + " " + proxy.login()).contains("p:w"));
    assertEquals("", Proxy.parse("ALL_PROXY", "user@proxy").login().get().password());
    assertEquals("a@b", Proxy.parse("ALL_PROXY", "user:a@b@proxy").login().get().password());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://user:hunter2@proxy:1",
        "ftp://user:hunter2@proxy",
        "http://user:hunter2@",
        "http://user:hunter2@proxy:0",
        "http://user:hunter2@proxy:65536",
        "http://user:hunter2@proxy:x",
        "http://user:hunter2@::1:3128",
        "http://user:hunter2%zz@proxy",
        "http://"
      })
  void whatIsNoProxyIsNamedWithoutItsPassword(String value) {
    IllegalArgumentException wrong =
        assertThrows(
            IllegalArgumentException.class, () -> ProxyRules.of(Map.of("HTTPS_PROXY", value)));
    assertTrue(wrong.getMessage().startsWith("HTTPS_PROXY \""), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("(expected: "), wrong.getMessage());
    assertFalse(wrong.getMessage().contains("hunter2"), wrong.getMessage());
  }

  private static Map<String, String> environment(String variables) {
    Map<String, String> environment = new HashMap<>();
    if (variables != null) {
      for (String variable : variables.trim().split("\\s+", -1)) {
        int equals = variable.indexOf('=');
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    return environment;
  }
}

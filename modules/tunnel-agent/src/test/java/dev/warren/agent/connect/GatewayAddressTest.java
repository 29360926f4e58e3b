package dev.warren.agent.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatewayAddressTest {

  @ParameterizedTest
  @CsvSource({
    "ws://127.0.0.1:8123/connect, ws://127.0.0.1:8123/connect, 127.0.0.1, 8123, false",
    "ws://gateway, ws://gateway:80/connect, gateway, 80, false",
    "WSS://gateway/, wss://gateway:443/connect, gateway, 443, true",
    "wss://gateway/a%2Fb?x=1, wss://gateway:443/a%2Fb?x=1, gateway, 443, true",
    "wss://[::1]:9/c, wss://[::1]:9/c, ::1, 9, true",
  })
  void anAddressIsCompleted(String text, String uri, String host, int port, boolean tls) {
    GatewayAddress address = GatewayAddress.parse(text);
    assertEquals(uri, address.uri().toString());
    assertEquals(host, address.host());
    assertEquals(port, address.port());
    assertEquals(tls, address.tls());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "gateway",
        "gateway:8123",
        "http://gateway",
        "ws:gateway",
        "ws://",
        "ws://:80",
        "ws://gateway:0",
        "ws://gateway:65536",
        "ws://gateway:x",
        "ws://user:hunter2@gateway",
        "ws://gateway/#hunter2",
        "ftp://gateway/?hunter2",
        "ws://a b",
        "ws://[fe80::1%25eth0]/",
        "ws://gate_way"
      })
  void whatIsNoAddressIsNamedWithWhatWasExpected(String text) {
    IllegalArgumentException wrong =
        assertThrows(IllegalArgumentException.class, () -> GatewayAddress.parse(text));
    assertTrue(wrong.getMessage().startsWith("--connect \""), wrong.getMessage());
    assertTrue(wrong.getMessage().contains("(expected: ws://HOST"), wrong.getMessage());
    assertFalse(wrong.getMessage().contains("hunter2"), wrong.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"wss://gateway/connect?key=hunter2"})
  void aQueryIsSentAndNotShown(String text) {
    GatewayAddress address = GatewayAddress.parse(text);
    assertEquals("key=hunter2", address.uri().getQuery());
    assertEquals("wss://gateway:443/connect", address.toString());
  }
}

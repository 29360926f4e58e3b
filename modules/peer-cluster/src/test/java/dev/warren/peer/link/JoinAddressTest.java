package dev.warren.peer.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JoinAddressTest {
  @ParameterizedTest
  @CsvSource({
    "gateway:7400, gateway, 7500",
    "gateway.example.org:1, gateway.example.org, 101",
    "10.0.0.1:7400/9000, 10.0.0.1, 9000",
    "[::1]:7400, ::1, 7500",
    "[2001:db8::1]:7400/65535, 2001:db8::1, 65535",
    "gateway:65435, gateway, 65535",
  })
  void theLinkPortIsThatOfTheClusterAndAHundredUnlessItIsSaid(String text, String host, int port) {
    assertEquals(new JoinAddress(host, port), JoinAddress.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "gateway",
        ":7400",
        "gateway:",
        "gateway:0",
        "gateway:65536",
        "gateway:65436",
        "gateway:7400/",
        "gateway:7400/0",
        "gateway:7400/70000",
        "gateway:port",
        "::1:7400",
        "a b:7400",
        " :7400",
        "[]:7400",
      })
  void whatIsNoneIsRefusedWithWhatWasExpected(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> JoinAddress.parse(text));
    assertTrue(refused.getMessage().contains("\"" + text + "\""), refused.getMessage());
    assertTrue(refused.getMessage().contains("HOST:PORT/LINKPORT"), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"gateway:7500, gateway, 7500", "[::1]:65535, ::1, 65535"})
  void whatPeersTellIsTheLinkPortItself(String text, String host, int port) {
    JoinAddress read = JoinAddress.ofLink(text);
    assertEquals(new JoinAddress(host, port), read);
    assertEquals(text, read.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gateway", "gateway:0", "gateway:1/2", "gateway:99999"})
  void andNothingElse(String text) {
    assertThrows(IllegalArgumentException.class, () -> JoinAddress.ofLink(text));
  }

  @ParameterizedTest
  @ValueSource(ints = {254, 100_000})
  void noNameIsLongerThanTheLongestOfTheDns(int length) {
    String name = "x".repeat(length);
    assertThrows(IllegalArgumentException.class, () -> JoinAddress.parse(name + ":1"));
    assertEquals(253, JoinAddress.parse("x".repeat(253) + ":1").host().length());
  }
}

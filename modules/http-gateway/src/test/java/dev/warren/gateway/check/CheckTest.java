package dev.warren.gateway.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.check.CheckResult;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckTest {
  @ParameterizedTest
  @CsvSource({
    "web-*=127.0.0.1:22,                    127.0.0.1:22",
    "web-*=tcp/127.0.0.1:22,                127.0.0.1:22",
    "web-*=[::1]:22,                        [::1]:22",
    "web-*=http://127.0.0.1:8080/healthz,   http://127.0.0.1:8080/healthz",
    "web-*=http://db.local,                 http://db.local:80/",
    "web-*=http://[::1]/a?b=c,              http://[::1]:80/a?b=c",
  })
  void whatIsAskedHasOneTextHoweverItWasWritten(String text, String shown) {
    Check check = Check.parse(text);
    assertEquals(shown, check.text());
    assertTrue(check.matches(SessionKey.of("web-7")));
    assertFalse(check.matches(SessionKey.of("db")));
    assertFalse(check.matches(SessionKey.of("lab/web-7")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "127.0.0.1:22",
        "=127.0.0.1:22",
        "we b=127.0.0.1:22",
        "*=",
        "*=127.0.0.1",
        "*=127.0.0.1:0",
        "*=127.0.0.1:65536",
        "*=unix//run/a.sock",
        "*=https://127.0.0.1/",
        "*=ftp://127.0.0.1/",
        "*=http://",
        "*=http:///healthz",
        "*=http://a@b/",
        "*=http://127.0.0.1:80/a#b",
        "*=http://127.0.0.1:80/\u00e4",
        "*=http://127.0.0.1:x/",
      })
  void whatIsNoCheckIsRefusedWithTheValueAndWhatWasExpected(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Check.parse(text)).getMessage();
    assertTrue(message.startsWith("\"" + text + "\": "), message);
    assertTrue(
        message.contains(" (expected: ID-PATTERN=TARGET with [tcp/]HOST:PORT or http://"), message);
    assertEquals(1, message.split("expected: ", -1).length - 1, message);
  }

  @Test
  void theLongestPathFitsWhatPeersAreTold() {
    String host = "h".repeat(255) + ":65535";
    String longest = "/" + "p".repeat(CheckResult.MAX_TARGET_LENGTH - 301);
    String text = Check.parse("*=http://" + host + longest).text();
    assertTrue(text.length() <= CheckResult.MAX_TARGET_LENGTH, text.length() + " characters");
    assertThrows(
        IllegalArgumentException.class, () -> Check.parse("*=http://" + host + longest + "p"));
  }

  @Test
  void soManyChecksAndNoMore() {
    Check check = Check.parse("*=127.0.0.1:22");
    Duration second = Duration.ofSeconds(1);
    List<Check> most = Collections.nCopies(CheckSettings.MAX_CHECKS, check);
    assertEquals(most, new CheckSettings(most, second, second, 1).checks());
    List<Check> more = Collections.nCopies(CheckSettings.MAX_CHECKS + 1, check);
    assertEquals(
        "--check: 65 checks (expected: at most 64)",
        assertThrows(
                IllegalArgumentException.class, () -> new CheckSettings(more, second, second, 1))
            .getMessage());
    assertThrows(
        IllegalArgumentException.class, () -> new CheckSettings(most, Duration.ZERO, second, 1));
    assertThrows(
        IllegalArgumentException.class, () -> new CheckSettings(most, second, Duration.ZERO, 1));
    assertThrows(IllegalArgumentException.class, () -> new CheckSettings(most, second, second, 0));
  }
}

package dev.warren.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.warren.gateway.http.HttpSettings.Callers;
import dev.warren.gateway.http.HttpSettings.Head;
import dev.warren.gateway.http.HttpSettings.KeepAlive;
import dev.warren.gateway.http.HttpSettings.Reuse;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HttpSettingsTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  static Stream<Arguments> wrongValues() {
    return Stream.of(
        wrong(
            "http.head.max-uri-bytes: 63 (expected: 64 to 1048576)",
            () -> new Head(63, 65_536, 256, SECOND)),
        wrong(
            "http.head.max-header-bytes: 1023 (expected: 1024 to 16777216)",
            () -> new Head(64, 1_023, 256, SECOND)),
        wrong(
            "http.head.max-headers: 7 (expected: 8 to 10000)",
            () -> new Head(64, 1_024, 7, SECOND)),
        wrong(
            "http.head.timeout: PT0S (expected: 1 millisecond to 1 day)",
            () -> new Head(64, 1_024, 8, Duration.ZERO)),
        wrong(
            "http.keep-alive.idle: PT25H (expected: 1 millisecond to 1 day)",
            () -> new KeepAlive(Duration.ofHours(25), SECOND, SECOND)),
        wrong(
            "http.keep-alive.half-closed: PT-1S (expected: 1 millisecond to 1 day)",
            () -> new KeepAlive(SECOND, SECOND.negated(), SECOND)),
        wrong(
            "http.keep-alive.linger: PT0S (expected: 1 millisecond to 1 day)",
            () -> new KeepAlive(SECOND, SECOND, Duration.ZERO)),
        wrong(
            "http.reuse.max-idle-per-target: -1 (expected: 0 to 65536)",
            () -> new Reuse(-1, 1, SECOND)),
        wrong("http.reuse.max-idle: -1 (expected: 0 to 1048576)", () -> new Reuse(0, -1, SECOND)),
        wrong(
            "http.reuse.idle: PT0S (expected: 1 millisecond to 1 day)",
            () -> new Reuse(0, 0, Duration.ZERO)),
        wrong("http.callers.max-requests: 0 (expected: 1 to 1048576)", () -> new Callers(0, 1, 1)),
        wrong(
            "http.callers.max-pending-dials: 0 (expected: 1 to 1048576)",
            () -> new Callers(1, 0, 1)),
        wrong(
            "http.callers.max-pending-dials-in-all: 0 (expected: 1 to 1048576)",
            () -> new Callers(1, 1, 0)),
        wrong(
            "http.dial-timeout: PT0S (expected: 1 millisecond to 1 day)",
            () -> HttpSettings.DEFAULT.withDialTimeout(Duration.ZERO)),
        wrong(
            "http.response-head-timeout: PT-1S (expected: 1 millisecond to 1 day)",
            () -> HttpSettings.DEFAULT.withResponseHeadTimeout(SECOND.negated())));
  }

  private static Arguments wrong(String message, Executable made) {
    return arguments(message, made);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongValues")
  void aWrongValueIsRefusedWithKeyValueAndExpectation(String message, Executable made) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, made).getMessage());
  }

  /** The order in which the classes are first used must not matter. */
  @Test
  void everyPartOfTheDefaultsIsThere() {
    assertEquals(new Reuse(512, 1_024, Duration.ofMillis(1_500)), HttpSettings.DEFAULT.reuse());
    assertEquals(Head.DEFAULT, HttpSettings.DEFAULT.head());
    assertEquals(KeepAlive.DEFAULT, HttpSettings.DEFAULT.keepAlive());
    assertEquals(Callers.DEFAULT, HttpSettings.DEFAULT.callers());
  }
}

package dev.warren.cli.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  // Names that reference.conf has a default for, so that all four sources can be compared.
  private static final Flag<String> LISTEN =
      Flag.value("--listen", "X", "where", text -> Parse.text(text));
  private static final Flag<List<String>> CONNECT =
      Flag.list("--connect", "X,...", "[,\\s]+", "to what", text -> Parse.text(text));
  private static final Flag<Boolean> UPLOAD = Flag.toggle("--upload", "whether");
  private static final Flag<String> ROOT = Flag.value("--root", "X", "what", Parse::text);
  private static final Flag<String> LEVEL = Flag.value("--log-level", "X", "how", Parse::text);
  private static final Flag<String> FORMAT = Flag.value("--log-format", "X", "how", Parse::text);
  private static final Flag<Boolean> FRAMES = Flag.toggle("--log-frames", "whether");

  /** All keys of reference.conf must be known, so the other commands are there with theirs. */
  private static final Catalog CATALOG = catalog();

  @TempDir Path directory;

  private static Catalog catalog() {
    return new Catalog(
        List.of(LEVEL, FORMAT, FRAMES),
        Map.of(
            "files",
            List.of(LISTEN, CONNECT, UPLOAD, ROOT),
            "gateway",
            named(
                "listen behind-tls-proxy trusted-proxies accept-proxy-protocol insecure-targets"
                    + " event-loops memory-budget max-streams-per-tunnel max-pending-per-tunnel"
                    + " max-streams-per-caller max-tunnels dial-timeout handshake-timeout"
                    + " duplicates reattach-grace cluster-listen join max-attach-rate connect-path"
                    + " drain-notice drain-timeout check check-interval check-timeout max-checks-at-once"),
            "agent",
            named(
                "allow protocol header tunnels dial-timeout connect-timeout heartbeat drain-timeout max-streams max-pending-dials"
                    + " event-loops memory-budget"),
            "operator",
            named("admin"),
            "caller",
            named("gateway dial-timeout"),
            "demo",
            named("once")));
  }

  private static List<Flag<?>> named(String keys) {
    return List.<Flag<?>>copyOf(
        java.util.Arrays.stream(keys.split(" "))
            .map(key -> Flag.list("--" + key, "X", ",", "", text -> text))
            .toList());
  }

  private Settings settings(
      Map<String, List<String>> given, Map<String, String> environment, String file) {
    Optional<Path> path = Optional.empty();
    if (file != null) {
      path = Optional.of(directory.resolve("warren.conf"));
      try {
        Files.writeString(path.get(), file);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
    return Settings.resolve(CATALOG, "files", given, environment, path);
  }

  private String refusal(String file) {
    return assertThrows(SettingsException.class, () -> settings(Map.of(), Map.of(), file))
        .getMessage();
  }

  @Test
  void commandLineBeatsEnvironmentBeatsFileBeatsDefault() {
    Map<String, List<String>> given = Map.of("--listen", List.of("typed"));
    Map<String, String> environment = Map.of("WARREN_LISTEN", "around");
    String file = "warren.files.listen = written";
    assertEquals("typed", settings(given, environment, file).get(LISTEN));
    assertEquals("around", settings(Map.of(), environment, file).get(LISTEN));
    assertEquals("written", settings(Map.of(), Map.of(), file).get(LISTEN));
    assertEquals("127.0.0.1:8125", settings(Map.of(), Map.of(), null).get(LISTEN));
    assertEquals(Settings.Source.ENVIRONMENT, settings(Map.of(), environment, file).source(LISTEN));
  }

  @Test
  void switchOfAFileCanBeTurnedOffAgain() {
    String file = "warren.files.upload = true";
    assertTrue(settings(Map.of(), Map.of(), file).on(UPLOAD));
    assertFalse(settings(Map.of(), Map.of("WARREN_UPLOAD", "no"), file).on(UPLOAD));
    assertFalse(settings(Map.of("--upload", List.of("false")), Map.of(), file).on(UPLOAD));
    assertFalse(settings(Map.of(), Map.of(), null).on(UPLOAD));
  }

  @Test
  void listComesFromOneSourceWhole() {
    List<String> expected = List.of("a", "b", "c");
    assertEquals(
        expected,
        settings(
                Map.of("--connect", List.of("a,b", "c")),
                Map.of("WARREN_CONNECT", "d"),
                "warren.files.connect = [e]")
            .get(CONNECT));
    assertEquals(
        expected, settings(Map.of(), Map.of("WARREN_CONNECT", "a, b c"), null).get(CONNECT));
    assertEquals(
        expected, settings(Map.of(), Map.of(), "warren.files.connect = [a, \"b,c\"]").get(CONNECT));
    assertEquals(
        expected, settings(Map.of(), Map.of(), "warren.files.connect = \"a,b,c\"").get(CONNECT));
  }

  @Test
  void emptyVariableAndNullInAFileSetNothing() {
    assertEquals(
        "127.0.0.1:8125",
        settings(Map.of(), Map.of("WARREN_LISTEN", ""), "warren.files.listen = null").get(LISTEN));
  }

  @Test
  void sharedSettingsStandDirectlyUnderWarren() {
    assertEquals("debug", settings(Map.of(), Map.of(), "warren.log-level = debug").get(LEVEL));
    assertTrue(refusal("warren.files.log-level = debug").contains("warren.files.log-level"));
  }

  @Test
  void fileMaySubstituteWhatStandsElsewhere() {
    assertEquals(
        "a:1",
        settings(Map.of(), Map.of(), "host = null\nwarren.files.listen = \"a\"\":1\"").get(LISTEN));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "warren.files.lisen = x",
        "warren.fils.listen = x",
        "files.listen = x",
        "warren.listen = x",
        "warren.files.listen.port = x",
        "warren = x"
      })
  void unknownKeyIsRefusedWithItsPlace(String line) {
    String key = line.substring(0, line.indexOf(' '));
    String message = refusal("\n" + line + "\n");
    assertTrue(message.startsWith(key + ": no such setting"), message);
    assertTrue(message.contains("warren.conf, line 2"), message);
    assertTrue(message.contains("expected"), message);
  }

  @Test
  void unknownKeyIsAnsweredWithTheKnownOnesOfItsBlock() {
    assertTrue(refusal("warren.files.lisen = x").contains("warren.files.listen"));
  }

  @Test
  void brokenFileIsRefusedWithItsPlace() {
    String message = refusal("warren {\n files = [\n");
    assertTrue(message.startsWith("--config: ") && message.contains("warren.conf"), message);
  }

  @Test
  void listForOneValueIsRefused() {
    String message = refusal("warren.files.listen = [a, b]");
    assertTrue(message.contains("warren.files.listen") && message.contains("one value"), message);
  }

  @Test
  void durationsAndSizesHaveUnits() {
    var duration = Parse.duration(Duration.ofMillis(1), Duration.ofHours(1));
    assertEquals(Duration.ofMillis(500), duration.apply("500ms"));
    assertEquals(Duration.ofSeconds(10), duration.apply("10 s"));
    assertEquals(Duration.ofHours(1), duration.apply("1h"));
    for (String bad : List.of("10", "", "-1s", "61m", "0ms", "ten seconds")) {
      assertThrows(IllegalArgumentException.class, () -> duration.apply(bad), bad);
    }
    assertEquals(64L << 20, Parse.memory("64M"));
    assertEquals(1000, Parse.memory("1000"));
    assertEquals(Runtime.getRuntime().maxMemory() / 100 * 25, Parse.memory("25%"));
    for (String bad : List.of("", "%", "64Q", "101%")) {
      assertThrows(IllegalArgumentException.class, () -> Parse.memory(bad), bad);
    }
  }

  @Test
  void addressesMayBeOfEitherFamily() {
    assertEquals(8123, Parse.address("[::1]:8123").getPort());
    assertTrue(Parse.address("localhost:0").getAddress().isLoopbackAddress());
  }
}

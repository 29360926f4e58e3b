package dev.warren.gateway.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.SessionKey;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SessionPatternTest {
  @ParameterizedTest
  @CsvSource({
    "foo, foo, true",
    "FOO, foo, true",
    "foo, foo2, false",
    "foo, staging/foo, false",
    "*, anything.at-all, true",
    "*, staging/foo, false",
    "*/*, staging/foo, true",
    "*/*, foo, true",
    "staging/*, staging/foo, true",
    "staging/*, foo, false",
    "_/foo, foo, true",
    "web-*, web-1, true",
    "web-*, web, false",
    "*-1, web-1, true",
    "w*b*1, web-1, true",
    "w*b*1, web-12, false",
  })
  void patternMatchesTheSessionsItNames(String pattern, String session, boolean matches) {
    assertEquals(matches, SessionPattern.parse(pattern).matches(SessionKey.of(session)));
  }

  @Test
  void starsMeanWhatTheyMeanInARegularExpression() {
    long seed = Long.getLong("warren.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      String pattern = word(random, "ab*", 8);
      String id = word(random, "ab", 10);
      boolean expected = Pattern.matches(pattern.replace("*", ".*"), id);
      assertEquals(
          expected,
          SessionPattern.parse(pattern).matches(SessionKey.of(id)),
          () -> pattern + " on " + id + ", -Dwarren.seed=" + seed);
    }
  }

  private static String word(Random random, String letters, int maxLength) {
    StringBuilder word = new StringBuilder();
    for (int i = 1 + random.nextInt(maxLength); i > 0; i--) {
      word.append(letters.charAt(random.nextInt(letters.length())));
    }
    return word.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "/foo", "foo/", "a/b/c", "fo?", "[a-z]", "ü"})
  void whatIsNoPatternIsRefusedWithItsName(String text) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> SessionPattern.parse(text));
    assertTrue(refused.getMessage().contains("\"" + text + "\""), refused.getMessage());
  }
}

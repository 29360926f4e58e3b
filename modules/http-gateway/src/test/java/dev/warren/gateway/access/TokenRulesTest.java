package dev.warren.gateway.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.SessionKey;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenRulesTest {
  private static final String HASH = Token.hash("one");

  private static TokenRules parse(String text) {
    return TokenRules.parse(Path.of("agents.tokens"), text.getBytes(StandardCharsets.UTF_8));
  }

  private static String refusal(String text) {
    return assertThrows(IllegalArgumentException.class, () -> parse(text)).getMessage();
  }

  @Test
  void linesCommentsAndNamesAreRead() {
    TokenRules rules =
        parse(
            """
            # a comment
              \t
            %s  foo,web-*\tci  # another
            %s *\r
            """
                .formatted(HASH.toUpperCase(java.util.Locale.ROOT), Token.hash("two")));
    assertEquals(2, rules.size());
    assertEquals("ci", rules.of("one").orElseThrow().principal().name());
    assertTrue(rules.of("one").orElseThrow().covers(SessionKey.of("web-7")));
    assertFalse(rules.of("one").orElseThrow().covers(SessionKey.of("bar")));
    assertTrue(rules.of("three").isEmpty());
  }

  @Test
  void tokenWithoutANameIsCalledByTheBeginningOfItsHash() {
    String name = parse(HASH + " foo\n").of("one").orElseThrow().principal().name();
    assertEquals("token-" + HASH.substring(7, 15), name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HASH",
        "HASH a b c",
        "HASH a,,b",
        "HASH a, b",
        "HASH a -name",
        "sha256:12 a",
        "md5:00 a",
      })
  void wrongLineIsRefusedWithFileAndNumber(String line) {
    String message = refusal("# first\n" + line.replace("HASH", HASH) + "\n");
    assertTrue(message.startsWith("agents.tokens, line 2: "), message);
    assertTrue(message.contains("expected"), message);
  }

  @Test
  void tokenPutInPlaceOfItsHashIsNotShown() {
    assertFalse(refusal("very-secret-token foo\n").contains("very-secret-token"));
  }

  @Test
  void sameHashTwiceIsRefusedWithBothLines() {
    String message = refusal(HASH + " foo\n\n" + HASH + " bar\n");
    assertTrue(message.contains("line 3: the same hash as in line 1"), message);
  }

  @Test
  void emptyFileIsRefusedAndACommentAdmitsNobody() {
    assertTrue(refusal("").contains("empty"));
    assertEquals(0, parse("# nobody\n").size());
  }

  @Test
  void whatIsNoTextIsRefused() {
    byte[] bytes = {(byte) 0xff, 0x20};
    assertThrows(
        IllegalArgumentException.class, () -> TokenRules.parse(Path.of("agents.tokens"), bytes));
  }

  @Test
  void limitsHoldAtTheLimit() {
    String filled = HASH + " foo #" + "x".repeat(TokenRules.MAX_LINE_CHARS - HASH.length() - 6);
    assertEquals(TokenRules.MAX_LINE_CHARS, filled.length());
    assertEquals(1, parse(filled).size());
    assertTrue(refusal(filled + "x").contains("at most " + TokenRules.MAX_LINE_CHARS));

    String newlines = "\n".repeat(TokenRules.MAX_LINES - 1);
    assertEquals(0, parse(newlines).size());
    assertTrue(refusal(newlines + "\n").contains("at most " + TokenRules.MAX_LINES));
  }
}

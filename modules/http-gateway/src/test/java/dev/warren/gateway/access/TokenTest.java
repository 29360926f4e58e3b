package dev.warren.gateway.access;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TokenTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  @ParameterizedTest
  @EnumSource(TokenKind.class)
  void madeTokenShowsItsKindAndPassesItsOwnCheck(TokenKind kind) {
    Set<String> made = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      String token = Token.generate(kind, RANDOM);
      assertTrue(token.matches(kind.prefix() + "[0-9A-Za-z]{49}"), token.length() + " characters");
      assertEquals(Optional.of(kind), Token.kindOf(token));
      Token.check(token);
      assertTrue(made.add(token), "the same token twice");
    }
  }

  @Test
  void everyBitOfTheRandomNumberCounts() {
    assertEquals(
        "wag_" + "0".repeat(43), tokenOf((byte) 0).substring(0, 47), "the smallest number");
    assertFalse(tokenOf((byte) 0xff).substring(4, 47).startsWith("0"), "the largest number");
  }

  private static String tokenOf(byte filling) {
    return Token.generate(
        TokenKind.AGENT,
        new SecureRandom() {
          private static final long serialVersionUID = 1L;

          @Override
          public void nextBytes(byte[] bytes) {
            Arrays.fill(bytes, filling);
          }
        });
  }

  @Test
  void tokenThatLostOrChangedACharacterIsToldFromAWrongOne() {
    String token = Token.generate(TokenKind.CALLER, RANDOM);
    char changed = token.charAt(20) == 'x' ? 'y' : 'x';
    for (String damaged :
        new String[] {
          token.substring(0, token.length() - 1),
          token + "0",
          token.substring(0, 20) + changed + token.substring(21)
        }) {
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> Token.check(damaged));
      assertTrue(refused.getMessage().contains("damaged"), refused.getMessage());
      assertFalse(refused.getMessage().contains(damaged), "the message shows the token");
    }
  }

  @Test
  void tokenMadeElsewhereIsWelcomeFromTheLengthOn() {
    assertDoesNotThrow(() -> Token.check("x".repeat(Token.MIN_CHARS)));
    assertDoesNotThrow(() -> Token.check("x".repeat(Token.MAX_CHARS)));
    for (String bad :
        new String[] {
          "x".repeat(Token.MIN_CHARS - 1),
          "x".repeat(Token.MAX_CHARS + 1),
          "x".repeat(30) + " y",
          "é".repeat(30)
        }) {
      assertThrows(IllegalArgumentException.class, () -> Token.check(bad));
    }
  }

  @Test
  void hashIsPlainSha256() {
    assertEquals(
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        Token.hash("test"));
  }
}

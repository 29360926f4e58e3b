package dev.warren.peer.token;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterTokenTest {
  private static final Path FILE = Path.of("cluster.tokens");

  private static String refusal(String token) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> ClusterToken.parse(token)).getMessage();
    assertFalse(token.length() > 4 && message.contains(token), "the message shows the token");
    assertTrue(message.contains("./warren token cluster"), message);
    return message;
  }

  private static ClusterTokens parse(String content) {
    return ClusterTokens.parse(FILE, content.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "password",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "0123456789012345678901234567890123456789012345678901234567890123",
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "passwordpasswordpasswordpasswordpassword",
        "correct-horse-battery-staple-and-some-more",
        "CorrectHorseBatteryStapleAndSomeMore2024",
        "thisisthesecrettokenoftheproductioncluster",
        "8f14e45fceea167a5a36dedd4bea254", // 31 digits
        "123e4567-e89b-42d3-a456-426614174000",
        "Xk3!vQ9z#Lp7$Rt2&",
      })
  void weakTokenIsRefusedWithTheCommandThatMakesAGoodOne(String weak) {
    String message = refusal(weak);
    assertTrue(message.contains("is weak") && message.contains("at least 128"), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | is empty",
        "'two words, each of them long enough by itself' | one word",
        "wag_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ | agent",
        "wcl_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ | caller",
        "wck_8f14e45fceea167a5a36dedd4bea25438f14e45fceea167a5a36d | damaged",
        "wck_ | damaged",
      })
  void whatIsNoClusterTokenIsRefused(String text, String expected) {
    assertTrue(refusal(text).contains(expected));
  }

  @Test
  void lengthHasALimit() {
    Random random = new Random(1);
    String longest = random(random, "0123456789abcdef", ClusterToken.MAX_CHARS);
    ClusterToken.parse(longest);
    assertTrue(refusal(longest + "a").contains("at most 512"));
  }

  private static String random(Random random, String alphabet, int chars) {
    return IntStream.range(0, chars)
        .mapToObj(i -> String.valueOf(alphabet.charAt(random.nextInt(alphabet.length()))))
        .collect(Collectors.joining());
  }

  /** 128 random bits as people make them must pass, whatever pattern chance puts into them. */
  @Test
  void randomTokensOf128BitsAreTaken() {
    long seed = Long.getLong("warren.test.seed", new Random().nextLong());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    int runs = 20_000;
    int refused = 0;
    for (int run = 0; run < runs; run++) {
      byte[] bytes = new byte[16];
      random.nextBytes(bytes);
      for (String token :
          new String[] {
            HexFormat.of().formatHex(bytes),
            HexFormat.of().withUpperCase().formatHex(bytes),
            Base64.getEncoder().encodeToString(bytes),
            Base64.getUrlEncoder().withoutPadding().encodeToString(bytes),
            random(random, "abcdefghijklmnopqrstuvwxyz234567", 26),
            random(random, "0123456789abcdefghijklmnopqrstuvwxyz", 25),
            random(random, "0123456789", 39),
          }) {
        refused += TokenStrength.bits(token) < ClusterToken.MIN_BITS ? 1 : 0;
      }
    }
    // About 8 are: they have too many patterns by chance, and their makers are told to try again.
    assertTrue(refused <= 7 * runs / 3_000, "refused: " + refused + " of " + 7 * runs);
  }

  @Test
  void tokensOf256BitsAreTaken() {
    Random random = new Random(7);
    for (int run = 0; run < 1_000; run++) {
      byte[] bytes = new byte[32];
      random.nextBytes(bytes);
      ClusterToken.parse(HexFormat.of().formatHex(bytes));
      ClusterToken.parse(Base64.getEncoder().encodeToString(bytes));
      ClusterToken.parse(new BigInteger(1, bytes).setBit(255).toString(36));
    }
  }

  @Test
  void tokenIsNeverShown() {
    String text = "8f14e45fceea167a5a36dedd4bea2543";
    ClusterToken token = ClusterToken.parse(text);
    assertEquals("ClusterToken(hidden)", token.toString());
    assertFalse(new ClusterTokens(java.util.List.of(token)).toString().contains(text));
    assertEquals(token, ClusterToken.parse(text));
    assertEquals(token.hashCode(), ClusterToken.parse(text).hashCode());
    assertNotEquals(token, ClusterToken.parse("8f14e45fceea167a5a36dedd4bea2542"));
  }

  @Test
  void fileHasOneTokenALineAndTheFirstIsPresented() {
    ClusterTokens tokens =
        parse(
            "# ours\r\n\n  8f14e45fceea167a5a36dedd4bea2543  \r\n"
                + "c9f0f895fb98ab9159f51fd0297e236d\n8f14e45fceea167a5a36dedd4bea2543\n");
    assertEquals(2, tokens.all().size());
    assertEquals(ClusterToken.parse("8f14e45fceea167a5a36dedd4bea2543"), tokens.all().get(0));
  }

  @Test
  void wrongLineIsNamedByItsNumber() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> parse("8f14e45fceea167a5a36dedd4bea2543\n\nletmein-please\n"))
            .getMessage();
    assertTrue(message.startsWith("cluster.tokens, line 3: "), message);
    assertFalse(message.contains("letmein"), message);
  }

  @Test
  void fileWithoutATokenIsRefused() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> parse("# none\n")).getMessage();
    assertTrue(message.contains("has no token") && message.contains("warren token cluster"));
  }

  @Test
  void numberOfTokensHasALimit() {
    StringBuilder content = new StringBuilder();
    Random random = new Random(3);
    for (int i = 0; i < ClusterTokens.MAX_TOKENS; i++) {
      content.append(random(random, "0123456789abcdef", 64)).append('\n');
    }
    assertEquals(ClusterTokens.MAX_TOKENS, parse(content.toString()).all().size());
    content.append(random(random, "0123456789abcdef", 64));
    assertThrows(IllegalArgumentException.class, () -> parse(content.toString()));
  }
}

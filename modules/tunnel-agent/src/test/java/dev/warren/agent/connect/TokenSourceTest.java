package dev.warren.agent.connect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenSourceTest {
  @TempDir Path directory;

  @Test
  void aFileIsReadAgainWheneverItIsAsked() throws IOException {
    Path file = directory.resolve("token");
    TokenSource source = TokenSource.file(file);
    Files.writeString(file, " one\r\n");
    assertEquals(Optional.of("one"), source.token());
    Files.writeString(file, "two");
    assertEquals(Optional.of("two"), source.token());
    assertFalse(source.toString().contains("two"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "two words", "two\nlines", "caf\u00e9", "tab\there"})
  void whatIsNoTokenIsNotShown(String content) throws IOException {
    Path file = Files.writeString(directory.resolve("token"), content);
    IOException wrong = assertThrows(IOException.class, () -> TokenSource.file(file).token());
    assertEquals(
        "token file " + file + " (expected: " + TokenSource.EXPECTED + ")", wrong.getMessage());
    IllegalArgumentException literal =
        assertThrows(IllegalArgumentException.class, () -> TokenSource.literal(content));
    assertTrue(literal.getMessage().contains(TokenSource.EXPECTED));
  }

  @Test
  void theLengthIsBounded() throws IOException {
    String longest = "x".repeat(TokenSource.MAX_BYTES);
    assertEquals(Optional.of(longest), TokenSource.literal(longest).token());
    assertThrows(IllegalArgumentException.class, () -> TokenSource.literal(longest + "x"));
    Path file = Files.writeString(directory.resolve("token"), longest);
    assertEquals(Optional.of(longest), TokenSource.file(file).token());
    Files.writeString(file, longest + "x");
    assertThrows(IOException.class, () -> TokenSource.file(file).token());
  }

  @Test
  void bytesThatAreNoTextAreNoToken() throws IOException {
    Path file = Files.write(directory.resolve("token"), new byte[] {(byte) 0xff, (byte) 0xfe});
    IOException wrong = assertThrows(IOException.class, () -> TokenSource.file(file).token());
    assertTrue(wrong.getMessage().contains(TokenSource.EXPECTED), wrong.getMessage());
  }

  @Test
  void whatIsNoRegularFileIsRefused() {
    IOException wrong = assertThrows(IOException.class, () -> TokenSource.file(directory).token());
    assertEquals("token file " + directory + " is not a regular file", wrong.getMessage());
  }

  @Test
  void aLiteralIsNeverShown() {
    assertFalse(TokenSource.literal("hunter2").toString().contains("hunter2"));
  }
}

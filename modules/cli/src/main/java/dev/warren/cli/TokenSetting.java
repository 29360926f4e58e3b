package dev.warren.cli;

import dev.warren.agent.connect.TokenSource;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** The token with which a command shows who it is: in a file, or in the environment itself. */
final class TokenSetting {
  /** The token itself: the one setting that is no flag, because a command line is no secret. */
  static final String VARIABLE = "WARREN_TOKEN";

  private TokenSetting() {}

  /**
   * As with every setting the command line beats the environment, and that beats the file.
   *
   * @param flag names the file
   * @param kind what it has to be, where it says what it is
   * @throws SettingsException where there are two, or it is damaged or of another kind
   */
  static TokenSource read(
      Settings settings, Map<String, String> environment, Flag<Path> flag, TokenKind kind)
      throws IOException {
    String secret = environment.getOrDefault(VARIABLE, "");
    Optional<Path> file = settings.find(flag);
    if (!secret.isEmpty() && settings.source(flag) == Settings.Source.ENVIRONMENT) {
      throw new SettingsException(
          VARIABLE
              + " and "
              + flag.variable()
              + " are both set in the environment (expected: one of them)");
    }
    boolean fromFile =
        file.isPresent()
            && (secret.isEmpty()
                || settings.source(flag) == Settings.Source.COMMAND_LINE
                || settings.source(flag) == Settings.Source.BLOCK);
    if (!fromFile && secret.isEmpty()) {
      return TokenSource.NONE;
    }
    TokenSource source = fromFile ? TokenSource.file(file.get()) : TokenSource.literal(secret);
    checkKind(readToken(flag, source), fromFile ? flag.name() + " " + file.get() : VARIABLE, kind);
    return source;
  }

  private static String readToken(Flag<Path> flag, TokenSource source) {
    try {
      return source.token().orElse("");
    } catch (IOException e) {
      throw new IllegalArgumentException(flag.name() + ": " + e.getMessage(), e);
    }
  }

  /** A gateway would refuse these too, but it could not say so as clearly. */
  private static void checkKind(String token, String where, TokenKind expected) {
    Optional<TokenKind> kind = Token.kindOf(token);
    if (kind.isPresent() && kind.get() != expected) {
      throw new SettingsException(
          where
              + " has "
              + kind.get().possessive()
              + " token (expected: "
              + expected.possessive()
              + ")");
    }
    if (kind.isPresent()) {
      try {
        Token.check(token);
      } catch (IllegalArgumentException e) {
        throw new SettingsException(where + ": " + e.getMessage());
      }
    }
  }
}

package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenFileAuthorizer;
import dev.warren.gateway.access.TokenKind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;

/**
 * {@code warren token}: makes tokens. The secret goes to standard output and nothing else does; the
 * line for the gateway's file, which holds no secret, goes to standard error.
 */
final class TokenCommand {
  private static final Flag<String> ID =
      Flag.value(
          "--id",
          "SESSIONS",
          "The sessions it is good for: ids or patterns, separated by commas, as in foo or web-*",
          TokenCommand::word);

  /** Every session of every realm. */
  private static final String EVERYTHING = "*/*";

  private static final Flag<String> NAME =
      Flag.value("--name", "NAME", "Its holder, as logs show them", TokenCommand::word);

  static final Command COMMAND =
      Command.group(
          "token",
          "Make tokens and the lines by which a gateway knows them.",
          List.of(
              "warren token agent --id foo > foo.token 2>> agents.tokens",
              "warren token caller --id 'web-*' --name ci > ci.token 2>> callers.tokens",
              "warren token admin > admin.token 2>> admin.tokens",
              "warren token cluster > cluster.tokens",
              "openssl rand -hex 32 | tee my.token | warren token hash --id foo >> agents.tokens"),
          List.of(
              made(TokenKind.AGENT, "agent", "agents.tokens", "Make a token for an agent."),
              made(TokenKind.CALLER, "caller", "callers.tokens", "Make a token for a caller."),
              made(
                  TokenKind.ADMIN,
                  "admin",
                  "admin.tokens",
                  "Make a token for an operator, good for every session and what concerns none"
                      + " unless --id says otherwise."),
              Command.answering(
                  "cluster",
                  "Make a token for a cluster; all of its gateways read the same file.",
                  List.of("warren token cluster > cluster.tokens"),
                  List.of(),
                  (settings, terminal) -> {
                    terminal.out().println(Token.generate(TokenKind.CLUSTER, new SecureRandom()));
                    return ExitStatus.OK;
                  }),
              Command.answering(
                  "hash",
                  "Read a token from standard input and print the line for a gateway's file.",
                  List.of("warren token hash --id foo < foo.token >> agents.tokens"),
                  List.of(ID, NAME),
                  TokenCommand::hash)));

  private TokenCommand() {}

  private static Command made(TokenKind kind, String name, String file, String summary) {
    boolean forAll = kind == TokenKind.ADMIN;
    return Command.answering(
        name,
        summary + " The token goes to standard output, the line for the file to standard error.",
        List.of(
            forAll
                ? "warren token admin > admin.token 2>> " + file
                : "warren token " + name + " --id foo > foo.token 2>> " + file),
        List.of(ID, NAME),
        (settings, terminal) -> {
          String token = Token.generate(kind, new SecureRandom());
          String line =
              line(
                  token,
                  forAll ? settings.find(ID).orElse(EVERYTHING) : settings.get(ID),
                  settings);
          terminal.out().println(token);
          terminal.err().println(line);
          return ExitStatus.OK;
        });
  }

  private static String word(String text) {
    if (text.isEmpty() || text.chars().anyMatch(Character::isWhitespace)) {
      throw new IllegalArgumentException("a text without blanks");
    }
    return text;
  }

  private static String line(String token, String sessions, Settings settings) {
    String line =
        Token.hash(token)
            + "  "
            + sessions
            + settings.find(NAME).map(name -> "  " + name).orElse("");
    try {
      TokenFileAuthorizer.checkLine(line);
    } catch (IllegalArgumentException e) {
      throw new SettingsException(e.getMessage());
    }
    return line;
  }

  private static int hash(Settings settings, Terminal terminal) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(terminal.in(), StandardCharsets.UTF_8));
    String token = in.readLine();
    if (token == null) {
      throw new SettingsException("no token on standard input (expected: one line)");
    }
    try {
      Token.check(token.strip());
    } catch (IllegalArgumentException e) {
      throw new SettingsException(e.getMessage());
    }
    terminal.out().println(line(token.strip(), settings.get(ID), settings));
    return ExitStatus.OK;
  }
}

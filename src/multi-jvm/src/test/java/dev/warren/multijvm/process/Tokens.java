package dev.warren.multijvm.process;

import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;

/**
 * Tokens for agents, callers and an operator, as gateways off loopback want them; each is good for
 * every session.
 */
public final class Tokens {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Path agent;
  private final String caller;
  private final String operator;
  private final List<String> gatewayFlags;

  private Tokens(Path agent, String caller, String operator, List<String> gatewayFlags) {
    this.agent = agent;
    this.caller = caller;
    this.operator = operator;
    this.gatewayFlags = gatewayFlags;
  }

  /** Makes them, and the gateways' files, in a directory that goes with this JVM. */
  public static Tokens make() throws IOException {
    Path directory = Files.createTempDirectory("warren-tokens-");
    directory.toFile().deleteOnExit();
    String agent = Token.generate(TokenKind.AGENT, RANDOM);
    String caller = Token.generate(TokenKind.CALLER, RANDOM);
    String operator = Token.generate(TokenKind.ADMIN, RANDOM);
    return new Tokens(
        write(directory.resolve("agent.token"), agent),
        caller,
        operator,
        List.of(
            "--agent-tokens",
            rule(directory.resolve("agents.tokens"), agent),
            "--caller-tokens",
            rule(directory.resolve("callers.tokens"), caller),
            "--admin-tokens",
            rule(directory.resolve("admins.tokens"), operator),
            "--behind-tls-proxy"));
  }

  private static String rule(Path file, String token) throws IOException {
    return write(file, Token.hash(token) + "  */*").toString();
  }

  private static Path write(Path file, String line) throws IOException {
    Files.writeString(file, line + "\n");
    file.toFile().deleteOnExit();
    return file;
  }

  /** What a gateway is told. */
  public List<String> gatewayFlags() {
    return gatewayFlags;
  }

  /** What an agent is told. */
  public List<String> agentFlags() {
    return List.of("--token-file", agent.toString());
  }

  /** What callers send. */
  List<String> callerHeaders() {
    return List.of("X-Warren-Authorization: Bearer " + caller);
  }

  /** What an operator sends. */
  List<String> operatorHeaders() {
    return List.of("Authorization: Bearer " + operator);
  }
}

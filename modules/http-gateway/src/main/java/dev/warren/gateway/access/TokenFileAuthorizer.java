package dev.warren.gateway.access;

import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.access.TokenRules.Rule;
import dev.warren.peer.watch.FileWatch;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Judges by tokens whose hashes stand in files, one for agents, one for callers and one for
 * operators (the format is {@link TokenRules}'s). A change of a file holds from the next second on.
 *
 * <p>An agent shows its token in {@code X-Tunnel-Token} or {@code Authorization: Bearer}; a caller
 * in {@code X-Warren-Authorization: Bearer} or {@code Proxy-Authorization}, Bearer or Basic. Where
 * both are there, the first counts: the second may be meant for somebody on the way. {@code
 * Authorization} of a caller is never looked at, because it belongs to the target. An operator
 * shows theirs in {@code Authorization: Bearer}; what concerns no one session is for those whose
 * token is good for every session, {@code *&#47;*}.
 */
public final class TokenFileAuthorizer implements Authorizer {
  private static final String AGENT_EXPECTS =
      "Authorization: Bearer TOKEN, or X-Tunnel-Token: TOKEN";
  private static final String CALLER_EXPECTS =
      "Proxy-Authorization with Bearer TOKEN, or with Basic and the token as password, or"
          + " X-Warren-Authorization: Bearer TOKEN";
  private static final String OPERATOR_EXPECTS = "Authorization: Bearer TOKEN";

  /** Null where nobody has to show a token. */
  private final Supplier<TokenRules> agents;

  private final Supplier<TokenRules> callers;

  /** Null where nobody may administer here. */
  private final Supplier<TokenRules> operators;

  private TokenFileAuthorizer(
      Supplier<TokenRules> agents, Supplier<TokenRules> callers, Supplier<TokenRules> operators) {
    this.agents = agents;
    this.callers = callers;
    this.operators = operators;
  }

  /**
   * The authorizer for these files: where one is not given, its kind of client needs no token
   * ({@link GatewaySettings} allows that on loopback only).
   *
   * @throws IllegalArgumentException where a file cannot be read or is wrong
   */
  public static Authorizer of(GatewaySettings.Tokens files, FileWatch watch) {
    if (files.agents().isEmpty() && files.callers().isEmpty()) {
      return new OpenAuthorizer();
    }
    return new TokenFileAuthorizer(
        rules("--agent-tokens", files.agents(), watch),
        rules("--caller-tokens", files.callers(), watch),
        null);
  }

  /**
   * The authorizer of the API for operators, who need no token where there is no file ({@link
   * GatewaySettings} allows that on loopback only).
   *
   * @throws IllegalArgumentException where the file cannot be read or is wrong
   */
  public static Authorizer ofOperators(Optional<Path> file, FileWatch watch) {
    return file.isEmpty()
        ? new OpenAuthorizer()
        : new TokenFileAuthorizer(null, null, rules("--admin-tokens", file, watch));
  }

  private static Supplier<TokenRules> rules(String flag, Optional<Path> file, FileWatch watch) {
    if (file.isEmpty()) {
      return null;
    }
    Path path = file.get();
    return watch.watch(
        flag,
        List.of(path),
        TokenRules.MAX_FILE_BYTES,
        contents -> TokenRules.parse(path, contents.get(0)));
  }

  /**
   * Checks one line of a token file.
   *
   * @throws IllegalArgumentException where a file with it would be refused
   */
  public static void checkLine(String line) {
    TokenRules.checkLine(line);
  }

  @Override
  public Decision judge(AccessRequest request) {
    return switch (request.action()) {
      case ATTACH -> judge(request, TokenKind.AGENT, agents, AGENT_EXPECTS);
      case DIAL, CALL -> judge(request, TokenKind.CALLER, callers, CALLER_EXPECTS);
      case ADMIN ->
          operators == null
              ? new Decision.Forbidden("nobody may administer here")
              : judge(request, TokenKind.ADMIN, operators, OPERATOR_EXPECTS);
    };
  }

  private static Decision judge(
      AccessRequest request, TokenKind kind, Supplier<TokenRules> rules, String expected) {
    if (rules == null) {
      return new Decision.Allowed(Principal.ANONYMOUS);
    }
    HttpHeaders headers = request.head().headers();
    String token;
    try {
      token =
          switch (kind) {
            case AGENT -> agentToken(headers);
            case CALLER -> callerToken(headers);
            default -> bearer(single(headers, HttpHeaderNames.AUTHORIZATION));
          };
    } catch (IllegalArgumentException e) {
      return new Decision.Unauthenticated(e.getMessage() + " (expected: " + expected + ")");
    }
    if (token.isEmpty()) {
      return new Decision.Unauthenticated("no token (expected: " + expected + ")");
    }
    Optional<TokenKind> shown = Token.kindOf(token);
    if (shown.isPresent() && shown.get() != kind) {
      return new Decision.Unauthenticated(
          shown.get().possessive() + " token (expected: " + kind.possessive() + ")");
    }
    Optional<Rule> rule =
        token.length() > Token.MAX_CHARS ? Optional.empty() : rules.get().of(token);
    if (rule.isEmpty()) {
      return new Decision.Unauthenticated("unknown token");
    }
    String name = rule.get().principal().name();
    if (request.action() == Action.CALL) {
      return new Decision.Allowed(rule.get().principal());
    }
    if (request.session() == null) {
      if (!rule.get().coversEverything()) {
        return new Decision.Forbidden(
            "the token of " + name + " is good for some sessions only (expected: one for */*)");
      }
    } else if (!rule.get().covers(request.session())) {
      return new Decision.Forbidden("the token of " + name + mayNot(kind) + request.session());
    }
    return new Decision.Allowed(rule.get().principal());
  }

  private static String mayNot(TokenKind kind) {
    return switch (kind) {
      case AGENT -> " may not attach as ";
      case CALLER -> " may not dial through ";
      default -> " may not administer ";
    };
  }

  private static String agentToken(HttpHeaders headers) {
    String direct = single(headers, CredentialHeaders.X_TUNNEL_TOKEN);
    return direct.isEmpty() ? bearer(single(headers, HttpHeaderNames.AUTHORIZATION)) : direct;
  }

  private static String callerToken(HttpHeaders headers) {
    String ours = single(headers, CredentialHeaders.X_WARREN_AUTHORIZATION);
    if (!ours.isEmpty()) {
      return bearer(ours);
    }
    String proxy = single(headers, CredentialHeaders.PROXY_AUTHORIZATION);
    return proxy.regionMatches(true, 0, "Basic ", 0, 6)
        ? basic(proxy.substring(6).strip())
        : bearer(proxy);
  }

  /** Two values could be read differently by us and by whoever stands before us. */
  private static String single(HttpHeaders headers, CharSequence name) {
    List<String> values = headers.getAll(name);
    if (values.size() > 1) {
      throw new IllegalArgumentException(name + " given " + values.size() + " times");
    }
    return values.isEmpty() ? "" : values.get(0).strip();
  }

  private static String bearer(String value) {
    if (value.isEmpty()) {
      return "";
    }
    if (!value.regionMatches(true, 0, "Bearer ", 0, 7)) {
      throw new IllegalArgumentException("a scheme that is not Bearer");
    }
    return value.substring(7).strip();
  }

  /** The token is the password; or the user's name, where there is no password. */
  private static String basic(String encoded) {
    byte[] decoded;
    try {
      decoded = Base64.getDecoder().decode(encoded);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("Basic credentials that are no base 64", e);
    }
    String pair = new String(decoded, StandardCharsets.UTF_8);
    int colon = pair.indexOf(':');
    String password = pair.substring(colon + 1);
    return password.isEmpty() && colon > 0 ? pair.substring(0, colon) : password;
  }
}

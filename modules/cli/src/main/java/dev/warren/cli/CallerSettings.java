package dev.warren.cli;

import dev.warren.agent.connect.TokenSource;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.client.DialException;
import dev.warren.client.Warren;
import dev.warren.client.WarrenSettings;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What the commands of callers share: which gateway, who asks, and what a failure means. */
final class CallerSettings {
  private static final Flag<List<String>> GATEWAY =
      Flag.list(
          "--gateway",
          "URL,...",
          "[,\\s]+",
          "A gateway, http://HOST:PORT or https://HOST:PORT; of several the next is tried where one"
              + " cannot be reached",
          CallerSettings::gateway);
  private static final Flag<Path> TOKEN_FILE =
      Flag.value(
          "--token-file",
          "FILE",
          "The caller's token; or the token itself in " + TokenSetting.VARIABLE,
          Parse::path);
  private static final Flag<Path> CA =
      Flag.value(
          "--ca",
          "FILE",
          "Certificate authorities in PEM for https:// gateways, in place of Java's",
          Parse::path);
  private static final Flag<Duration> DIAL_TIMEOUT =
      Flag.value(
          "--dial-timeout",
          "DURATION",
          "How long a target may take to accept",
          Parse.duration(Duration.ofMillis(10), Duration.ofHours(1)));

  static final List<Flag<?>> FLAGS = List.of(GATEWAY, TOKEN_FILE, CA, DIAL_TIMEOUT);

  /** Where they stand in a config file. */
  static final String BLOCK = "caller";

  private CallerSettings() {}

  private static String gateway(String text) {
    WarrenSettings.of(text);
    return text;
  }

  static Warren connect(Settings settings, Terminal terminal, String command) throws IOException {
    try {
      TokenSource token =
          TokenSetting.read(settings, terminal.environment(), TOKEN_FILE, TokenKind.CALLER);
      WarrenSettings made =
          WarrenSettings.of(String.join(",", settings.get(GATEWAY)))
              .withToken(token::token)
              .withDialTimeout(settings.get(DIAL_TIMEOUT))
              .withSoftware("warren-" + command);
      Optional<Path> ca = settings.find(CA);
      return Warren.connect(ca.isPresent() ? made.withCa(ca.get()) : made);
    } catch (IllegalArgumentException e) {
      throw settings.refused(e);
    }
  }

  /** By which a script tells the failures apart. */
  static int status(DialException failure) {
    return switch (failure.reason()) {
      case GATEWAY_UNREACHABLE -> ExitStatus.GATEWAY_UNREACHABLE;
      case UNAUTHORIZED, FORBIDDEN -> ExitStatus.FORBIDDEN;
      case UNKNOWN_SESSION, OFFLINE -> ExitStatus.OFFLINE;
      case REFUSED, TIMED_OUT -> ExitStatus.REFUSED;
      case OVERLOADED, UNSUPPORTED, BROKEN -> ExitStatus.FAILED;
    };
  }
}

package dev.warren.agent.connect;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Which proxy leads to a gateway, from the environment, with the meaning that curl gives it:
 *
 * <ul>
 *   <li>{@code HTTPS_PROXY} for {@code wss://}, {@code HTTP_PROXY} for {@code ws://}, else {@code
 *       ALL_PROXY}; each also in lower case, which comes first. (curl does not read {@code
 *       HTTP_PROXY} in capitals, because a web server's CGI programs get it from strangers; an
 *       agent is no such program.) An empty value means: no proxy.
 *   <li>{@code NO_PROXY} names what is reached directly, separated by commas or blanks: {@code *}
 *       everything, a name itself and all below it (with or without a dot in front), an address, or
 *       a range of addresses ({@code 10.0.0.0/8}), compared with the host as written, not resolved.
 * </ul>
 */
public final class ProxyRules {
  public static final ProxyRules NONE =
      new ProxyRules(Optional.empty(), Optional.empty(), List.of());

  private final Optional<Proxy> forPlain;
  private final Optional<Proxy> forTls;
  private final List<String> direct;

  private ProxyRules(Optional<Proxy> forPlain, Optional<Proxy> forTls, List<String> direct) {
    this.forPlain = forPlain;
    this.forTls = forTls;
    this.direct = direct;
  }

  /**
   * Reads an environment.
   *
   * @throws IllegalArgumentException where a variable has no meaning; the message names it and what
   *     was expected
   */
  public static ProxyRules of(Map<String, String> environment) {
    return new ProxyRules(
        proxy(environment, "HTTP_PROXY"),
        proxy(environment, "HTTPS_PROXY"),
        direct(value(environment, "NO_PROXY").orElse("")));
  }

  private static Optional<Proxy> proxy(Map<String, String> environment, String name) {
    for (String variable : List.of(name, "ALL_PROXY")) {
      Optional<String> value = value(environment, variable);
      if (value.isPresent()) {
        return value.filter(text -> !text.isEmpty()).map(text -> Proxy.parse(variable, text));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> value(Map<String, String> environment, String variable) {
    String lower = environment.get(variable.toLowerCase(Locale.ROOT));
    return Optional.ofNullable(lower == null ? environment.get(variable) : lower).map(String::trim);
  }

  private static List<String> direct(String list) {
    List<String> entries = new ArrayList<>();
    for (String entry : list.toLowerCase(Locale.ROOT).split("[,\\s]+", -1)) {
      if (!entry.isEmpty()) {
        entries.add(entry);
      }
    }
    return List.copyOf(entries);
  }

  /** The proxy that leads to the gateway, if any. */
  public Optional<Proxy> proxyFor(GatewayAddress gateway) {
    HostText host = HostText.of(gateway.host());
    return direct.stream().anyMatch(entry -> isDirect(entry, host))
        ? Optional.empty()
        : gateway.tls() ? forTls : forPlain;
  }

  private static boolean isDirect(String entry, HostText host) {
    if (entry.equals("*")) {
      return true;
    }
    if (host instanceof HostText.Name name) {
      String plain = entry.startsWith(".") ? entry.substring(1) : entry;
      String suffix = plain.endsWith(".") ? plain.substring(0, plain.length() - 1) : plain;
      return name.name().equals(suffix) || name.name().endsWith("." + suffix);
    }
    return host instanceof HostText.Address literal && contains(entry, literal);
  }

  private static boolean contains(String entry, HostText.Address literal) {
    try {
      return AddressRange.parse(entry.replace("[", "").replace("]", ""))
          .contains(literal.address());
    } catch (IllegalArgumentException e) {
      return false; // a name, which no address is below of
    }
  }
}

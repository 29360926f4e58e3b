package dev.warren.agent.rules;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import dev.warren.protocol.Target;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What callers may reach through the agent: everything that one entry of {@code --allow} allows,
 * and nothing else. Entries:
 *
 * <ul>
 *   <li>{@code 10.1.0.0/16:443,8443}, {@code [fd00::/8]:8000-8080}, {@code 10.1.2.3}, {@code
 *       [::1]:*}: addresses, whichever name was asked for;
 *   <li>{@code db.internal:5432}, {@code *.svc.local:80-90}: names as the caller wrote them ({@code
 *       *.} stands for one or more labels), and then whatever address they have;
 *   <li>{@code *} or {@code *:443}: every host;
 *   <li>{@code unix//run/app/*.sock}: sockets of the Unix domain. The path is compared as text, so
 *       whoever may write in the directory may put a link there.
 * </ul>
 *
 * <p>Without ports an entry allows every port. TCP rules are judged after a name was resolved, on
 * the very address that is then dialled. Unspecified, link-local, multicast, broadcast and metadata
 * addresses are allowed only by an entry that names nothing but such addresses, as {@code
 * 169.254.169.254} or {@code 169.254.0.0/16} do and {@code *}, a name, and {@code 0.0.0.0/0} do
 * not.
 */
public final class AllowRules {
  /** The default: this machine's loopback addresses, every port, no sockets of the Unix domain. */
  public static final AllowRules LOOPBACK = parse(List.of("127.0.0.0/8", "::1"));

  /** More entries than this are a mistake, and every dial looks at them. */
  public static final int MAX_RULES = 1_024;

  private final List<AllowRule> rules;

  private AllowRules(List<AllowRule> rules) {
    this.rules = rules;
  }

  /**
   * Reads entries; they take the place of the default.
   *
   * @throws IllegalArgumentException where one of them is none, or there are none at all; the
   *     message names it and what was expected
   */
  public static AllowRules parse(List<String> entries) {
    if (entries.isEmpty() || entries.size() > MAX_RULES) {
      throw new IllegalArgumentException(
          "--allow: " + entries.size() + " entries (expected: 1 to " + MAX_RULES + ")");
    }
    return new AllowRules(entries.stream().map(AllowRule::parse).toList());
  }

  /**
   * Judges an address that the target's host has.
   *
   * @param host what the caller asked for
   */
  public Verdict judge(Target.Tcp target, HostText host, InetAddress address) {
    Optional<SpecialAddresses.Special> special = SpecialAddresses.of(address);
    for (AllowRule rule : rules) {
      if ((rule instanceof AllowRule.ByAddress byAddress
              && byAddress.allows(address, target.port(), special))
          || (rule instanceof AllowRule.ByName byName
              && special.isEmpty()
              && byName.allows(host, target.port()))) {
        return Verdict.ALLOWED;
      }
    }
    return new Verdict.Forbidden(
        "the agent does not allow "
            + target
            + (host instanceof HostText.Name ? ", which is " + HostText.shown(address) : "")
            + special.map(s -> ", " + s.what()).orElse("")
            + " (needed there: --allow "
            + new AllowRule.ByAddress(
                AddressRange.of(address), PortSet.parse(Integer.toString(target.port())))
            + (host instanceof HostText.Name name && special.isEmpty()
                ? " or --allow " + name.name() + ":" + target.port()
                : "")
            + ")");
  }

  /** Judges a socket of the Unix domain. */
  public Verdict judge(Target.Unix target) {
    if (AllowRule.isPlainPath(target.path())) {
      for (AllowRule rule : rules) {
        if (rule instanceof AllowRule.BySocket bySocket && bySocket.allows(target.path())) {
          return Verdict.ALLOWED;
        }
      }
    }
    return new Verdict.Forbidden(
        "the agent does not allow " + target + " (needed there: --allow " + target + ")");
  }

  /** The entries, separated by a blank, as they could be given again. */
  @Override
  public String toString() {
    return rules.stream().map(AllowRule::toString).collect(Collectors.joining(" "));
  }
}

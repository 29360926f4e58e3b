package dev.warren.agent.connect;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Which of the addresses that gateways advertise an agent may dial. What a gateway says is not
 * trusted: an agent that dialled whatever it is told could be sent into its own network.
 *
 * <ul>
 *   <li>With {@code wss://} the certificate of the {@code --connect} name decides before the token
 *       is sent; so any address will do, except loopback and link-local ones that no rule names.
 *   <li>With {@code ws://} only what a rule names: without {@code --allow-gateways} the hosts given
 *       in {@code --connect}, all names below them, and the /24 or /64 around them.
 * </ul>
 */
public final class GatewayRules {
  private static final int NEIGHBOURS_IPV4_BITS = 24;
  private static final int NEIGHBOURS_IPV6_BITS = 64;

  private final List<String> names;
  private final List<AddressRange> ranges;

  private GatewayRules(List<String> names, List<AddressRange> ranges) {
    this.names = List.copyOf(names);
    this.ranges = List.copyOf(ranges);
  }

  /**
   * Rules as {@code --allow-gateways} has them: a name stands for itself and all below it, an
   * address for itself, {@code ADDRESS/BITS} for a block.
   *
   * @throws IllegalArgumentException where a rule is none; the message says what was expected
   */
  public static GatewayRules parse(List<String> rules) {
    List<String> names = new ArrayList<>();
    List<AddressRange> ranges = new ArrayList<>();
    for (String rule : rules) {
      HostText host = HostText.of(rule);
      if (host instanceof HostText.Name name) {
        names.add(name.name());
      } else {
        try {
          ranges.add(AddressRange.parse(rule));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(
              "--allow-gateways \""
                  + rule.replaceAll("\\p{Cntrl}", "?")
                  + "\" (expected: a host name, an address, or "
                  + e.getMessage()
                  + ")",
              e);
        }
      }
    }
    return new GatewayRules(names, ranges);
  }

  /** The default: what stands near the gateways that were given. */
  public static GatewayRules near(List<GatewayAddress> gateways) {
    List<String> names = new ArrayList<>();
    List<AddressRange> ranges = new ArrayList<>();
    for (GatewayAddress gateway : gateways) {
      HostText host = HostText.of(gateway.host());
      if (host instanceof HostText.Name name) {
        names.add(name.name());
        if (name.isLocalhost()) {
          ranges.add(AddressRange.parse("127.0.0.0/" + NEIGHBOURS_IPV4_BITS));
          ranges.add(AddressRange.parse("::1"));
        }
      } else if (host instanceof HostText.Address literal) {
        boolean four = literal.address().getAddress().length == 4;
        ranges.add(
            AddressRange.around(
                literal.address(), four ? NEIGHBOURS_IPV4_BITS : NEIGHBOURS_IPV6_BITS));
      }
    }
    return new GatewayRules(names, ranges);
  }

  /** What became of an advertised address. */
  public sealed interface Judgement {}

  /** It may be dialled; a name's addresses are still to be judged by {@link #mayDial}. */
  public record Allowed(DirectAddress address) implements Judgement {}

  /**
   * It may not.
   *
   * @param reason for the log
   */
  public record Refused(String reason) implements Judgement {}

  /**
   * Judges what a gateway advertises: {@code HOST:PORT}, or a whole {@code ws://} or {@code wss://}
   * address, whose scheme must be that of ours.
   *
   * @param connect the address whose place it would take
   */
  public Judgement judge(String advertised, GatewayAddress connect) {
    String scheme = connect.tls() ? "wss://" : "ws://";
    GatewayAddress address;
    try {
      boolean whole = advertised.contains("://");
      if (whole && !advertised.startsWith(scheme)) {
        return new Refused("not " + scheme + ", as " + connect + " is");
      }
      String text = whole ? advertised : scheme + advertised;
      if (!text.matches("wss?://[^/?#@]+:[0-9]{1,5}(/.*)?")) {
        return new Refused("no HOST:PORT");
      }
      address = GatewayAddress.parse(text);
    } catch (IllegalArgumentException e) {
      return new Refused("no HOST:PORT");
    }
    HostText host = HostText.of(address.host());
    DirectAddress direct = new DirectAddress(address.host(), address.port());
    if (host instanceof HostText.Address literal) {
      return mayDial(connect.tls(), host, literal.address())
          ? new Allowed(direct)
          : new Refused(
              connect.tls()
                  ? "a loopback, link-local or group address that --allow-gateways does not name"
                  : "not among --allow-gateways");
    }
    if (host instanceof HostText.Name name) {
      return connect.tls() || names(name) || name.isLocalhost() && !ranges.isEmpty()
          ? new Allowed(direct)
          : new Refused("not among --allow-gateways");
    }
    return new Refused(((HostText.Malformed) host).reason());
  }

  /**
   * Whether this address may be dialled.
   *
   * @param host which had the address, by itself or by a look-up
   */
  public boolean mayDial(boolean tls, HostText host, InetAddress address) {
    if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
      return false; // the first of them is this machine, to most systems
    }
    for (AddressRange range : ranges) {
      if (range.contains(address)) {
        return true;
      }
    }
    boolean near = address.isLoopbackAddress() || address.isLinkLocalAddress();
    return !near && (tls || host instanceof HostText.Name name && names(name));
  }

  private boolean names(HostText.Name name) {
    for (String each : names) {
      if (name.name().equals(each) || name.name().endsWith("." + each)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    List<Object> all = new ArrayList<>(names);
    all.addAll(ranges);
    return all.toString();
  }
}

package dev.warren.agent.rules;

import dev.warren.agent.net.AddressRange;
import dev.warren.agent.net.HostText;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Addresses that no rule allows in passing, only a rule whose whole range lies within theirs: a
 * name must not lead to a cloud's metadata service, and {@code --allow 0.0.0.0/0} is not meant to
 * open it. Linux connects {@code 0.0.0.0} and {@code ::} to this machine itself.
 */
final class SpecialAddresses {
  private static final List<Special> SPECIAL =
      List.of(
          special("an unspecified address", "0.0.0.0/8"),
          special("an unspecified address", "::"),
          special("a link-local address", "169.254.0.0/16"),
          special("a link-local address", "fe80::/10"),
          special("a cloud's metadata address", "fd00:ec2::254"),
          special("a multicast address", "224.0.0.0/4"),
          special("a multicast address", "ff00::/8"),
          special("a broadcast address", "255.255.255.255"));

  /** IPv6 ranges whose addresses carry an IPv4 address, and at which byte. */
  private static final List<Embedding> EMBEDDINGS =
      List.of(
          new Embedding(AddressRange.parse("::/96"), 12),
          new Embedding(AddressRange.parse("::ffff:0:0:0/96"), 12),
          new Embedding(AddressRange.parse("64:ff9b::/96"), 12),
          new Embedding(AddressRange.parse("2002::/16"), 2));

  private static final AddressRange LOOPBACK_4 = AddressRange.parse("127.0.0.0/8");
  private static final AddressRange LOOPBACK_6 = AddressRange.parse("::1");

  /**
   * @param what for the message to the caller
   * @param range where a rule must lie that allows it
   */
  record Special(String what, AddressRange range) {}

  private record Embedding(AddressRange range, int firstByte) {}

  private SpecialAddresses() {}

  private static Special special(String what, String range) {
    return new Special(what, AddressRange.parse(range));
  }

  /** What is special about the address, if anything. */
  static Optional<Special> of(InetAddress address) {
    for (Special special : SPECIAL) {
      if (special.range.contains(address)) {
        return Optional.of(special);
      }
    }
    return LOOPBACK_6.contains(address) ? Optional.empty() : embedded(address);
  }

  /** A translator on the way (NAT64, 6to4) may lead to the IPv4 address within. */
  private static Optional<Special> embedded(InetAddress address) {
    for (Embedding embedding : EMBEDDINGS) {
      if (embedding.range.contains(address)) {
        InetAddress within = ipv4(address.getAddress(), embedding.firstByte);
        if (LOOPBACK_4.contains(within) || of(within).isPresent()) {
          return Optional.of(
              new Special(
                  "an address that stands for " + HostText.shown(within),
                  AddressRange.of(address)));
        }
      }
    }
    return Optional.empty();
  }

  private static InetAddress ipv4(byte[] address, int firstByte) {
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(address, firstByte, firstByte + 4));
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an IPv4 address", e);
    }
  }
}

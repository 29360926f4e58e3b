package dev.warren.agent.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * A block of IP addresses: {@code 10.0.0.0/8}, {@code fd00::/8}, or one address. An IPv4-mapped
 * IPv6 address ({@code ::ffff:10.0.0.1}) is the IPv4 address that it stands for, since that is what
 * a socket connects to.
 */
public final class AddressRange {
  private static final int IPV4_BYTES = 4;

  private final byte[] network;
  private final int prefixBits;

  private AddressRange(byte[] network, int prefixBits) {
    this.network = network;
    this.prefixBits = prefixBits;
  }

  public static AddressRange of(InetAddress address) {
    byte[] bytes = address.getAddress();
    return new AddressRange(bytes, bytes.length * 8);
  }

  /** The block of so many leading bits that an address lies in. */
  public static AddressRange around(InetAddress address, int bits) {
    return new AddressRange(masked(address.getAddress(), bits), bits);
  }

  /**
   * Reads {@code ADDRESS} or {@code ADDRESS/BITS}; no name is ever looked up.
   *
   * @throws IllegalArgumentException where it is neither, or where bits are set behind the prefix
   *     (a slip that would silently mean another block); the message says what was expected
   */
  public static AddressRange parse(String text) {
    int slash = text.indexOf('/');
    String host = slash < 0 ? text : text.substring(0, slash);
    if (!(HostText.of(host) instanceof HostText.Address literal)) {
      throw new IllegalArgumentException("an address, or ADDRESS/BITS as in 10.0.0.0/8");
    }
    byte[] address = literal.address().getAddress();
    int width = address.length * 8;
    int bits = slash < 0 ? width : prefix(text.substring(slash + 1), width, host);
    byte[] masked = masked(address, bits);
    if (!Arrays.equals(masked, address)) {
      throw new IllegalArgumentException(
          "no bits behind the prefix, as in " + shown(masked) + "/" + bits);
    }
    return new AddressRange(masked, bits);
  }

  private static int prefix(String digits, int width, String host) {
    int written = width == IPV4_BYTES * 8 && host.indexOf(':') >= 0 ? 128 : width;
    if (digits.isEmpty()
        || digits.length() > 3
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')
        || Integer.parseInt(digits) > written
        || Integer.parseInt(digits) < written - width) {
      throw new IllegalArgumentException(
          "a prefix of " + (written - width) + " to " + written + " bits");
    }
    // A block of mapped addresses is written with the 96 bits in front of the IPv4 address.
    return Integer.parseInt(digits) - (written - width);
  }

  private static byte[] masked(byte[] address, int bits) {
    byte[] masked = new byte[address.length];
    for (int i = 0; i < address.length; i++) {
      int kept = Math.max(0, Math.min(8, bits - 8 * i));
      masked[i] = (byte) (address[i] & 0xff00 >> kept);
    }
    return masked;
  }

  public boolean contains(InetAddress address) {
    return contains(address.getAddress());
  }

  /** Whether every address of the other range is in this one. */
  public boolean contains(AddressRange other) {
    return other.prefixBits >= prefixBits && contains(other.network);
  }

  private boolean contains(byte[] address) {
    return address.length == network.length && Arrays.equals(masked(address, prefixBits), network);
  }

  private static String shown(byte[] address) {
    try {
      return HostText.shown(InetAddress.getByAddress(address));
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an address of " + address.length + " bytes", e);
    }
  }

  @Override
  public String toString() {
    return shown(network) + (prefixBits == network.length * 8 ? "" : "/" + prefixBits);
  }
}

package dev.warren.gateway.net;

import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * A block of IP addresses: {@code 10.0.0.0/8}, {@code fd00::/8}, or one address. An IPv4-mapped
 * IPv6 address ({@code ::ffff:10.0.0.1}) counts as the IPv4 address that it is.
 */
public final class Cidr {
  private final byte[] network;
  private final int prefixBits;

  private Cidr(byte[] network, int prefixBits) {
    this.network = network;
    this.prefixBits = prefixBits;
  }

  /**
   * Reads {@code ADDRESS} or {@code ADDRESS/BITS}; no name is ever looked up.
   *
   * @throws IllegalArgumentException where it is neither, or where bits are set behind the prefix
   *     (a slip of the pen that would silently mean another block)
   */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    byte[] address = addressBytes(slash < 0 ? text : text.substring(0, slash));
    if (address == null) {
      throw wrong(text, "ADDRESS/BITS, as in 10.0.0.0/8 or fd00::/8");
    }
    int width = address.length * 8;
    int bits = slash < 0 ? width : prefix(text, text.substring(slash + 1), width);
    byte[] masked = masked(address, bits);
    if (!Arrays.equals(masked, address)) {
      throw wrong(text, "no bits behind the prefix, as in " + shown(masked) + "/" + bits);
    }
    return new Cidr(masked, bits);
  }

  private static int prefix(String text, String digits, int width) {
    if (digits.isEmpty()
        || digits.length() > 3
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')
        || Integer.parseInt(digits) > width) {
      throw wrong(text, "0 to " + width + " bits");
    }
    return Integer.parseInt(digits);
  }

  private static byte[] addressBytes(String text) {
    if (text.indexOf('%') >= 0 || text.startsWith("[")) {
      return null;
    }
    byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
    return bytes == null ? null : unmapped(bytes);
  }

  private static byte[] unmapped(byte[] address) {
    if (address.length != 16) {
      return address;
    }
    for (int i = 0; i < 10; i++) {
      if (address[i] != 0) {
        return address;
      }
    }
    return address[10] == -1 && address[11] == -1 ? Arrays.copyOfRange(address, 12, 16) : address;
  }

  private static byte[] masked(byte[] address, int bits) {
    byte[] masked = address.clone();
    for (int i = 0; i < masked.length; i++) {
      int kept = Math.max(0, Math.min(8, bits - i * 8));
      masked[i] = (byte) (masked[i] & (0xff << (8 - kept)));
    }
    return masked;
  }

  public boolean contains(InetAddress address) {
    byte[] bytes =
        address instanceof Inet6Address ? unmapped(address.getAddress()) : address.getAddress();
    return bytes.length == network.length && Arrays.equals(masked(bytes, prefixBits), network);
  }

  private static IllegalArgumentException wrong(String text, String expected) {
    return new IllegalArgumentException(
        "address block \""
            + text.replaceAll("\\p{Cntrl}", "?")
            + "\" (expected: "
            + expected
            + ")");
  }

  private static String shown(byte[] address) {
    try {
      return NetUtil.toAddressString(InetAddress.getByAddress(address));
    } catch (UnknownHostException impossible) {
      throw new AssertionError(impossible); // the array is 4 or 16 bytes long
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Cidr that
        && prefixBits == that.prefixBits
        && Arrays.equals(network, that.network);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(network) * 31 + prefixBits;
  }

  /** The form that {@link #parse} reads. */
  @Override
  public String toString() {
    return shown(network) + "/" + prefixBits;
  }
}

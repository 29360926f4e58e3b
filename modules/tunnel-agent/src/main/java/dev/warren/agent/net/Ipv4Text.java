package dev.warren.agent.net;

/** IPv4 addresses as text, in their plain form only: {@link HostText} says why. */
final class Ipv4Text {
  private Ipv4Text() {}

  /** The four bytes of an address, or null. */
  static byte[] parse(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 4) {
      return null;
    }
    byte[] address = new byte[4];
    for (int i = 0; i < 4; i++) {
      String part = parts[i];
      if (part.isEmpty()
          || part.length() > 3
          || (part.length() > 1 && part.charAt(0) == '0')
          || !part.chars().allMatch(c -> c >= '0' && c <= '9')
          || Integer.parseInt(part) > 255) {
        return null;
      }
      address[i] = (byte) Integer.parseInt(part);
    }
    return address;
  }
}

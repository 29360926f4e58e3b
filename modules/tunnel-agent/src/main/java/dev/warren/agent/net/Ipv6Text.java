package dev.warren.agent.net;

/**
 * IPv6 addresses as text (RFC 4291, section 2.2). Read here because libraries differ about what
 * they make of {@code ::127.0.0.1}, which is not {@code ::ffff:127.0.0.1}.
 */
final class Ipv6Text {
  private static final int GROUPS = 8;
  private static final int GROUP_DIGITS = 4;

  private Ipv6Text() {}

  /**
   * The 16 bytes of an address, or null. A zone ({@code %eth0}) is not accepted: it would be lost
   * on the way and another interface would be dialled.
   */
  static byte[] parse(String text) {
    String hex = text;
    byte[] dotted = null;
    if (text.indexOf('.') >= 0) {
      int colon = text.lastIndexOf(':');
      dotted = Ipv4Text.parse(text.substring(colon + 1));
      if (dotted == null) {
        return null;
      }
      // The rest reads as if the last two groups were written out.
      hex = text.substring(0, colon + 1) + "0:0";
    }
    byte[] address = groups(hex);
    if (address != null && dotted != null) {
      System.arraycopy(dotted, 0, address, address.length - dotted.length, dotted.length);
    }
    return address;
  }

  private static byte[] groups(String text) {
    int gap = text.indexOf("::");
    String[] head = split(gap < 0 ? text : text.substring(0, gap));
    String[] tail = gap < 0 ? new String[0] : split(text.substring(gap + 2));
    int written = head.length + tail.length;
    if (gap < 0 ? written != GROUPS : written >= GROUPS) {
      return null;
    }
    byte[] address = new byte[2 * GROUPS];
    boolean fits = put(head, address, 0) && put(tail, address, GROUPS - tail.length);
    return fits ? address : null;
  }

  private static String[] split(String groups) {
    return groups.isEmpty() ? new String[0] : groups.split(":", -1);
  }

  private static boolean put(String[] groups, byte[] address, int firstGroup) {
    for (int i = 0; i < groups.length; i++) {
      String group = groups[i];
      if (group.isEmpty()
          || group.length() > GROUP_DIGITS
          || !group.chars().allMatch(c -> c < 0x80 && Character.digit(c, 16) >= 0)) {
        return false;
      }
      int value = Integer.parseInt(group, 16);
      address[2 * (firstGroup + i)] = (byte) (value >> 8);
      address[2 * (firstGroup + i) + 1] = (byte) value;
    }
    return true;
  }
}

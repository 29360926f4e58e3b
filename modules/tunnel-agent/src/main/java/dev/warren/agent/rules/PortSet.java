package dev.warren.agent.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Ports as a rule names them: {@code *}, or a list such as {@code 443,8000-8080}. */
record PortSet(List<Range> ranges) {
  static final int MAX_PORT = 65_535;
  static final PortSet ANY = new PortSet(List.of(new Range(1, MAX_PORT)));

  record Range(int first, int last) {
    @Override
    public String toString() {
      return first == last ? Integer.toString(first) : first + "-" + last;
    }
  }

  /**
   * Reads a list of ports.
   *
   * @throws IllegalArgumentException where it is none; the message says what was expected
   */
  static PortSet parse(String text) {
    if (text.equals("*")) {
      return ANY;
    }
    List<Range> ranges = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      int dash = part.indexOf('-');
      int first = port(dash < 0 ? part : part.substring(0, dash));
      int last = dash < 0 ? first : port(part.substring(dash + 1));
      if (last < first) {
        throw wrong();
      }
      ranges.add(new Range(first, last));
    }
    return new PortSet(List.copyOf(ranges));
  }

  private static int port(String digits) {
    if (digits.isEmpty()
        || digits.length() > 5
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw wrong();
    }
    int port = Integer.parseInt(digits);
    if (port < 1 || port > MAX_PORT) {
      throw wrong();
    }
    return port;
  }

  private static IllegalArgumentException wrong() {
    return new IllegalArgumentException("ports: *, or 1 to 65535 as in 443,8000-8080");
  }

  boolean contains(int port) {
    for (Range range : ranges) {
      if (port >= range.first && port <= range.last) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return equals(ANY)
        ? "*"
        : ranges.stream().map(Range::toString).collect(Collectors.joining(","));
  }
}

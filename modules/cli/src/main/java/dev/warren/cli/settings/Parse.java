package dev.warren.cli.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Reads the texts of settings. Each method throws IllegalArgumentException with what was expected,
 * and nothing else, as its message: {@link Settings} knows the rest. (A parser from elsewhere may
 * throw a whole sentence with "(expected: ...)" in it, which is then kept.)
 */
public final class Parse {
  private Parse() {}

  public static String text(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("a text that is not empty");
    }
    return text;
  }

  public static boolean yesOrNo(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "yes", "on", "1" -> true;
      case "false", "no", "off", "0" -> false;
      default -> throw new IllegalArgumentException("true or false");
    };
  }

  public static Path path(String text) {
    try {
      if (!text.isBlank()) {
        return Path.of(text);
      }
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("a path", e);
    }
    throw new IllegalArgumentException("a path");
  }

  /** {@code HOST:PORT}, with brackets around an IPv6 address; port 0 takes a free one. */
  public static InetSocketAddress address(String text) {
    String expected = "HOST:PORT, as in 127.0.0.1:8123 or [::1]:8123, with port 0 to 65535";
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (host.isEmpty() || (!bracketed && host.indexOf(':') >= 0)) {
      throw new IllegalArgumentException(expected);
    }
    int port;
    try {
      port = integer(0, 65_535).apply(text.substring(colon + 1));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(expected, e);
    }
    try {
      String bare = bracketed ? host.substring(1, host.length() - 1) : host;
      return new InetSocketAddress(InetAddress.getByName(bare), port);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("a host that has an address", e);
    }
  }

  public static Function<String, Integer> integer(int least, int most) {
    return text -> {
      try {
        int number = Integer.parseInt(text);
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Said below, as for a number that is too small or too large.
      }
      throw new IllegalArgumentException(
          most == Integer.MAX_VALUE
              ? "a whole number, at least " + least
              : "a whole number, " + least + " to " + most);
    };
  }

  public static Function<String, Duration> duration(Duration least, Duration most) {
    return text -> {
      String expected =
          "a duration with its unit, as in 500ms, 10s or 2m; "
              + shown(least)
              + " to "
              + shown(most);
      Duration duration;
      try {
        duration = one(text).getDuration("value");
      } catch (ConfigException e) {
        throw new IllegalArgumentException(expected, e);
      }
      // A bare number would be milliseconds; nobody who writes "--dial-timeout 10" means that.
      if (Character.isDigit(text.strip().charAt(text.strip().length() - 1))
          || duration.compareTo(least) < 0
          || duration.compareTo(most) > 0) {
        throw new IllegalArgumentException(expected);
      }
      return duration;
    };
  }

  private static String shown(Duration duration) {
    return duration.toString().substring(2).toLowerCase(Locale.ROOT);
  }

  /** Bytes, with or without a unit, or a share of the heap. */
  public static long memory(String text) {
    String expected = "a size, as in 64M, or a share of the heap, as in 25%";
    try {
      if (text.endsWith("%")) {
        int percent = integer(1, 100).apply(text.substring(0, text.length() - 1));
        return Runtime.getRuntime().maxMemory() / 100 * percent;
      }
      return one(text).getBytes("value");
    } catch (ConfigException | IllegalArgumentException e) {
      throw new IllegalArgumentException(expected, e);
    }
  }

  /** One grammar for units, whichever way a value comes. */
  private static Config one(String text) {
    return ConfigFactory.parseMap(Map.of("value", text));
  }

  /** A value of an enum by its name in small letters, with - in place of _. */
  public static <E extends Enum<E>> Function<String, E> oneOf(Class<E> type) {
    return text -> {
      List<E> values = Arrays.asList(type.getEnumConstants());
      for (E value : values) {
        if (nameOf(value).equals(text.toLowerCase(Locale.ROOT))) {
          return value;
        }
      }
      throw new IllegalArgumentException(
          values.stream().map(Parse::nameOf).collect(Collectors.joining(", ", "one of ", "")));
    };
  }

  private static String nameOf(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

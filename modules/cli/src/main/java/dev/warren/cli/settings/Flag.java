package dev.warren.cli.settings;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * One setting, under its three names: {@code --dial-timeout} on the command line, {@code
 * WARREN_DIAL_TIMEOUT} in the environment, {@code warren.gateway.dial-timeout} in a config file.
 * Its default, if it has one, stands in reference.conf.
 *
 * @param <T> what its text is read as
 */
public final class Flag<T> {
  /** How often and with what it may be given. */
  public enum Kind {
    /** Takes one value. */
    VALUE,
    /** May be repeated, and one value may hold several. */
    LIST,
    /**
     * Says yes by being there; takes {@code =false} too, so that a config file can be overruled.
     */
    SWITCH,
    /** Is no flag at all: it stands on the command line by itself, and has to. */
    OPERAND
  }

  private final String name;
  private final Kind kind;
  private final String label;
  private final String description;
  private final Pattern separator;
  private final Function<List<String>, T> parser;

  private Flag(
      String name,
      Kind kind,
      String label,
      String description,
      Pattern separator,
      Function<List<String>, T> parser) {
    this.name = Objects.requireNonNull(name);
    this.kind = kind;
    this.label = label;
    this.description = description;
    this.separator = separator;
    this.parser = parser;
  }

  /**
   * @param name with its dashes
   * @param label what stands for the value in the help
   * @param parser throws IllegalArgumentException, with what was expected as its message
   */
  public static <T> Flag<T> value(
      String name, String label, String description, Function<String, T> parser) {
    return new Flag<>(
        name, Kind.VALUE, label, description, null, texts -> parser.apply(texts.get(0)));
  }

  /**
   * @param separator what stands between the entries of one value
   */
  public static <T> Flag<List<T>> list(
      String name, String label, String separator, String description, Function<String, T> parser) {
    return new Flag<>(
        name,
        Kind.LIST,
        label,
        description,
        Pattern.compile(separator),
        texts -> texts.stream().map(parser).toList());
  }

  public static Flag<Boolean> toggle(String name, String description) {
    return new Flag<>(
        name, Kind.SWITCH, "", description, null, texts -> Parse.yesOrNo(texts.get(0)));
  }

  /**
   * @param label what stands for it in the help, and its name
   * @param parser throws IllegalArgumentException, with what was expected as its message
   */
  public static <T> Flag<T> operand(String label, String description, Function<String, T> parser) {
    return new Flag<>(
        label, Kind.OPERAND, label, description, null, texts -> parser.apply(texts.get(0)));
  }

  public String name() {
    return name;
  }

  public Kind kind() {
    return kind;
  }

  public String label() {
    return label;
  }

  public String description() {
    return description;
  }

  /** The last part of its path in a config file. */
  public String key() {
    return name.substring(2);
  }

  public String variable() {
    return "WARREN_" + key().toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /** The entries of one text; the text itself where the flag is no list. */
  List<String> split(String text) {
    if (kind != Kind.LIST) {
      return List.of(text);
    }
    return separator.splitAsStream(text.strip()).filter(entry -> !entry.isEmpty()).toList();
  }

  /**
   * @throws IllegalArgumentException with what was expected as its message
   */
  T parse(List<String> texts) {
    return parser.apply(texts);
  }

  @Override
  public String toString() {
    return name;
  }
}

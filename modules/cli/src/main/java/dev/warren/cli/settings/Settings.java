package dev.warren.cli.settings;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The settings of one start. The command line beats the environment, that beats the config file,
 * and that beats the defaults; a list is never put together from several of them.
 */
public final class Settings {
  private static final Pattern FLAG_NAME = Pattern.compile("--[a-z][a-z-]*");

  private final Map<Flag<?>, Found> found;
  private final Map<Flag<?>, String> ways;
  private final Optional<Path> file;
  private final Supplier<List<Settings>> blocks;

  /** Where a value was found. */
  public enum Source {
    /** A block of its own in a config file: what stands there is for nobody else. */
    BLOCK,
    COMMAND_LINE,
    ENVIRONMENT,
    FILE,
    DEFAULT
  }

  private record Found(List<String> texts, Source source, String where) {}

  private Settings(
      Map<Flag<?>, Found> found,
      Map<Flag<?>, String> ways,
      Optional<Path> file,
      Supplier<List<Settings>> blocks) {
    this.found = found;
    this.ways = ways;
    this.file = file;
    this.blocks = blocks;
  }

  /**
   * Finds the value of each flag of a command.
   *
   * @param given what stands on the command line, by the flag's name
   * @param file the config file, where there is one
   * @throws SettingsException where the file is wrong; values are checked when they are asked for
   */
  public static Settings resolve(
      Catalog catalog,
      String command,
      Map<String, List<String>> given,
      Map<String, String> environment,
      Optional<Path> file) {
    ConfigFile config = file.map(path -> ConfigFile.read(path, catalog)).orElse(ConfigFile.empty());
    return resolve(
        catalog,
        command,
        given,
        environment,
        config,
        file,
        () -> blocks(catalog, command, given, environment, file));
  }

  private static Settings resolve(
      Catalog catalog,
      String command,
      Map<String, List<String>> given,
      Map<String, String> environment,
      ConfigFile config,
      Optional<Path> file,
      Supplier<List<Settings>> blocks) {
    ConfigFile reference = ConfigFile.reference(catalog);
    Map<Flag<?>, Found> found = new HashMap<>();
    Map<Flag<?>, String> ways = new HashMap<>();
    for (Flag<?> flag : catalog.of(command)) {
      String path = catalog.path(command, flag);
      ways.put(flag, flag.name() + ", " + flag.variable() + " or " + path);
      find(flag, path, given, environment, config, reference)
          .ifPresent(value -> found.put(flag, value));
    }
    return new Settings(found, ways, file, blocks);
  }

  private static List<Settings> blocks(
      Catalog catalog,
      String command,
      Map<String, List<String>> given,
      Map<String, String> environment,
      Optional<Path> file) {
    if (file.isEmpty() || !catalog.blocks().containsKey(command)) {
      return List.of();
    }
    ConfigFile config = ConfigFile.read(file.get(), catalog);
    Settings rest =
        resolve(catalog, command, given, environment, config, file, () -> List.<Settings>of());
    List<Settings> all = new ArrayList<>();
    String path = "warren." + command + "." + catalog.blocks().get(command);
    for (ConfigFile block : config.blocks(path)) {
      Map<Flag<?>, Found> found = new HashMap<>(rest.found);
      for (Flag<?> flag : catalog.commands().get(command)) {
        block
            .of(flag.key(), flag)
            .ifPresent(
                entry ->
                    found.put(
                        flag,
                        new Found(
                            entry.texts(), Source.BLOCK, "by " + path + "." + entry.where())));
      }
      all.add(new Settings(found, rest.ways, file, () -> List.<Settings>of()));
    }
    return List.copyOf(all);
  }

  /** For commands whose flags stand on the command line only, and have no defaults. */
  public static Settings ofCommandLine(
      Catalog catalog, String command, Map<String, List<String>> given) {
    return new Settings(Map.of(), Map.of(), Optional.empty(), () -> List.<Settings>of())
        .with(catalog.of(command), given);
  }

  /** The same with flags that stand on the command line only and have no defaults. */
  public Settings with(List<Flag<?>> typed, Map<String, List<String>> given) {
    Map<Flag<?>, Found> all = new HashMap<>(found);
    Map<Flag<?>, String> allWays = new HashMap<>(ways);
    for (Flag<?> flag : typed) {
      allWays.put(flag, flag.name() + " " + flag.label());
      List<String> texts = given.get(flag.name());
      if (texts != null) {
        all.put(flag, new Found(texts, Source.COMMAND_LINE, "on the command line"));
      }
    }
    return new Settings(all, allWays, file, blocks);
  }

  private static Optional<Found> find(
      Flag<?> flag,
      String path,
      Map<String, List<String>> given,
      Map<String, String> environment,
      ConfigFile config,
      ConfigFile reference) {
    List<String> typed = given.get(flag.name());
    if (typed != null) {
      List<String> texts = typed.stream().flatMap(text -> flag.split(text).stream()).toList();
      return Optional.of(new Found(texts, Source.COMMAND_LINE, "on the command line"));
    }
    String variable = environment.get(flag.variable());
    if (variable != null && !variable.isEmpty()) {
      return Optional.of(
          new Found(
              flag.split(variable),
              Source.ENVIRONMENT,
              "by " + flag.variable() + " in the environment"));
    }
    return config
        .of(path, flag)
        .map(entry -> new Found(entry.texts(), Source.FILE, "by " + entry.where()))
        .or(
            () ->
                reference
                    .of(path, flag)
                    .map(entry -> new Found(entry.texts(), Source.DEFAULT, "by default")));
  }

  /**
   * @throws SettingsException where the value is wrong
   */
  public <T> Optional<T> find(Flag<T> flag) {
    Found value = found.get(flag);
    if (value == null || value.texts().isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(flag.parse(value.texts()));
    } catch (IllegalArgumentException e) {
      // A complete message is its author's: it knows what of the value may be shown.
      String wrong =
          String.valueOf(e.getMessage()).contains("(expected: ")
              ? e.getMessage()
              : "\""
                  + shown(String.join(" ", value.texts()))
                  + "\" (expected: "
                  + e.getMessage()
                  + ")";
      throw new SettingsException(flag + ": " + wrong + "; set " + value.where());
    }
  }

  /**
   * @throws SettingsException where there is no value, or a wrong one
   */
  public <T> T get(Flag<T> flag) {
    return find(flag)
        .orElseThrow(
            () ->
                new SettingsException(
                    flag
                        + " is missing (expected: "
                        + ways.get(flag)
                        + "): "
                        + flag.description()));
  }

  /** Whether a switch is on. */
  public boolean on(Flag<Boolean> flag) {
    return find(flag).orElse(false);
  }

  /** The config file, where there is one. */
  public Optional<Path> file() {
    return file;
  }

  /**
   * The blocks of the command's list in the config file, which is read again for it. What stands in
   * a block beats all else; what does not is as for the command.
   *
   * @throws SettingsException where the file is wrong
   */
  public List<Settings> blocks() {
    return blocks.get();
  }

  /** All texts, by flag: equal where all settings are. */
  public Map<String, List<String>> texts() {
    Map<String, List<String>> texts = new TreeMap<>();
    found.forEach((flag, value) -> texts.put(flag.name(), value.texts()));
    return texts;
  }

  public Source source(Flag<?> flag) {
    Found value = found.get(flag);
    return value == null ? Source.DEFAULT : value.source();
  }

  /**
   * What a settings record refused, with the sources of the flags that the text names: the record
   * does not know where its values came from.
   */
  public SettingsException refused(IllegalArgumentException refusal) {
    StringBuilder text = new StringBuilder(refusal.getMessage());
    String head = refusal.getMessage().lines().findFirst().orElse("");
    Matcher names = FLAG_NAME.matcher(head);
    while (names.find()) {
      for (Map.Entry<Flag<?>, Found> entry : found.entrySet()) {
        if (entry.getKey().name().equals(names.group())
            && entry.getValue().source() != Source.DEFAULT) {
          text.append(System.lineSeparator())
              .append("(")
              .append(names.group())
              .append(" was set ")
              .append(entry.getValue().where())
              .append(")");
        }
      }
    }
    return new SettingsException(text.toString());
  }

  /** The defaults of a command's flags as the help shows them; those that have none are missing. */
  public static Map<Flag<?>, String> defaults(Catalog catalog, String command) {
    ConfigFile reference = ConfigFile.reference(catalog);
    Map<Flag<?>, String> defaults = new HashMap<>();
    for (Flag<?> flag : catalog.of(command)) {
      reference
          .of(catalog.path(command, flag), flag)
          .ifPresent(entry -> defaults.put(flag, String.join(" ", entry.texts())));
    }
    return defaults;
  }

  private static String shown(String value) {
    String cut = value.length() > 200 ? value.substring(0, 200) + "..." : value;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}

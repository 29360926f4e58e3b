package dev.warren.cli.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A config file in HOCON: the block {@code warren}, in it the settings that all commands share, and
 * a block for each command. One file may serve a gateway and an agent, so it is checked against all
 * commands, whichever is started: a key that nobody knows is an error and not a silent default.
 */
final class ConfigFile {
  private final Map<String, ConfigValue> values;

  /** What a file says about one flag. */
  record Entry(List<String> texts, String where) {}

  private ConfigFile(Map<String, ConfigValue> values) {
    this.values = values;
  }

  static ConfigFile empty() {
    return new ConfigFile(Map.of());
  }

  /** The defaults that ship with the program. */
  static ConfigFile reference(Catalog catalog) {
    return of(Shipped.CONFIG, catalog);
  }

  /**
   * Parsed once. It stands apart from the reference.conf at the root of the jar, because Pekko's is
   * there, forty times its size, and an agent needs none of it.
   */
  private static final class Shipped {
    static final Config CONFIG =
        ConfigFactory.parseResources(
            ConfigFile.class,
            "/dev/warren/cli/reference.conf",
            ConfigParseOptions.defaults().setAllowMissing(false));
  }

  /**
   * @throws SettingsException where the file cannot be read, or has a key that no command knows
   */
  static ConfigFile read(Path file, Catalog catalog) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new SettingsException("--config: \"" + file + "\" (expected: a file that can be read)");
    }
    try {
      ConfigParseOptions options =
          ConfigParseOptions.defaults().setSyntax(ConfigSyntax.CONF).setAllowMissing(false);
      return of(ConfigFactory.parseFile(file.toFile(), options).resolve(), catalog);
    } catch (ConfigException e) {
      throw new SettingsException("--config: " + e.getMessage());
    }
  }

  private static ConfigFile of(Config config, Catalog catalog) {
    Map<String, ConfigValue> values = new TreeMap<>();
    collect("", config.root(), values);
    Set<String> known = catalog.paths();
    for (Map.Entry<String, ConfigValue> value : values.entrySet()) {
      String command = catalog.commandOfBlocks(value.getKey());
      if (command != null) {
        checkBlocks(value.getKey(), value.getValue(), catalog.commands().get(command));
      } else if (!known.contains(value.getKey())) {
        throw new SettingsException(
            value.getKey()
                + ": no such setting, in "
                + where(value.getValue().origin())
                + " (expected: one of "
                + String.join(", ", related(value.getKey(), catalog))
                + ")");
      }
    }
    return new ConfigFile(values);
  }

  private static void checkBlocks(String path, ConfigValue value, List<Flag<?>> flags) {
    if (!(value instanceof ConfigList list)) {
      throw new SettingsException(
          path + ": in " + where(value.origin()) + " (expected: a list of blocks)");
    }
    TreeSet<String> known = new TreeSet<>();
    flags.forEach(flag -> known.add(flag.key()));
    for (ConfigValue element : list) {
      if (!(element instanceof ConfigObject block)) {
        throw new SettingsException(
            path + ": a plain value, in " + where(element.origin()) + " (expected: blocks)");
      }
      for (Map.Entry<String, ConfigValue> entry : block.entrySet()) {
        if (!known.contains(entry.getKey())) {
          throw new SettingsException(
              path
                  + "."
                  + entry.getKey()
                  + ": no such setting, in "
                  + where(entry.getValue().origin())
                  + " (expected: one of "
                  + String.join(", ", known)
                  + ")");
        }
      }
    }
  }

  /** The blocks of a list, each with the settings that stand in it. */
  List<ConfigFile> blocks(String path) {
    List<ConfigFile> blocks = new ArrayList<>();
    if (values.get(path) instanceof ConfigList list) {
      for (ConfigValue element : list) {
        blocks.add(new ConfigFile(new TreeMap<>((ConfigObject) element)));
      }
    }
    return blocks;
  }

  private static void collect(String prefix, ConfigObject block, Map<String, ConfigValue> into) {
    for (Map.Entry<String, ConfigValue> entry : block.entrySet()) {
      String path = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
      if (entry.getValue() instanceof ConfigObject inner) {
        collect(path, inner, into);
      } else if (entry.getValue().valueType() != ConfigValueType.NULL) {
        into.put(path, entry.getValue());
      }
    }
  }

  /** The settings of the same block, or all blocks where the block itself is unknown. */
  private static TreeSet<String> related(String path, Catalog catalog) {
    String block = path.substring(0, path.lastIndexOf('.') + 1);
    TreeSet<String> same = new TreeSet<>();
    TreeSet<String> blocks = new TreeSet<>();
    for (String known : catalog.paths()) {
      String knownBlock = known.substring(0, known.lastIndexOf('.') + 1);
      blocks.add(knownBlock + "*");
      if (knownBlock.equals(block)) {
        same.add(known);
      }
    }
    return same.isEmpty() ? blocks : same;
  }

  private static String where(ConfigOrigin origin) {
    String file = origin.filename() == null ? origin.description() : origin.filename();
    return origin.lineNumber() > 0 ? file + ", line " + origin.lineNumber() : file;
  }

  /**
   * @param path as in {@code warren.gateway.listen}
   * @throws SettingsException where the value is a list and the flag takes one value
   */
  Optional<Entry> of(String path, Flag<?> flag) {
    ConfigValue value = values.get(path);
    if (value == null) {
      return Optional.empty();
    }
    List<String> texts = new ArrayList<>();
    if (value instanceof ConfigList list) {
      if (flag.kind() != Flag.Kind.LIST) {
        throw new SettingsException(
            path + ": a list, in " + where(value.origin()) + " (expected: one value)");
      }
      for (ConfigValue element : list) {
        texts.addAll(flag.split(String.valueOf(element.unwrapped())));
      }
    } else {
      texts.addAll(flag.split(String.valueOf(value.unwrapped())));
    }
    return Optional.of(new Entry(texts, path + " in " + where(value.origin())));
  }
}

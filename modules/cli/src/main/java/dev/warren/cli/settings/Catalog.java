package dev.warren.cli.settings;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Every setting of every command: what a config file may contain.
 *
 * @param shared what all commands take; directly under {@code warren}
 * @param commands what each takes besides, under the command's name
 * @param blocks the commands that a config file may have several of, and the key of the list whose
 *     blocks hold settings of their own
 */
public record Catalog(
    List<Flag<?>> shared, Map<String, List<Flag<?>>> commands, Map<String, String> blocks) {
  public Catalog {
    shared = List.copyOf(shared);
    commands = Map.copyOf(commands);
    blocks = Map.copyOf(blocks);
  }

  /** Without lists of blocks. */
  public Catalog(List<Flag<?>> shared, Map<String, List<Flag<?>>> commands) {
    this(shared, commands, Map.of());
  }

  /** The command whose settings the blocks of a list at this path hold, or null. */
  String commandOfBlocks(String path) {
    for (Map.Entry<String, String> list : blocks.entrySet()) {
      if (path.equals("warren." + list.getKey() + "." + list.getValue())) {
        return list.getKey();
      }
    }
    return null;
  }

  /** What this command takes, with what all take. */
  public List<Flag<?>> of(String command) {
    List<Flag<?>> all = new ArrayList<>(commands.get(command));
    all.addAll(shared);
    return all;
  }

  /** Where a flag of this command stands in a config file. */
  public String path(String command, Flag<?> flag) {
    return shared.contains(flag) ? "warren." + flag.key() : "warren." + command + "." + flag.key();
  }

  Set<String> paths() {
    Set<String> paths = new HashSet<>();
    for (Map.Entry<String, List<Flag<?>>> command : commands.entrySet()) {
      for (Flag<?> flag : of(command.getKey())) {
        paths.add(path(command.getKey(), flag));
      }
    }
    return paths;
  }
}

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
 */
public record Catalog(List<Flag<?>> shared, Map<String, List<Flag<?>>> commands) {
  public Catalog {
    shared = List.copyOf(shared);
    commands = Map.copyOf(commands);
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

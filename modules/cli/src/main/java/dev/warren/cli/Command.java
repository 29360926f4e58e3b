package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import java.util.List;

/**
 * One command, or a group of them.
 *
 * @param name the word on the command line
 * @param summary one line of what it does
 * @param examples lines to paste, shown in its help
 * @param flags what it takes, besides what all take
 * @param typed what it takes on the command line only, because it belongs to one call; a flag of
 *     the kind OPERAND stands there without a name
 * @param fromOutside whether its flags may also come from the environment and a config file
 * @param block where its flags stand in a config file, below {@code warren}; commands that share it
 *     share those settings
 * @param action null for a group
 * @param parts the commands of a group
 */
record Command(
    String name,
    String summary,
    List<String> examples,
    List<Flag<?>> flags,
    List<Flag<?>> typed,
    boolean fromOutside,
    String block,
    Action action,
    List<Command> parts) {
  /** What a command does; the number is the exit status. */
  @FunctionalInterface
  interface Action {
    /**
     * @throws dev.warren.cli.settings.SettingsException where a setting is wrong: status 2
     * @throws Exception whatever else goes wrong: status 1
     */
    int run(Settings settings, Terminal terminal) throws Exception;
  }

  /** A command that runs something, and takes its settings from everywhere. */
  static Command running(
      String name, String summary, List<String> examples, List<Flag<?>> flags, Action action) {
    return new Command(name, summary, examples, flags, List.of(), true, name, action, List.of());
  }

  /** A command that answers and is done; its flags stand on the command line only. */
  static Command answering(
      String name, String summary, List<String> examples, List<Flag<?>> flags, Action action) {
    return new Command(name, summary, examples, flags, List.of(), false, name, action, List.of());
  }

  static Command group(String name, String summary, List<String> examples, List<Command> parts) {
    return new Command(name, summary, examples, List.of(), List.of(), false, name, null, parts);
  }

  /** A command that asks a gateway; all of them share the block {@code operator}. */
  static Command operating(
      String name,
      String summary,
      List<String> examples,
      List<Flag<?>> typed,
      Action action,
      List<Command> parts) {
    return new Command(
        name, summary, examples, AdminClient.FLAGS, typed, true, "operator", action, parts);
  }
}

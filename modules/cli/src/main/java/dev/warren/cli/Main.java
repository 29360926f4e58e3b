package dev.warren.cli;

import dev.warren.cli.log.Logs;
import dev.warren.cli.settings.Catalog;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * {@code warren}: finds the command, resolves its settings, sets up the logs, runs it. Picocli
 * reads the command line and writes the help; where values come from and whether they are right is
 * {@link Settings}'s business.
 */
public final class Main {
  private static final Flag<Logs.Threshold> LOG_LEVEL =
      Flag.value(
          "--log-level",
          "LEVEL",
          "What is logged: error, warn, info or debug",
          Parse.oneOf(Logs.Threshold.class));
  private static final Flag<Logs.Format> LOG_FORMAT =
      Flag.value(
          "--log-format",
          "FORMAT",
          "How a log line looks on standard error: text or json",
          Parse.oneOf(Logs.Format.class));
  static final Flag<Boolean> LOG_FRAMES =
      Flag.toggle("--log-frames", "Log the header of every frame, never a payload");
  private static final Flag<Path> CONFIG =
      Flag.value("--config", "FILE", "Read settings from this file (HOCON)", Parse::path);
  private static final List<Flag<?>> SHARED = List.of(LOG_LEVEL, LOG_FORMAT, LOG_FRAMES);

  static final List<Command> COMMANDS =
      List.of(
          GatewayCommand.COMMAND,
          AgentCommand.COMMAND,
          DialCommand.COMMAND,
          ForwardCommand.COMMAND,
          FilesCommand.COMMAND,
          DemoCommand.COMMAND,
          StatusCommand.COMMAND,
          SessionsCommand.COMMAND,
          RestartCommand.COMMAND,
          DrainCommand.COMMAND,
          TokenCommand.COMMAND,
          VersionCommand.COMMAND);

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(run(arguments, Terminal.ofProcess()));
  }

  /** The settings of every command that can be set from outside. */
  static Catalog catalog() {
    Map<String, List<Flag<?>>> configurable = new HashMap<>();
    for (Command command : COMMANDS) {
      if (command.fromOutside()) {
        configurable.put(command.block(), command.flags());
      }
    }
    return new Catalog(
        SHARED, configurable, Map.of(AgentCommand.COMMAND.name(), AgentCommand.CLUSTERS));
  }

  /** Runs one command line to its end and returns the exit status. */
  static int run(String[] arguments, Terminal terminal) {
    // Before anything can log: logback's own default would print debug lines to standard output.
    Logs.configure(Logs.Threshold.INFO, Logs.Format.TEXT, false);
    Map<CommandSpec, Command> bySpec = new HashMap<>();
    CommandLine line = new CommandLine(root(arguments, bySpec));
    try {
      ParseResult result = line.parseArgs(arguments);
      while (result.hasSubcommand()) {
        result = result.subcommand();
      }
      CommandLine found = result.commandSpec().commandLine();
      if (result.isUsageHelpRequested()) {
        found.usage(terminal.out());
        return ExitStatus.OK;
      }
      Command command = bySpec.get(result.commandSpec());
      if (command == null || command.action() == null) {
        found.usage(terminal.err());
        return ExitStatus.USAGE;
      }
      return run(command, found.getCommandSpec().qualifiedName(), result, terminal);
    } catch (CommandLine.ParameterException e) {
      terminal.err().println(e.getMessage());
      if (e instanceof CommandLine.UnmatchedArgumentException unmatched
          && !unmatched.getSuggestions().isEmpty()) {
        terminal
            .err()
            .println("Did you mean " + String.join(", ", unmatched.getSuggestions()) + "?");
      }
      terminal
          .err()
          .println("Try `" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help`.");
      return ExitStatus.USAGE;
    }
  }

  private static int run(Command command, String name, ParseResult result, Terminal terminal) {
    try {
      Settings settings =
          command.fromOutside() ? configured(command, result, terminal) : typed(command, result);
      return command.action().run(settings, terminal);
    } catch (SettingsException e) {
      terminal.err().println(e.getMessage());
      return ExitStatus.USAGE;
    } catch (Exception e) {
      terminal.err().println(name + " failed: " + reason(e));
      LoggerFactory.getLogger(Main.class).atDebug().setCause(e).log("command.failed");
      return ExitStatus.FAILED;
    }
  }

  private static Settings typed(Command command, ParseResult result) {
    Catalog alone = new Catalog(List.of(), Map.of(command.name(), command.flags()));
    return Settings.ofCommandLine(alone, command.name(), given(result));
  }

  private static Settings configured(Command command, ParseResult result, Terminal terminal) {
    Map<String, List<String>> given = given(result);
    Optional<Path> file = configFile(given, terminal.environment());
    Settings settings =
        Settings.resolve(catalog(), command.block(), given, terminal.environment(), file)
            .with(command.typed(), given);
    Logs.configure(settings.get(LOG_LEVEL), settings.get(LOG_FORMAT), settings.on(LOG_FRAMES));
    return settings;
  }

  private static Optional<Path> configFile(
      Map<String, List<String>> given, Map<String, String> environment) {
    List<String> typed = given.remove(CONFIG.name());
    String text = typed != null ? typed.get(0) : environment.getOrDefault(CONFIG.variable(), "");
    return text.isEmpty() ? Optional.empty() : Optional.of(Parse.path(text));
  }

  private static Map<String, List<String>> given(ParseResult result) {
    Map<String, List<String>> given = new LinkedHashMap<>();
    for (OptionSpec option : result.matchedOptions()) {
      List<String> texts = new ArrayList<>();
      Object value = option.getValue();
      if (value instanceof List<?> several) {
        several.forEach(one -> texts.add((String) one));
      } else {
        texts.add(String.valueOf(value));
      }
      given.put(option.longestName(), texts);
    }
    for (PositionalParamSpec operand : result.matchedPositionals()) {
      given.put(operand.paramLabel(), List.of(String.valueOf((Object) operand.getValue())));
    }
    return given;
  }

  /** Netty wraps what it throws through its futures; the cause says what happened. */
  private static String reason(Throwable thrown) {
    String message = thrown.getMessage();
    return message == null || message.isBlank() ? thrown.getClass().getName() : message;
  }

  private static CommandSpec root(String[] arguments, Map<CommandSpec, Command> bySpec) {
    CommandSpec root = CommandSpec.create().name("warren");
    root.usageMessage()
        .description("A cluster of gateways for reverse tunnels.")
        .footer(
            "",
            "Settings: a flag such as --dial-timeout may also come from the environment as",
            "WARREN_DIAL_TIMEOUT, or from a config file (--config) as",
            "warren.COMMAND.dial-timeout; what stands first here beats what stands later.");
    addHelp(root);
    Catalog catalog = catalog();
    // Once the first word names a command, no option of another can be meant, and making them all
    // is a good part of what an agent's start costs.
    boolean named =
        arguments.length > 0
            && COMMANDS.stream().anyMatch(command -> command.name().equals(arguments[0]));
    for (Command command : COMMANDS) {
      root.addSubcommand(
          command.name(),
          named && !command.name().equals(arguments[0])
              ? bare(command)
              : spec(command, catalog, bySpec));
    }
    return root;
  }

  private static CommandSpec bare(Command command) {
    CommandSpec spec = CommandSpec.create().name(command.name());
    spec.usageMessage().description(command.summary()).abbreviateSynopsis(true);
    return spec;
  }

  private static CommandSpec spec(
      Command command, Catalog catalog, Map<CommandSpec, Command> bySpec) {
    CommandSpec spec = bare(command);
    bySpec.put(spec, command);
    Map<Flag<?>, String> defaults =
        command.fromOutside() ? Settings.defaults(catalog, command.block()) : Map.of();
    if (!command.examples().isEmpty()) {
      List<String> footer = new ArrayList<>(List.of("", "Examples:"));
      command.examples().forEach(example -> footer.add("  " + example));
      spec.usageMessage().footer(footer.toArray(String[]::new));
    }
    int operands = 0;
    for (Flag<?> flag : command.typed()) {
      if (flag.kind() == Flag.Kind.OPERAND) {
        spec.addPositional(
            PositionalParamSpec.builder()
                .index(String.valueOf(operands++))
                .paramLabel(flag.label())
                .arity("1")
                .type(String.class)
                .description(flag.description())
                .build());
      } else {
        spec.addOption(option(flag, Map.of()));
      }
    }
    for (Flag<?> flag : command.flags()) {
      spec.addOption(option(flag, defaults));
    }
    if (command.fromOutside()) {
      spec.addOption(option(CONFIG, Map.of()));
      for (Flag<?> flag : SHARED) {
        spec.addOption(option(flag, defaults));
      }
    }
    addHelp(spec);
    for (Command part : command.parts()) {
      spec.addSubcommand(part.name(), spec(part, catalog, bySpec));
    }
    return spec;
  }

  private static void addHelp(CommandSpec spec) {
    spec.addOption(
        OptionSpec.builder("-h", "--help")
            .usageHelp(true)
            .arity("0")
            .type(boolean.class)
            .description("Show this help")
            .build());
    spec.usageMessage()
        .sortOptions(false)
        .descriptionHeading("%n")
        .optionListHeading("%n")
        .commandListHeading("%nCommands:%n")
        .width(100)
        .exitCodeListHeading("%nExit status:%n")
        .exitCodeList(ExitStatus.shown());
  }

  private static OptionSpec option(Flag<?> flag, Map<Flag<?>, String> defaults) {
    String text = flag.kind() == Flag.Kind.SWITCH ? "" : defaults.getOrDefault(flag, "");
    String shownDefault = text.isEmpty() ? "" : " (default: " + text + ")";
    OptionSpec.Builder option =
        OptionSpec.builder(flag.name())
            .description((flag.description() + shownDefault).replace("%", "%%"));
    return switch (flag.kind()) {
      case VALUE -> option.type(String.class).arity("1").paramLabel(flag.label()).build();
      case LIST ->
          option
              .type(List.class)
              .auxiliaryTypes(String.class)
              .arity("1")
              .paramLabel(flag.label())
              .build();
      case SWITCH ->
          option
              .type(String.class)
              .arity("0..1")
              .fallbackValue("true")
              .paramLabel("true|false")
              .build();
      case OPERAND -> throw new IllegalArgumentException(flag + " is no option");
    };
  }
}

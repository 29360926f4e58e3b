package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The load harness: sets the stage, runs the cases, tells the figures, and ends every process that
 * it started, however it ends itself.
 */
@Command(
    name = "modules/bench/run",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    description = "Measures Warren beside nginx proxy_pass; needs nginx, wrk and curl.",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      " 0:measured",
      " 1:could not be measured, or with --check a target was missed",
      " 2:a wrong option"
    })
public final class Load implements Callable<Integer> {
  private static final List<Case> CASES =
      List.of(new DownloadCase(), new RequestsCase(), new StoppedReadersCase(), new TransferCase());

  @Option(names = "--quick", description = "Few and short rounds, for a first look")
  private boolean quick;

  @Option(
      names = "--cases",
      split = ",",
      paramLabel = "NAME,...",
      description = "Which cases: download, requests, stopped-readers, transfer (default: all)")
  private List<String> cases = List.of();

  @Option(names = "--rounds", paramLabel = "NUMBER", description = "How many rounds of each case")
  private Integer rounds;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      description = "Break the run off after this time (default: 2400, with --quick 600)")
  private Integer limitSeconds;

  @Option(names = "--json", paramLabel = "FILE", description = "Write every single value there")
  private Path json;

  @Option(names = "--check", description = "Fail where a target is missed")
  private boolean check;

  @Option(
      names = "--warren",
      paramLabel = "FILE",
      description = "The launcher to be measured (default: ./warren of this source tree)")
  private Path warren = Path.of("warren");

  @Spec private CommandSpec spec;

  private final PrintStream out = System.out;

  /** Runs one command line to its end and returns the exit status. */
  public static int run(String[] arguments) {
    return run(
        arguments,
        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8));
  }

  static int run(String[] arguments, PrintWriter out, PrintWriter err) {
    return new CommandLine(new Load())
        .setOut(out)
        .setErr(err)
        .setExecutionExceptionHandler(
            (e, line, parsed) -> {
              if (!(e instanceof LoadException)) {
                throw e;
              }
              line.getErr().println("bench: " + e.getMessage());
              return 1;
            })
        .execute(arguments);
  }

  @Override
  public Integer call() throws IOException {
    List<Case> chosen = chosen();
    Plan plan = plan();
    Tools tools = Tools.find();
    if (!Files.isExecutable(warren)) {
      throw new LoadException(
          "--warren: there is no " + warren.toAbsolutePath() + " (expected: Warren's launcher)");
    }
    Path directory = Files.createTempDirectory("warren-bench-");
    Children children = new Children(directory);
    Thread cleanUp =
        new Thread(
            () -> {
              children.close();
              Stage.delete(directory);
            },
            "clean-up");
    Runtime.getRuntime().addShutdownHook(cleanUp);
    startWatchdog(plan.limitSeconds());

    Instant started = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<Figure> figures = new ArrayList<>();
    Stage stage = new Stage(tools, children, directory, warren.toAbsolutePath(), plan);
    for (Case one : chosen) {
      out.println(one.name());
      figures.addAll(one.run(stage, plan, out));
    }
    Report report =
        new Report(
            Machine.describe(),
            started.toString(),
            plan.rounds() + " rounds" + (quick ? ", quick" : ""),
            figures);
    out.println();
    out.println(report.table());
    if (json != null) {
      Files.writeString(json, report.json());
    }
    return check && !report.met() ? 1 : 0;
  }

  private List<Case> chosen() {
    Set<String> known =
        CASES.stream().map(Case::name).collect(Collectors.toCollection(LinkedHashSet::new));
    for (String name : cases) {
      if (!known.contains(name)) {
        throw new CommandLine.ParameterException(
            spec.commandLine(),
            "--cases: \"" + name + "\" (expected: some of " + String.join(", ", known) + ")");
      }
    }
    return CASES.stream().filter(one -> cases.isEmpty() || cases.contains(one.name())).toList();
  }

  private Plan plan() {
    Plan plan = quick ? Plan.QUICK : Plan.FULL;
    plan = Optional.ofNullable(rounds).map(checked("--rounds")).map(plan::withRounds).orElse(plan);
    return Optional.ofNullable(limitSeconds)
        .map(checked("--limit"))
        .map(plan::withLimitSeconds)
        .orElse(plan);
  }

  private Function<Integer, Integer> checked(String option) {
    return value -> {
      if (value < 1) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), option + ": " + value + " (expected: at least 1)");
      }
      return value;
    };
  }

  /** Whatever hangs, the run ends; the shutdown hook then ends what it started. */
  private static void startWatchdog(int seconds) {
    Thread watchdog =
        new Thread(
            () -> {
              try {
                TimeUnit.SECONDS.sleep(seconds);
              } catch (InterruptedException e) {
                return;
              }
              System.err.println(
                  "bench: broken off after " + seconds + " s (--limit allows for more)");
              System.exit(1);
            },
            "watchdog");
    watchdog.setDaemon(true);
    watchdog.start();
  }
}

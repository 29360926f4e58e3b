package dev.warren.bench.load;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
    description = "Measures Warren beside nginx proxy_pass; needs nginx, wrk, h2load and curl.",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      " 0:measured",
      " 1:could not be measured, or with --check a target was missed",
      " 2:a wrong option"
    })
public final class Load implements Callable<Integer> {
  private static final List<Case> CASES =
      List.of(
          new FootprintCase(),
          new DownloadCase(),
          new UploadCase(),
          new ParallelCase(),
          new RequestsCase("requests", false),
          new RequestsCase("requests-many", true),
          new OpenLoopCase(),
          new NewStreamsCase(),
          new LibraryStreamsCase(),
          new BusyCase(),
          new PingPongCase(),
          new OneOfManyCase(),
          new StoppedReadersCase(),
          new TransferCase());

  @Option(names = "--quick", description = "Few and short rounds, for a first look")
  private boolean quick;

  @Option(
      names = "--cases",
      split = ",",
      paramLabel = "NAME,...",
      description =
          "Which cases: footprint, download, upload, parallel, requests, requests-many, open-loop, new-streams,"
              + " library-streams,"
              + " busy, ping-pong, one-of-many, stopped-readers, transfer (default: all)")
  private List<String> cases = List.of();

  @Option(names = "--rounds", paramLabel = "NUMBER", description = "How many rounds of each case")
  private Integer rounds;

  @Mixin private RunOptions options;

  @Spec private CommandSpec spec;

  private final PrintStream out = System.out;

  /** Runs one command line to its end and returns the exit status. */
  public static int run(String[] arguments) {
    return run(new Load(), arguments);
  }

  /** The same for a crowd of agents. */
  public static int crowd(String[] arguments) {
    return run(new CrowdCommand(), arguments);
  }

  /** The same for a long round trip. */
  public static int latency(String[] arguments) {
    return run(new LatencyCommand(), arguments);
  }

  /** The same for a long time. */
  public static int soak(String[] arguments) {
    return run(new SoakCommand(), arguments);
  }

  private static int run(Callable<Integer> command, String[] arguments) {
    return run(
        command,
        arguments,
        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8));
  }

  static int run(Callable<Integer> command, String[] arguments, PrintWriter out, PrintWriter err) {
    return new CommandLine(command)
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
    Bench bench = options.setUp(plan.limitSeconds());

    Instant started = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<Figure> figures = new ArrayList<>();
    List<String> failed = new ArrayList<>();
    Stage stage = new Stage(bench, plan);
    for (Case one : chosen) {
      out.println(one.name());
      try {
        figures.addAll(one.run(stage, plan, out));
      } catch (LoadException e) { // what the others found is not thrown away
        failed.add(one.name());
        out.println("  FAILED: " + e.getMessage());
      }
    }
    Report report =
        new Report(
            Machine.describe(),
            started.toString(),
            plan.rounds() + " rounds" + (quick ? ", quick" : ""),
            figures);
    int status = options.conclude(report, out);
    if (!failed.isEmpty()) {
      throw new LoadException("not measured: " + String.join(", ", failed));
    }
    return status;
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
    return plan;
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
}

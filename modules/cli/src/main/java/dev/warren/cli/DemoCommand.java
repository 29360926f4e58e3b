package dev.warren.cli;

import dev.warren.cli.demo.Demo;
import dev.warren.cli.demo.Demo.Moved;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeoutException;

/** {@code warren demo}: shows that it works, and leaves something to play with. */
final class DemoCommand {
  private static final Flag<Boolean> ONCE =
      Flag.toggle("--once", "End after the check: status 0 where all files arrived, else 1");

  static final Command COMMAND =
      Command.running(
          "demo",
          "Start three gateways, a balancer, an agent and a file server here, move files through the"
              + " tunnel in both directions, kill the gateway that holds it, and stay for more.",
          List.of("warren demo", "warren demo --once"),
          List.of(ONCE),
          DemoCommand::run);

  private DemoCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    boolean logFrames = settings.on(Main.LOG_FRAMES);
    if (settings.on(ONCE)) {
      once(Demo.SIZES, logFrames, terminal.out());
      return ExitStatus.OK;
    }
    return Lifetime.untilSignalled(
        () -> {
          Demo demo = Demo.start(logFrames);
          try {
            move(demo, Demo.SIZES, terminal.out());
            kill(demo, terminal.out());
          } catch (IOException | InterruptedException | TimeoutException | RuntimeException e) {
            demo.close();
            throw e;
          }
          invite(demo, terminal.out());
          return demo;
        });
  }

  static void once(List<Long> sizes, boolean logFrames, PrintStream out) throws Exception {
    try (Demo demo = Demo.start(logFrames)) {
      move(demo, sizes, out);
      kill(demo, out);
    }
  }

  private static void move(Demo demo, List<Long> sizes, PrintStream out)
      throws IOException, InterruptedException {
    out.println(
        "caller -> one of three gateways -> the one with the tunnel -> agent -> file server:");
    List<Moved> all = new ArrayList<>();
    demo.move(
        sizes,
        moved -> {
          all.add(moved);
          out.printf(
              Locale.ROOT,
              "%-8s %,11d bytes  %6d ms  sha256 %s... equal, via %s%s%n",
              moved.way(),
              moved.bytes(),
              moved.took().toMillis(),
              moved.sha256().substring(0, 16),
              moved.origin(),
              moved.origin().equals(moved.holder()) ? "" : " and " + moved.holder());
        });
    long bytes = all.stream().mapToLong(Moved::bytes).sum();
    out.printf(Locale.ROOT, "%d files with %,d bytes arrived whole.%n", all.size(), bytes);
  }

  private static void kill(Demo demo, PrintStream out)
      throws IOException, InterruptedException, TimeoutException {
    Demo.Outage outage = demo.killHolder();
    out.printf(
        Locale.ROOT,
        "killed %s, which held the tunnel (as kill -9 does): the agent was away for %d ms and is now"
            + " at %s; %d dial(s) meanwhile.%n",
        outage.killed(),
        outage.away().toMillis(),
        outage.holder(),
        outage.dials());
  }

  private static void invite(Demo demo, PrintStream out) {
    out.println();
    out.println("Try it (the files are in " + demo.directory() + "):");
    out.println("  curl " + demo.url());
    out.println("  curl -r 0-99 -o part.bin " + demo.url() + "download-65536.bin");
    out.println("  echo hello | curl -T - " + demo.url() + "hello.txt");
    out.println("  curl " + demo.url() + "hello.txt");
    out.println("  warren sessions --admin " + demo.adminUrl());
    out.println("Ctrl-C ends it.");
  }
}

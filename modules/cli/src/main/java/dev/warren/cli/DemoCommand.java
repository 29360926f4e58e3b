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

/** {@code warren demo}: shows that it works, and leaves something to play with. */
final class DemoCommand {
  private static final Flag<Boolean> ONCE =
      Flag.toggle("--once", "End after the check: status 0 where all files arrived, else 1");

  static final Command COMMAND =
      Command.running(
          "demo",
          "Start a gateway, an agent and a file server here, move files through the tunnel in both"
              + " directions, compare them, and stay for more.",
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
          } catch (IOException | InterruptedException | RuntimeException e) {
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
    }
  }

  private static void move(Demo demo, List<Long> sizes, PrintStream out)
      throws IOException, InterruptedException {
    out.println("caller -> gateway -> agent -> file server, by way of " + demo.url());
    List<Moved> all = new ArrayList<>();
    demo.move(
        sizes,
        moved -> {
          all.add(moved);
          out.printf(
              Locale.ROOT,
              "%-8s %,11d bytes  %6d ms  sha256 %s... equal%n",
              moved.way(),
              moved.bytes(),
              moved.took().toMillis(),
              moved.sha256().substring(0, 16));
        });
    long bytes = all.stream().mapToLong(Moved::bytes).sum();
    out.printf(Locale.ROOT, "%d files with %,d bytes arrived whole.%n", all.size(), bytes);
  }

  private static void invite(Demo demo, PrintStream out) {
    out.println();
    out.println("Try it (the files are in " + demo.directory() + "):");
    out.println("  curl " + demo.url());
    out.println("  curl -r 0-99 -o part.bin " + demo.url() + "download-65536.bin");
    out.println("  echo hello | curl -T - " + demo.url() + "hello.txt");
    out.println("  curl " + demo.url() + "hello.txt");
    out.println("Ctrl-C ends it.");
  }
}

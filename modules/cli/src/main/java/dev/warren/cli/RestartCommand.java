package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import java.util.List;

/** {@code warren restart-control-plane}: a new actor system, while streams go on. */
final class RestartCommand {
  private static final Flag<Boolean> ALL =
      Flag.toggle("--all", "That of every gateway of the cluster, one after another");

  static final Command COMMAND =
      Command.operating(
          "restart-control-plane",
          "Have a gateway restart its control plane; tunnels and streams go on meanwhile.",
          List.of("warren restart-control-plane", "warren restart-control-plane --all"),
          List.of(ALL, AdminClient.JSON_ONLY),
          RestartCommand::run,
          List.of());

  private RestartCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    boolean all = settings.on(ALL);
    AdminClient.Answer answer =
        AdminClient.of(settings, terminal).post("control-plane/restart?all=" + all);
    if (!answer.printed(settings, terminal)) {
      terminal
          .out()
          .println(
              all
                  ? "The control planes of all gateways restart, one after another; `warren status`"
                      + " shows how far they are."
                  : "The control plane restarts; `warren status` shows how far it is.");
    }
    return ExitStatus.OK;
  }
}

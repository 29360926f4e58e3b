package dev.warren.cli;

import dev.warren.cli.settings.Settings;
import java.util.List;

/** {@code warren drain}: a gateway goes, and nobody is hurt. */
final class DrainCommand {
  static final Command COMMAND =
      Command.operating(
          "drain",
          "Have a gateway move its agents elsewhere, let streams end, and end; as SIGTERM does.",
          List.of("warren drain", "warren drain --admin http://127.0.0.1:8129"),
          List.of(AdminClient.JSON_ONLY),
          DrainCommand::run,
          List.of());

  private DrainCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    AdminClient.Answer answer = AdminClient.of(settings, terminal).post("drain");
    if (!answer.printed(settings, terminal)) {
      terminal
          .out()
          .println(
              "The gateway drains, and then its process ends with status 0; `warren status` shows"
                  + " it as draining until then.");
    }
    return ExitStatus.OK;
  }
}

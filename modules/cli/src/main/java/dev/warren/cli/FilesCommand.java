package dev.warren.cli;

import dev.warren.cli.files.FileServer;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** {@code warren files}: something to reach. */
final class FilesCommand {
  private static final Flag<InetSocketAddress> LISTEN =
      Flag.value(
          "--listen", "HOST:PORT", "Where it listens; port 0 takes a free one", Parse::address);
  private static final Flag<Path> ROOT =
      Flag.value("--root", "DIRECTORY", "What it serves", Parse::path);
  private static final Flag<Boolean> UPLOAD =
      Flag.toggle("--upload", "Let PUT write files; on a loopback address only");

  static final Command COMMAND =
      Command.running(
          "files",
          "Serve a directory over HTTP, to have something behind an agent to try things out with.",
          List.of(
              "warren files --root /usr/share/doc",
              "curl http://127.0.0.1:8123/client/foo/http/127.0.0.1:8125/"),
          List.of(LISTEN, ROOT, UPLOAD),
          FilesCommand::run);

  private FilesCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    InetSocketAddress listen = settings.get(LISTEN);
    Path root = settings.get(ROOT);
    boolean upload = settings.on(UPLOAD);
    return Lifetime.untilSignalled(
        () -> {
          try {
            return FileServer.start(new FileServer.Settings(listen, root, upload));
          } catch (IllegalArgumentException e) {
            throw settings.refused(e);
          }
        });
  }
}

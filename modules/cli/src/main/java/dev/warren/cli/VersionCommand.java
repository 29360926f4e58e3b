package dev.warren.cli;

import dev.warren.cli.settings.Settings;
import io.netty.channel.epoll.Epoll;
import io.netty.handler.ssl.OpenSsl;
import io.netty.util.Version;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Properties;

/** {@code warren version}: what runs here. */
final class VersionCommand {
  static final Command COMMAND =
      Command.answering(
          "version",
          "Say which version this is, and what it runs on.",
          List.of(),
          List.of(),
          VersionCommand::run);

  private VersionCommand() {}

  private static int run(Settings settings, Terminal terminal) throws IOException {
    Version netty = Version.identify().get("netty-common");
    terminal.out().println("warren " + version());
    terminal.out().println("java " + Runtime.version() + ", " + System.getProperty("java.vm.name"));
    terminal
        .out()
        .println(
            "netty "
                + (netty == null ? "of unknown version" : netty.artifactVersion())
                + ", sockets by "
                + (Epoll.isAvailable() ? "epoll" : "NIO")
                + ", TLS by "
                + (OpenSsl.isAvailable() ? OpenSsl.versionString() : "the JDK"));
    return ExitStatus.OK;
  }

  static String version() throws IOException {
    Properties built = new Properties();
    try (InputStream in = VersionCommand.class.getResourceAsStream("built.properties")) {
      built.load(in);
    }
    return built.getProperty("version");
  }
}

package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Settings;
import dev.warren.client.DialException;
import dev.warren.client.Session;
import dev.warren.client.Warren;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.Target;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.util.List;

/** {@code warren dial}: joins standard input and output to a stream. */
final class DialCommand {
  private static final int BUFFER_BYTES = 64 * 1024;

  static final Flag<SessionKey> SESSION = Flag.operand("SESSION", "The agent's id", SessionKey::of);
  private static final Flag<Target> TARGET =
      Flag.operand(
          "TARGET", "What the agent dials: HOST:PORT or unix//path, as it sees it", Target::parse);

  static final Command COMMAND =
      new Command(
          "dial",
          "Join standard input and output to a stream. Ends with the end of what the target sends.",
          List.of(
              "warren dial foo 127.0.0.1:22",
              "ssh -o ProxyCommand='warren dial %h 127.0.0.1:22' printer-7",
              "warren dial --gateway https://gateway.example.org:8123 --token-file caller.token foo"
                  + " unix//run/docker.sock"),
          CallerSettings.FLAGS,
          List.of(SESSION, TARGET),
          true,
          CallerSettings.BLOCK,
          DialCommand::run,
          List.of());

  private DialCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    SessionKey id = settings.get(SESSION);
    Target target = settings.get(TARGET);
    try (Warren warren = CallerSettings.connect(settings, terminal, "dial")) {
      Session session = warren.session(id.toString());
      try (Socket socket = session.connect(target.toString())) {
        Thread sender = new Thread(() -> send(terminal.in(), socket), "warren-dial-input");
        sender.setDaemon(true); // nobody can wake it from a read of a terminal
        sender.start();
        return receive(socket, terminal);
      }
    } catch (DialException e) {
      terminal.err().println("warren dial: " + e.getMessage());
      return CallerSettings.status(e);
    }
  }

  private static void send(InputStream in, Socket socket) {
    try {
      byte[] buffer = new byte[BUFFER_BYTES];
      OutputStream out = socket.getOutputStream();
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
      }
      socket.shutdownOutput();
    } catch (IOException e) {
      // Who reads from the stream learns why it broke.
    }
  }

  private static int receive(Socket socket, Terminal terminal) {
    byte[] buffer = new byte[BUFFER_BYTES];
    PrintStream out = terminal.out();
    try {
      InputStream in = socket.getInputStream();
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
        if (out.checkError()) { // which flushes
          return ExitStatus.FAILED; // nobody listens to the output any more
        }
      }
      return ExitStatus.OK;
    } catch (IOException e) {
      terminal.err().println("warren dial: the stream broke: " + e.getMessage());
      return ExitStatus.FAILED;
    }
  }
}

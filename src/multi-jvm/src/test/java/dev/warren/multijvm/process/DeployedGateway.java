package dev.warren.multijvm.process;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** A gateway with arguments that somebody else made up, and with names of hosts from a file. */
public final class DeployedGateway extends WarrenProcess {
  /**
   * Starts it.
   *
   * @param hosts in the form of /etc/hosts; a name may stand on several lines
   */
  public static DeployedGateway start(String id, Path hosts, List<String> arguments)
      throws IOException {
    DeployedGateway gateway = new DeployedGateway(id, hosts, arguments);
    gateway.start();
    return gateway;
  }

  private DeployedGateway(String id, Path hosts, List<String> arguments) throws IOException {
    super(id, "128m", List.of("env", "JAVA_TOOL_OPTIONS=-Djdk.net.hosts.file=" + hosts), arguments);
  }

  /**
   * An operator on its machine.
   *
   * @throws IOException where it has none yet
   */
  public AdminClient admin() throws IOException {
    String line = log().last("admin.ready").orElseThrow(() -> new IOException("no admin.ready"));
    String listen = LogFile.field(line, "listen");
    int colon = listen.lastIndexOf(':');
    return new AdminClient(
        new Caller(
            "admin",
            new InetSocketAddress(
                listen.substring(0, colon), Integer.parseInt(listen.substring(colon + 1)))));
  }

  /** The ids of the members, and the state of its control plane before them. */
  public List<String> cluster() throws IOException {
    JsonNode status = admin().status();
    return List.of(
        status.path("control").path("state").asText(),
        String.join(" ", admin().members()),
        String.join(" ", admin().links()));
  }

  /** Waits for its end and returns its exit status. */
  public int awaitExit(long seconds) throws InterruptedException {
    if (!awaitEnd(seconds)) {
      throw new AssertionError(name() + " runs after " + seconds + " s (expected: its end)");
    }
    return exitStatus();
  }

  /** What the program says to these arguments. */
  public static String help(String... arguments) throws IOException, InterruptedException {
    DeployedGateway asked = start("help", Path.of("/etc/hosts"), List.of(arguments));
    try (asked) {
      if (asked.awaitExit(60) != 0) {
        throw new IOException(asked.log().end());
      }
      return String.join("\n", asked.log().lines());
    }
  }
}

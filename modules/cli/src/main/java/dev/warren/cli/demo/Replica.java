package dev.warren.cli.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** One gateway of the demo, as a process of its own that can be killed. */
final class Replica implements AutoCloseable {
  private static final Duration READY_WITHIN = Duration.ofMinutes(3);
  private static final int POLL_MILLIS = 50;

  private final String id;
  private final Ports ports;
  private final Path log;
  private final Process process;

  /**
   * @param http for agents and callers
   * @param cluster for the actor system
   * @param link for other gateways
   * @param admin for operators
   */
  record Ports(int http, int cluster, int link, int admin) {
    String joined() {
      return "127.0.0.1:" + cluster + "/" + link;
    }
  }

  private Replica(String id, Ports ports, Path log, Process process) {
    this.id = id;
    this.ports = ports;
    this.log = log;
    this.process = process;
  }

  /** Ports that nobody has now; somebody may take them before they are used, which is rare. */
  static List<Ports> freePorts(int replicas) throws IOException {
    List<ServerSocket> open = new ArrayList<>();
    try {
      for (int i = 0; i < 4 * replicas; i++) {
        open.add(new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1")));
      }
      List<Ports> ports = new ArrayList<>();
      for (int i = 0; i < replicas; i++) {
        ports.add(
            new Ports(
                open.get(4 * i).getLocalPort(),
                open.get(4 * i + 1).getLocalPort(),
                open.get(4 * i + 2).getLocalPort(),
                open.get(4 * i + 3).getLocalPort()));
      }
      return ports;
    } finally {
      for (ServerSocket socket : open) {
        socket.close();
      }
    }
  }

  static Replica start(String id, Ports ports, List<Ports> all, Path token, Path log)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-Xmx192m",
                "-cp",
                System.getProperty("java.class.path"),
                ReplicaMain.class.getName(),
                "gateway",
                "--id",
                id,
                "--listen",
                "127.0.0.1:" + ports.http(),
                "--admin-listen",
                "127.0.0.1:" + ports.admin(),
                "--drain-notice",
                "0s",
                "--drain-timeout",
                "1s",
                "--cluster-token-file",
                token.toString(),
                "--cluster-listen",
                "127.0.0.1:" + ports.cluster(),
                "--link-listen",
                "127.0.0.1:" + ports.link(),
                "--join",
                String.join(",", all.stream().map(Ports::joined).toList())));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    return new Replica(id, ports, log, process);
  }

  String id() {
    return id;
  }

  Ports ports() {
    return ports;
  }

  InetSocketAddress address() {
    return new InetSocketAddress("127.0.0.1", ports.http());
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /**
   * @throws IOException where it has ended; with the end of its log
   * @throws TimeoutException where it is not ready in time
   */
  void awaitReady(HttpClient client) throws IOException, TimeoutException, InterruptedException {
    URI ready = URI.create("http://127.0.0.1:" + ports.http() + "/readyz");
    long deadline = System.nanoTime() + READY_WITHIN.toNanos();
    while (true) {
      if (!process.isAlive()) {
        throw new IOException(
            "gateway " + id + " ended with status " + process.exitValue() + ":\n" + endOfLog());
      }
      try {
        if (client
                .send(HttpRequest.newBuilder(ready).build(), BodyHandlers.discarding())
                .statusCode()
            == 200) {
          return;
        }
      } catch (IOException e) {
        // Not yet.
      }
      if (System.nanoTime() > deadline) {
        throw new TimeoutException(
            "gateway " + id + " was not ready within " + READY_WITHIN + ":\n" + endOfLog());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  private String endOfLog() throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      List<String> all = lines.toList();
      return String.join("\n", all.subList(Math.max(0, all.size() - 20), all.size()));
    }
  }

  /** As {@code kill -9}: it has no time to say anything. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      kill();
    }
  }
}

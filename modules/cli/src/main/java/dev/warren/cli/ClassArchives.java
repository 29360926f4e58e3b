package dev.warren.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes the archives of loaded classes with which a gateway and an agent start in a fraction of the
 * time (class data sharing). Not a command: the launcher runs it after a build. It starts a gateway
 * with a cluster and an administrator's port, an agent at that gateway, sends a few requests, and
 * ends both; Java writes an archive as each of them ends. All ports are free ones on 127.0.0.1.
 */
final class ClassArchives {
  /** For all of it. A machine that is slower than this goes without. */
  private static final Duration LIMIT = Duration.ofSeconds(120);

  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
  private static final String LOOPBACK = "127.0.0.1";

  private final Path launcher;
  private final Path scratch;
  private final long deadline = System.nanoTime() + LIMIT.toNanos();
  private final List<Running> started = new ArrayList<>();

  /** A process that makes its archive as it ends. */
  private record Running(String name, Process process, Path log, Path archive) {}

  private ClassArchives(Path launcher, Path scratch) {
    this.launcher = launcher;
    this.scratch = scratch;
  }

  /**
   * @param arguments the launcher; the file for the gateway's archive; the file for the agent's.
   *     They are written aside, in the directory of the first, and then moved into place
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("expected: LAUNCHER GATEWAY-ARCHIVE AGENT-ARCHIVE");
      System.exit(ExitStatus.USAGE);
    }
    Path gateway = Path.of(arguments[1]);
    Path scratch = Files.createTempDirectory(gateway.toAbsolutePath().getParent(), "archives-");
    ClassArchives archives = new ClassArchives(Path.of(arguments[0]), scratch);
    Thread cleaner = new Thread(archives::clean);
    Runtime.getRuntime().addShutdownHook(cleaner);
    archives.make(gateway, Path.of(arguments[2]));
  }

  private void make(Path gatewayArchive, Path agentArchive) throws Exception {
    Path token = Files.writeString(scratch.resolve("token"), "");
    run(token, "token", "cluster");
    String any = LOOPBACK + ":0";
    Running gateway =
        start(
            "gateway",
            "--listen",
            any,
            "--cluster-listen",
            any,
            "--cluster-token-file",
            token.toString(),
            "--admin-listen",
            any,
            "--drain-notice",
            "100ms",
            "--drain-timeout",
            "1s");
    String address = await(gateway, "gateway\\.ready .*listen=(\\S+)");
    Running agent = start("agent", "--id", "warm", "--connect", "ws://" + address + "/connect");
    await(agent, "(tunnel\\.up) ");
    String admin = await(gateway, "admin\\.ready .*listen=(\\S+)");
    await(gateway, "(control\\.member) ");
    // Through the tunnel and back to the gateway itself, so that both know the way of a request.
    get("http://" + address + "/client/warm/http/" + address + "/healthz");
    get("http://" + admin + "/api/v1/status");
    get("http://" + admin + "/api/v1/sessions");
    finish(agent, agentArchive);
    finish(gateway, gatewayArchive);
  }

  private void run(Path output, String... arguments) throws Exception {
    Process process =
        builder("", arguments)
            .redirectOutput(output.toFile())
            .redirectError(scratch.resolve("token.log").toFile())
            .start();
    if (!process.waitFor(left(), TimeUnit.NANOSECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(String.join(" ", arguments) + " failed");
    }
  }

  private Running start(String command, String... options) throws IOException {
    Path archive = scratch.resolve(command + ".jsa");
    Path log = scratch.resolve(command + ".log");
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.addAll(List.of(options));
    Process process =
        // Relative, because the launcher splits its options at blanks.
        builder(
                "-XX:ArchiveClassesAtExit=" + archive.getFileName(),
                arguments.toArray(String[]::new))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Running running = new Running(command, process, log, archive);
    started.add(running);
    return running;
  }

  /**
   * By the launcher, so that the flags are those of later starts; no setting comes from outside.
   */
  private ProcessBuilder builder(String javaOptions, String... arguments) {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(scratch.toFile());
    builder
        .environment()
        .keySet()
        .removeIf(
            name -> name.startsWith("WARREN_") || name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
    builder.environment().put("WARREN_ARCHIVES", "making");
    if (!javaOptions.isEmpty()) {
      builder.environment().put("WARREN_JAVA_OPTS", javaOptions);
    }
    return builder;
  }

  private String await(Running running, String event) throws Exception {
    Pattern pattern = Pattern.compile(event);
    while (left() > 0 && running.process().isAlive()) {
      Matcher found = pattern.matcher(Files.readString(running.log(), StandardCharsets.UTF_8));
      if (found.find()) {
        return found.group(1);
      }
      Thread.sleep(LOOK_AGAIN.toMillis());
    }
    throw new TimeoutException(
        "no " + event + " of the " + running.name() + ":\n" + Files.readString(running.log()));
  }

  private void get(String address) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(URI.create(address)).timeout(Duration.ofNanos(left())).build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(address + ": " + answer.statusCode() + " (expected: 200)");
    }
  }

  private void finish(Running running, Path archive) throws Exception {
    running.process().destroy();
    if (!running.process().waitFor(left(), TimeUnit.NANOSECONDS)
        || running.process().exitValue() != 0
        || !Files.isRegularFile(running.archive())) {
      throw new TimeoutException(
          "no archive of the " + running.name() + ":\n" + Files.readString(running.log()));
    }
    Files.move(running.archive(), archive, StandardCopyOption.REPLACE_EXISTING);
  }

  private long left() {
    return Math.max(0, deadline - System.nanoTime());
  }

  private void clean() {
    started.forEach(running -> running.process().destroyForcibly());
    try (Stream<Path> files = Files.walk(scratch)) {
      files.sorted(Comparator.reverseOrder()).forEach(ClassArchives::delete);
    } catch (IOException | UncheckedIOException e) {
      System.err.println("left behind: " + scratch + ": " + e.getMessage());
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The processes that are measured, on free ports of 127.0.0.1 and with all their files in one
 * directory that goes with them:
 *
 * <pre>
 * client -> origin                        direct
 * client -> yardstick -> origin           nginx
 * client -> gateway -> agent -> origin    Warren
 * </pre>
 */
final class Stage {
  /** The file of a download. */
  static final String LARGE = "/large";

  /** The file of a request: 1 KiB. */
  static final String SMALL = "/small";

  /** The file of the long transfer; it has no blocks on the disk. */
  static final String SPARSE = "/sparse";

  static final int SMALL_BYTES = 1024;
  private static final String HOST = FreePorts.HOST;
  private static final String AGENT_ID = "bench";
  private static final int START_SECONDS = 60;
  private static final int BLOCK_BYTES = 1 << 20;

  /** The heap of each of the two; what else the launcher sets stays as users have it. */
  private static final Map<String, String> JAVA = Bench.java("-Xmx256m");

  private final Bench bench;
  private final int originPort = FreePorts.one();
  private final int yardstickPort = FreePorts.one();
  private final int gatewayPort = FreePorts.one();
  private final Child origin;
  private final Child yardstick;
  private final Child gateway;
  private final Child agent;

  Stage(Bench bench, Plan plan) {
    this.bench = bench;
    Path warren = bench.warren();
    writeFiles(plan);
    origin = nginx("origin", originConfig());
    yardstick = nginx("yardstick", yardstickConfig());
    String listen = HOST + ":" + gatewayPort;
    gateway =
        bench
            .children()
            .start("gateway", List.of(warren.toString(), "gateway", "--listen", listen), JAVA);
    agent =
        bench
            .children()
            .start(
                "agent",
                List.of(
                    warren.toString(),
                    "agent",
                    "--id",
                    AGENT_ID,
                    "--connect",
                    "ws://" + listen + "/connect"),
                JAVA);
    awaitAnswer(Subject.DIRECT);
    awaitAnswer(Subject.NGINX);
    awaitAnswer(Subject.WARREN);
  }

  private void writeFiles(Plan plan) {
    try {
      Path root = Files.createDirectories(bench.directory().resolve("root"));
      byte[] block = new byte[BLOCK_BYTES];
      new Random(1).nextBytes(block); // not to be compressed by anything on its way
      Files.write(root.resolve(SMALL.substring(1)), Arrays.copyOf(block, SMALL_BYTES));
      try (FileChannel large =
          FileChannel.open(
              root.resolve(LARGE.substring(1)),
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE)) {
        for (long at = 0; at < plan.downloadBytes(); at += BLOCK_BYTES) {
          large.write(ByteBuffer.wrap(block));
        }
      }
      try (RandomAccessFile sparse =
          new RandomAccessFile(root.resolve(SPARSE.substring(1)).toFile(), "rw")) {
        sparse.setLength(plan.transferBytes());
      }
    } catch (IOException e) {
      throw new LoadException("cannot write the files to be served: " + e.getMessage(), e);
    }
  }

  private Child nginx(String name, String server) {
    Path prefix = bench.directory().resolve(name);
    Path config = prefix.resolve("nginx.conf");
    try {
      Files.createDirectories(prefix);
      Files.writeString(config, common(prefix) + server + "}\n");
    } catch (IOException e) {
      throw new LoadException("cannot write " + config + ": " + e.getMessage(), e);
    }
    return bench
        .children()
        .start(
            name,
            List.of(bench.tools().nginx().toString(), "-p", prefix + "/", "-c", config.toString()),
            Map.of());
  }

  /** One process each, as with {@code worker_processes 1}, and with nothing outside its prefix. */
  private static String common(Path prefix) {
    StringBuilder text =
        new StringBuilder(
            """
            daemon off;
            master_process off;
            worker_processes 1;
            error_log stderr;
            pid nginx.pid;
            events { worker_connections 4096; }
            http {
              access_log off;
              sendfile on;
              tcp_nodelay on;
              keepalive_timeout 300s;
              keepalive_requests 100000000;
            """);
    for (String kind : List.of("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) {
      text.append("  ").append(kind).append("_temp_path ").append(prefix).append("/temp;\n");
    }
    return text.toString();
  }

  private String originConfig() {
    return """
      server { listen %s:%d backlog=4096; root %s/root; }
    """
        .formatted(HOST, originPort, bench.directory());
  }

  private String yardstickConfig() {
    return """
      upstream origin { server %s:%d; keepalive 512; keepalive_requests 100000000; }
      server {
        listen %s:%d backlog=4096;
        location / {
          proxy_pass http://origin;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_buffering off;
        }
      }
    """
        .formatted(HOST, originPort, HOST, yardstickPort);
  }

  private void awaitAnswer(Subject subject) {
    HttpAnswer.await(url(subject, SMALL), START_SECONDS, processes());
  }

  private List<Child> processes() {
    return List.of(origin, yardstick, gateway, agent);
  }

  Bench bench() {
    return bench;
  }

  Tools tools() {
    return bench.tools();
  }

  Children children() {
    return bench.children();
  }

  Path directory() {
    return bench.directory();
  }

  Child gateway() {
    return gateway;
  }

  Child agent() {
    return agent;
  }

  int port(Subject subject) {
    return switch (subject) {
      case DIRECT -> originPort;
      case NGINX, NGINX_AGAIN -> yardstickPort;
      case WARREN -> gatewayPort;
    };
  }

  /** The path of a file, as this subject's callers ask for it. */
  String path(Subject subject, String file) {
    return subject == Subject.WARREN
        ? "/client/" + AGENT_ID + "/http/" + HOST + ":" + originPort + file
        : file;
  }

  String url(Subject subject, String file) {
    return "http://" + HOST + ":" + port(subject) + path(subject, file);
  }

  /** Who works for a subject, in the order of the way. */
  List<Child> processes(Subject subject) {
    return switch (subject) {
      case DIRECT -> List.of(origin);
      case NGINX, NGINX_AGAIN -> List.of(yardstick, origin);
      case WARREN -> List.of(gateway, agent, origin);
    };
  }

  /** CPU seconds so far of each process that works for a subject. */
  Map<String, Double> cpuSeconds(Subject subject) {
    Map<String, Double> seconds = new LinkedHashMap<>();
    processes(subject).forEach(child -> seconds.put(child.name(), child.cpuSeconds()));
    return seconds;
  }
}

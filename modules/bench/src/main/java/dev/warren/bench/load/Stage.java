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
 * client -> origin                                     direct
 * client -> yardstick -> origin                        nginx
 * client -> gateway -> agent -> origin                 Warren
 * client -> peer -> [link] -> gateway -> agent -> origin   over a peer
 * </pre>
 *
 * What nginx as an origin cannot do (take a body and throw it away, close, echo), the {@link Sink}
 * does in its place.
 */
final class Stage {
  /** The file of a download. */
  static final String LARGE = "/large";

  /** The file of a request: 1 KiB. */
  static final String SMALL = "/small";

  /** The file of the long transfer; it has no blocks on the disk. */
  static final String SPARSE = "/sparse";

  /** Where the sink takes what is uploaded. */
  static final String UPLOAD = "/sink/upload";

  /** Where the sink sends back what comes behind an upgrade. */
  static final String ECHO = "/echo";

  /** Where, with the number of a sink behind it, the connection is closed with the answer. */
  static final String ONCE = "/once/";

  /** Ports on which the sink listens. */
  static final int SINKS = 4;

  static final int SMALL_BYTES = 1024;
  private static final String HOST = FreePorts.HOST;
  static final String AGENT_ID = "bench";
  private static final int START_SECONDS = 60;
  private static final int BLOCK_BYTES = 1 << 20;

  /** The heap of each; what else the launcher sets stays as users have it. */
  private static final String JAVA = "-Xmx256m";

  private final Bench bench;
  private final int originPort = FreePorts.one();
  private final int yardstickPort = FreePorts.one();
  private final List<Integer> sinkPorts = FreePorts.some(SINKS);
  private final Child origin;
  private final Child sink;
  private final Child yardstick;
  private final Cluster.Node gateway;
  private final Cluster.Node peer;
  private final Child agent;

  Stage(Bench bench, Plan plan) {
    this.bench = bench;
    writeFiles(plan);
    origin = Nginx.start(bench, "origin", originConfig());
    sink = Sink.start(bench, sinkPorts);
    yardstick = Nginx.start(bench, "yardstick", yardstickConfig());
    Cluster cluster = Cluster.start(bench, List.of("gateway", "peer"), JAVA);
    gateway = cluster.nodes().get(0);
    peer = cluster.nodes().get(1);
    agent =
        bench
            .children()
            .start(
                "agent",
                List.of(
                    bench.warren().toString(),
                    "agent",
                    "--id",
                    AGENT_ID,
                    "--connect",
                    "ws://" + HOST + ":" + gateway.http() + "/connect"),
                Bench.java(JAVA));
    for (Subject subject : Subject.values()) {
      awaitAnswer(subject, SMALL);
      awaitAnswer(subject, UPLOAD);
    }
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

  private String originConfig() {
    return """
      server { listen %s:%d backlog=4096; root %s/root; }
    """
        .formatted(HOST, originPort, bench.directory());
  }

  private String yardstickConfig() {
    StringBuilder text =
        new StringBuilder(
            """
              upstream origin { server %s:%d; keepalive 512; keepalive_requests 100000000; }
              upstream sink { server %s:%d; keepalive 512; keepalive_requests 100000000; }
              server {
                listen %s:%d backlog=4096;
                client_max_body_size 0;
                proxy_http_version 1.1;
                proxy_buffering off;
                proxy_request_buffering off;
                location / {
                  proxy_pass http://origin;
                  proxy_set_header Connection "";
                }
                location /sink/ {
                  proxy_pass http://sink;
                  proxy_set_header Connection "";
                }
                location %s {
                  proxy_pass http://sink;
                  proxy_set_header Connection Upgrade;
                  proxy_set_header Upgrade $http_upgrade;
                }
            """
                .formatted(HOST, originPort, HOST, sinkPorts.get(0), HOST, yardstickPort, ECHO));
    for (int i = 0; i < SINKS; i++) {
      text.append(
          """
                location %s%d {
                  proxy_pass http://%s:%d;
                  proxy_set_header Connection close;
                }
          """
              .formatted(ONCE, i, HOST, sinkPorts.get(i)));
    }
    return text.append("  }\n").toString();
  }

  private void awaitAnswer(Subject subject, String file) {
    HttpAnswer.await(url(subject, file), START_SECONDS, processes());
  }

  private List<Child> processes() {
    return List.of(origin, sink, yardstick, gateway.process(), peer.process(), agent);
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

  List<Cluster.Node> gateways() {
    return List.of(gateway, peer);
  }

  /** Where the library comes in. */
  String gatewayUrl(Subject subject) {
    return "http://" + HOST + ":" + (subject == Subject.PEER ? peer : gateway).http();
  }

  /** The sink's ports, as the agent dials them. */
  List<String> sinkTargets() {
    return sinkPorts.stream().map(port -> HOST + ":" + port).toList();
  }

  /** The gateway that has the agent's tunnel. */
  Child gateway() {
    return gateway.process();
  }

  /** The other gateway. */
  Child peer() {
    return peer.process();
  }

  Child agent() {
    return agent;
  }

  /** One that the origin serves, on the disk. */
  Path file(String name) {
    return bench.directory().resolve("root").resolve(name.substring(1));
  }

  /** Where the callers of this subject connect for a file. */
  int port(Subject subject, String file) {
    return switch (subject) {
      case DIRECT -> target(file);
      case NGINX, NGINX_AGAIN -> yardstickPort;
      case WARREN -> gateway.http();
      case PEER -> peer.http();
    };
  }

  /** Who has this file, behind everything. */
  private int target(String file) {
    if (file.startsWith(ONCE)) {
      return sinkPorts.get(Integer.parseInt(file.substring(ONCE.length())));
    }
    return file.equals(UPLOAD) || file.equals(ECHO) ? sinkPorts.get(0) : originPort;
  }

  /** The path of a file, as this subject's callers ask for it. */
  String path(Subject subject, String file) {
    return subject.isWarren()
        ? "/client/" + AGENT_ID + "/http/" + HOST + ":" + target(file) + file
        : file;
  }

  String url(Subject subject, String file) {
    return "http://" + HOST + ":" + port(subject, file) + path(subject, file);
  }

  /** Who works for a subject, in the order of the way. */
  private List<Child> processes(Subject subject) {
    return switch (subject) {
      case DIRECT -> List.of(origin, sink);
      case NGINX, NGINX_AGAIN -> List.of(yardstick, origin, sink);
      case WARREN -> List.of(gateway.process(), agent, origin, sink);
      case PEER -> List.of(peer.process(), gateway.process(), agent, origin, sink);
    };
  }

  /** CPU seconds so far of each process that works for a subject. */
  Map<String, Double> cpuSeconds(Subject subject) {
    Map<String, Double> seconds = new LinkedHashMap<>();
    processes(subject).forEach(child -> seconds.put(child.name(), child.cpuSeconds()));
    return seconds;
  }
}

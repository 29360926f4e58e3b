package dev.warren.cli.demo;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.cli.files.FileServer;
import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The whole of warren on free loopback ports: a file server, which only the agent dials; three
 * gateways, each a process of its own, which only callers and the agent talk to; a load balancer in
 * front of them; and an agent that connects to it.
 */
public final class Demo implements AutoCloseable {
  /** The edges of a frame's size and of a first window, and one that needs many of both. */
  public static final List<Long> SIZES = List.of(0L, 1L, 65_535L, 65_536L, 64L << 20);

  /** How many gateways there are. */
  public static final int REPLICAS = 3;

  private static final String AGENT_ID = "demo";
  private static final Duration ATTACH_WITHIN = Duration.ofSeconds(30);
  private static final Duration MOVE_WITHIN = Duration.ofMinutes(2);
  private static final Duration FIND_WITHIN = Duration.ofSeconds(30);
  private static final int CHUNK_BYTES = 64 * 1024;

  private final List<AutoCloseable> running = new ArrayList<>();
  private final List<Replica> replicas = new ArrayList<>();
  private final HttpClient caller =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Path outside;
  private final Path inside;
  private FileServer files;
  private Balancer balancer;
  private Agent agent;

  /**
   * One file that was moved and compared.
   *
   * @param way "download" or "upload"
   * @param origin the gateway where it came in
   * @param holder the one with the tunnel
   * @param sha256 the same before and after
   */
  public record Moved(
      String way, long bytes, String origin, String holder, String sha256, Duration took) {}

  /**
   * What the death of the gateway that held the agent's tunnel looked like to callers of the
   * others.
   *
   * @param killed the gateway
   * @param holder where the agent is at home now
   * @param away from the kill to the first answer of the agent's file server
   * @param dials while it was away; none of them failed
   */
  public record Outage(String killed, String holder, Duration away, int dials) {}

  private Demo() throws IOException {
    outside = Files.createTempDirectory("warren-demo-caller-");
    inside = Files.createTempDirectory("warren-demo-files-");
  }

  /**
   * @throws IOException where a part cannot be started
   * @throws TimeoutException where the agent does not attach
   */
  public static Demo start(boolean logFrames)
      throws IOException, TimeoutException, InterruptedException {
    Demo demo = new Demo();
    try {
      demo.startParts(logFrames);
      return demo;
    } catch (IOException | TimeoutException | InterruptedException | RuntimeException e) {
      demo.close();
      throw e;
    }
  }

  private void startParts(boolean logFrames)
      throws IOException, TimeoutException, InterruptedException {
    InetSocketAddress free = new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0);
    files = FileServer.start(new FileServer.Settings(free, inside, true));
    running.add(files);
    Path token = outside.resolve("cluster.token");
    Files.writeString(token, Token.generate(TokenKind.CLUSTER, new SecureRandom()) + "\n");
    List<Replica.Ports> ports = Replica.freePorts(REPLICAS);
    for (int i = 0; i < REPLICAS; i++) {
      String id = "gateway-" + (i + 1);
      Replica replica = Replica.start(id, ports.get(i), ports, token, outside.resolve(id + ".log"));
      replicas.add(replica);
      running.add(replica);
    }
    for (Replica replica : replicas) {
      replica.awaitReady(caller);
    }
    balancer = Balancer.start(replicas.stream().map(Replica::address).toList());
    running.add(balancer);
    GatewayAddress address = GatewayAddress.parse("ws://127.0.0.1:" + balancer.port() + "/connect");
    agent =
        Agent.start(
            AgentSettings.builder(SessionKey.of(AGENT_ID), List.of(address))
                .logFrames(logFrames)
                .build());
    running.add(agent);
    try {
      agent.firstUp().get(ATTACH_WITHIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException("the agent cannot attach: " + e.getCause().getMessage(), e);
    } catch (TimeoutException e) {
      TimeoutException told =
          new TimeoutException("the agent did not attach within " + ATTACH_WITHIN);
      told.initCause(e);
      throw told;
    }
  }

  /** What stands before the name of a file for a caller, by way of the balancer. */
  public URI url() {
    return url(balancer.port());
  }

  /** The same by way of each gateway. */
  public List<URI> urls() {
    return replicas.stream().map(replica -> url(replica.ports().http())).toList();
  }

  /** Where an operator asks a gateway that is alive. */
  public URI adminUrl() {
    Replica alive = replicas.stream().filter(Replica::isAlive).findFirst().orElseThrow();
    return URI.create("http://127.0.0.1:" + alive.ports().admin());
  }

  private URI url(int port) {
    return URI.create(
        "http://127.0.0.1:"
            + port
            + "/client/"
            + AGENT_ID
            + "/http/127.0.0.1:"
            + files.address().getPort()
            + "/");
  }

  /** The directory that the file server serves. */
  public Path directory() {
    return inside;
  }

  /**
   * Moves a file of each size down and another one up, through the gateways in turn, and compares
   * what arrived.
   *
   * @param each told of every file that arrived whole
   * @throws IOException where one did not; the message says which and what came instead
   */
  public void move(List<Long> sizes, Consumer<Moved> each)
      throws IOException, InterruptedException {
    int turn = 0;
    for (long size : sizes) {
      each.accept(download(replicas.get(turn++ % replicas.size()), size));
      each.accept(upload(replicas.get(turn++ % replicas.size()), size));
    }
  }

  private Moved download(Replica origin, long size) throws IOException, InterruptedException {
    String name = "download-" + size + ".bin";
    String expected = write(inside.resolve(name), size, 1);
    Path arrived = outside.resolve(name);
    long start = System.nanoTime();
    HttpResponse<Path> response =
        caller.send(
            request(url(origin.ports().http()), name).GET().build(), BodyHandlers.ofFile(arrived));
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    if (response.statusCode() != 200) {
      throw new IOException(name + ": " + status(response) + ": " + Files.readString(arrived));
    }
    return compared("download", size, origin.id(), expected, arrived, took);
  }

  private Moved upload(Replica origin, long size) throws IOException, InterruptedException {
    String name = "upload-" + size + ".bin";
    Path source = outside.resolve(name);
    String expected = write(source, size, 2);
    long start = System.nanoTime();
    HttpResponse<String> response =
        caller.send(
            request(url(origin.ports().http()), name).PUT(BodyPublishers.ofFile(source)).build(),
            BodyHandlers.ofString());
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    if (response.statusCode() != 201) {
      throw new IOException(name + ": " + status(response) + ": " + response.body());
    }
    return compared("upload", size, origin.id(), expected, inside.resolve(name), took);
  }

  /**
   * Kills the gateway that holds the agent's tunnel, and asks the others for a file until one
   * answers. A dial that is under way meanwhile waits for the agent to come back.
   *
   * @throws IOException where a dial fails; the message says how
   */
  public Outage killHolder() throws IOException, InterruptedException, TimeoutException {
    String name = "hello.txt";
    Files.writeString(inside.resolve(name), "hello\n");
    String holder = agent.tunnel().gateway();
    Replica victim =
        replicas.stream().filter(replica -> replica.id().equals(holder)).findFirst().orElseThrow();
    Replica survivor =
        replicas.stream().filter(replica -> replica != victim).findFirst().orElseThrow();
    victim.kill();
    long killed = System.nanoTime();
    int dials = 0;
    while (true) {
      HttpResponse<String> answer =
          caller.send(
              request(url(survivor.ports().http()), name).timeout(FIND_WITHIN).build(),
              BodyHandlers.ofString());
      dials++;
      if (answer.statusCode() == 200) {
        Duration away = Duration.ofNanos(System.nanoTime() - killed);
        return new Outage(victim.id(), agent.tunnel().gateway(), away, dials);
      }
      // The connection to the dead gateway may still be noticed by one dial.
      if (answer.statusCode() != 502 || System.nanoTime() - killed > FIND_WITHIN.toNanos()) {
        throw new IOException(
            "after the death of " + victim.id() + ": " + status(answer) + ": " + answer.body());
      }
    }
  }

  private static HttpRequest.Builder request(URI way, String name) {
    return HttpRequest.newBuilder(way.resolve(name)).timeout(MOVE_WITHIN);
  }

  private static String status(HttpResponse<?> response) {
    return "status " + response.statusCode();
  }

  private Moved compared(
      String way, long size, String origin, String expected, Path arrived, Duration took)
      throws IOException {
    String found = hash(arrived);
    if (!found.equals(expected)) {
      throw new IOException(
          way
              + " of "
              + size
              + " bytes: "
              + Files.size(arrived)
              + " bytes with SHA-256 "
              + found
              + " arrived (expected: "
              + expected
              + ")");
    }
    return new Moved(way, size, origin, agent.tunnel().gateway(), found, took);
  }

  /** Writes bytes that no two sizes share, and returns their hash. */
  private static String write(Path file, long size, long salt) throws IOException {
    SplittableRandom random = new SplittableRandom(size * 31 + salt);
    byte[] chunk = new byte[CHUNK_BYTES];
    MessageDigest digest = sha256();
    try (OutputStream out = new DigestOutputStream(Files.newOutputStream(file), digest)) {
      for (long left = size; left > 0; left -= chunk.length) {
        random.nextBytes(chunk);
        out.write(chunk, 0, (int) Math.min(left, chunk.length));
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = sha256();
    byte[] chunk = new byte[CHUNK_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        digest.update(chunk, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible); // every Java platform has SHA-256
    }
  }

  /** Stops agent, balancer, gateways and file server, in this order, and deletes the files. */
  @Override
  public void close() throws IOException {
    for (int i = running.size() - 1; i >= 0; i--) {
      try {
        running.get(i).close();
      } catch (Exception e) {
        throw new IOException("cannot stop: " + e.getMessage(), e);
      }
    }
    delete(outside);
    delete(inside);
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}

package dev.warren.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.warren.peer.link.JoinAddress;
import dev.warren.protocol.testing.RemoteDialerClient;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A remotedialer client at one gateway of two, and callers at the other. */
@Timeout(180)
class RemoteDialerHopTest {
  private static final HttpClient CALLER =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir static Path directory;

  private static ExecutorService threads;
  private static HttpServer origin;
  private static Gateway holder;
  private static Gateway caller;

  @BeforeAll
  static void start() throws IOException {
    threads = Executors.newCachedThreadPool();
    origin = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_000);
    origin.setExecutor(threads);
    origin.createContext(
        "/echo",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
          try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
          }
        });
    origin.start();
    Path token = directory.resolve("cluster.token");
    Files.writeString(token, "9f8Zq2Lw7XcV5bN1mK4jH6gF3dS0aPoI\n", StandardCharsets.US_ASCII);
    int[] ports = freePorts(4);
    JoinAddress first = JoinAddress.parse("127.0.0.1:" + ports[0] + "/" + ports[1]);
    holder = gateway("holder", token, ports[0], ports[1], List.of());
    caller = gateway("caller", token, ports[2], ports[3], List.of(first));
  }

  private static int[] freePorts(int count) throws IOException {
    int[] ports = new int[count];
    List<ServerSocket> held = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      held.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      ports[i] = held.get(i).getLocalPort();
    }
    for (ServerSocket each : held) {
      each.close();
    }
    return ports;
  }

  private static Gateway gateway(
      String id, Path token, int cluster, int link, List<JoinAddress> join) throws IOException {
    InetAddress here = InetAddress.getLoopbackAddress();
    return Gateway.start(
        GatewaySettings.builder()
            .id(id)
            .listen(new InetSocketAddress(here, 0))
            .eventLoops(1)
            .cluster(
                new GatewaySettings.Cluster(
                    token,
                    new InetSocketAddress(here, cluster),
                    Optional.empty(),
                    new InetSocketAddress(here, link),
                    Optional.empty(),
                    join))
            .build());
  }

  @AfterAll
  static void stop() {
    caller.close();
    holder.close();
    origin.stop(0);
    threads.shutdownNow();
  }

  @Test
  void callersOfTheOtherGatewayReachItsTargets() throws Exception {
    long seed = System.nanoTime();
    try (RemoteDialerClient client =
        RemoteDialerClient.connect(holder.address(), "/connect", "X-Tunnel-ID: Far:1")) {
      await(() -> caller.sessions() == 1);
      List<Future<Void>> calls = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        Random random = new Random(seed + i);
        Callable<Void> call =
            () -> {
              byte[] body = new byte[random.nextInt(1 << 20)];
              random.nextBytes(body);
              HttpResponse<byte[]> answer = send("Far%3A1", origin.getAddress().getPort(), body);
              assertEquals(200, answer.statusCode(), "seed " + seed);
              assertArrayEquals(body, answer.body(), "seed " + seed);
              return null;
            };
        calls.add(threads.submit(call));
      }
      for (Future<Void> call : calls) {
        call.get(90, TimeUnit.SECONDS);
      }
      HttpResponse<byte[]> refused = send("Far%3A1", 1, new byte[10]);
      assertEquals(502, refused.statusCode());
      assertTrue(new String(refused.body(), StandardCharsets.UTF_8).contains("refused"));
    }
    await(() -> caller.sessions() == 0);
    await(() -> holder.creditInUse() == 0 && caller.creditInUse() == 0);
  }

  private static HttpResponse<byte[]> send(String session, int port, byte[] body) throws Exception {
    return CALLER.send(
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:"
                        + caller.address().getPort()
                        + "/client/"
                        + session
                        + "/http/127.0.0.1:"
                        + port
                        + "/echo"))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(body))
            .build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "it never came");
      LockSupport.parkNanos(20_000_000);
    }
  }
}

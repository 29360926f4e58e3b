package dev.warren.gateway;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.warren.gateway.tunnel.TestAgent;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A whole gateway on loopback, with an agent and an origin: what a caller sees. */
@Timeout(120)
class GatewayTest {
  private static HttpServer origin;
  private static ExecutorService originThreads;
  private static Gateway gateway;
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @BeforeAll
  static void start() throws IOException {
    origin = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 200);
    originThreads = Executors.newCachedThreadPool();
    origin.setExecutor(originThreads);
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
    gateway =
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(2)
                .build());
  }

  @AfterAll
  static void stop() {
    gateway.close();
    origin.stop(0);
    originThreads.shutdownNow();
  }

  private static URI echo(String agent) {
    return URI.create(
        "http://127.0.0.1:"
            + gateway.address().getPort()
            + "/client/"
            + agent
            + "/http/127.0.0.1:"
            + origin.getAddress().getPort()
            + "/echo");
  }

  private static HttpResponse<byte[]> post(URI uri, byte[] body) throws Exception {
    return CLIENT.send(
        HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  @Test
  void aThousandRandomBodiesComeBackEqual() throws Exception {
    try (TestAgent agent = TestAgent.connect(gateway.address(), "echo-1")) {
      agent.welcome.get(10, TimeUnit.SECONDS);
      long seed = new Random().nextLong();
      ExecutorService callers = Executors.newFixedThreadPool(50);
      try {
        List<Future<String>> outcomes = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          Random random = new Random(seed + i);
          Callable<String> call =
              () -> {
                byte[] body = new byte[random.nextInt(2 << 20)];
                random.nextBytes(body);
                HttpResponse<byte[]> response = post(echo("echo-1"), body);
                assertEquals(
                    200,
                    response.statusCode(),
                    new String(
                        response.body(),
                        0,
                        Math.min(200, response.body().length),
                        java.nio.charset.StandardCharsets.UTF_8));
                assertArrayEquals(body, response.body(), "seed " + seed);
                return "equal";
              };
          outcomes.add(callers.submit(call));
        }
        for (Future<String> outcome : outcomes) {
          assertEquals("equal", outcome.get(60, TimeUnit.SECONDS));
        }
      } finally {
        callers.shutdownNow();
      }
    }
  }

  @Test
  void aTargetThatRefusesIs502AndAnUnknownSession404() throws Exception {
    try (TestAgent agent = TestAgent.connect(gateway.address(), "echo-2")) {
      agent.welcome.get(10, TimeUnit.SECONDS);
      HttpResponse<byte[]> refused =
          post(
              URI.create(
                  "http://127.0.0.1:"
                      + gateway.address().getPort()
                      + "/client/echo-2/http/127.0.0.1:1/"),
              new byte[0]);
      assertEquals(502, refused.statusCode());
      assertTrue(refused.headers().firstValue("Warren-Stream").isPresent());
      assertEquals(404, post(echo("nobody"), new byte[0]).statusCode());
    }
  }

  @Test
  void anOrderToDrainClosesAGatewayThatIsALibrary() throws Exception {
    try (Gateway other =
        Gateway.start(
            GatewaySettings.builder()
                .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .eventLoops(1)
                .build())) {
      other.beginDrain();
      other.beginDrain();
      other.closed().toCompletableFuture().get(30, TimeUnit.SECONDS);
      other.drain();
      assertEquals(0, other.connections());
    }
  }

  @Test
  void theNewestOfTwoAgentsWinsAndTheOlderIsToldToWait() throws Exception {
    try (TestAgent first = TestAgent.connect(gateway.address(), "twin")) {
      Frame.Welcome firstWelcome = first.welcome.get(10, TimeUnit.SECONDS);
      try (TestAgent second = TestAgent.connect(gateway.address(), "twin")) {
        assertTrue(
            second.welcome.get(10, TimeUnit.SECONDS).rank().epoch() > firstWelcome.rank().epoch());
        TestAgent.End end = first.end.get(10, TimeUnit.SECONDS);
        assertEquals(FaultCode.SUPERSEDED, end.code());
        assertEquals(5_000, end.retryAfterMillis());
        assertEquals(200, post(echo("twin"), new byte[10]).statusCode());
      }
    }
  }

  @Test
  void anAgentThatConnectsAgainTakesItsOwnPlaceAtOnce() throws Exception {
    StreamId instance = StreamId.random();
    try (TestAgent first =
        TestAgent.connect(gateway.address(), "again", instance, 1, Frame.Rank.NONE)) {
      Frame.Welcome welcome = first.welcome.get(10, TimeUnit.SECONDS);
      try (TestAgent second =
          TestAgent.connect(gateway.address(), "again", instance, 2, welcome.rank())) {
        assertEquals(
            welcome.rank().epoch(), second.welcome.get(10, TimeUnit.SECONDS).rank().epoch());
        assertEquals(FaultCode.SUPERSEDED, first.end.get(10, TimeUnit.SECONDS).code());
        assertEquals(200, post(echo("again"), new byte[10]).statusCode());
      }
    }
  }
}
